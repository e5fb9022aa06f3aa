"""Characters that PostgreSQL cannot hold: found, or removed and counted; and Unicode normalisation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from convstore.errors import InvalidInputError

__all__ = ["Normalization", "Sanitizer", "check_characters"]

Normalization = Literal["NFC", "NFKC", "none"]

_BROKEN = re.compile("[\x00\ud800-\udfff]")


def check_characters(value: object) -> None:
    """Refuse NUL and lone surrogates anywhere in a value.

    Raises
    ------
    InvalidInputError
        ERR_CHAR_CONTROL for NUL, ERR_CHAR_INVALID_UTF8 for a surrogate.
    """
    if isinstance(value, str):
        found = _BROKEN.search(value)
        if found is None:
            return
        nul = found.group() == "\x00"
        raise InvalidInputError(
            f"character {found.start() + 1} is {'NUL' if nul else 'a lone surrogate'}, which PostgreSQL cannot hold",
            code="ERR_CHAR_CONTROL" if nul else "ERR_CHAR_INVALID_UTF8",
            hint="Remove it (sanitize).",
        )
    if isinstance(value, Mapping):
        for name, entry in value.items():
            check_characters(name)
            check_characters(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            check_characters(entry)


@dataclass(slots=True)
class Sanitizer:
    """Removes what PostgreSQL cannot hold and normalises text; `removed` counts the characters of the last value."""

    remove: bool
    normalization: Normalization
    removed: int = 0

    def clean(self, value: object) -> object:
        """The value with every text in it cleaned."""
        self.removed = 0
        return self._clean(value)

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            if self.remove:
                value, count = _BROKEN.subn("", value)
                self.removed += count
            return value if self.normalization == "none" else unicodedata.normalize(self.normalization, value)
        if isinstance(value, Mapping):
            return {self._clean(name): self._clean(entry) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(entry) for entry in value]
        return value
