"""Reproducible measurements: the product beside the limit, in the same run, as ratios. Not tests."""
