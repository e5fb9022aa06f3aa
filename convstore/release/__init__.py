"""Releases: curated slices of conversations in the form that a trainer reads, with proof of what went out."""
