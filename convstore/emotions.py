"""One spelling of an emotion label, for filters and charts; the label itself is stored verbatim. Pure."""

from __future__ import annotations

import re

__all__ = ["normalise_emotion"]

_SEPARATORS = re.compile(r"[\s_-]+")


def normalise_emotion(label: str) -> str:
    """The label in lower case with `_` for spaces and hyphens: "Cautious Hope" becomes "cautious_hope"."""
    return _SEPARATORS.sub("_", label.strip().lower())
