"""What reconciliation and verification found: plain values that survive a stop and a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Checkpoint", "Progress", "ReconcileReport", "VerifyReport"]

#: Called with a JSON document from which the work can be taken up again.
Checkpoint: TypeAlias = Callable[[Mapping[str, Any]], None]
Progress: TypeAlias = Callable[[int, int, str], None]


@dataclass(slots=True, kw_only=True)
class ReconcileReport:
    """Rows without a whole file, files without a row, rows that say something else than their file.

    Every entry has `path`, `reason` and `repair`: what was done about it, None if nothing was.
    """

    missing: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    drifted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def repaired(self) -> int:
        """How many of them were repaired."""
        return sum(entry["repair"] is not None for entry in self._entries())

    @property
    def is_clean(self) -> bool:
        """True if nothing is left to repair."""
        return all(entry["repair"] is not None for entry in self._entries())

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        lists = {name: list(getattr(self, name)) for name in ("missing", "damaged", "orphans", "drifted")}
        return {**lists, "repaired": self.repaired}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ReconcileReport:
        """A report that was kept."""
        return cls(**{name: list(document[name]) for name in ("missing", "damaged", "orphans", "drifted")})

    def _entries(self) -> list[dict[str, Any]]:
        return [*self.missing, *self.damaged, *self.orphans, *self.drifted]


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """Files that were hashed again. `next` is where to go on; None if everything was looked at."""

    checked: int = 0
    missing: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None

    @property
    def is_clean(self) -> bool:
        """True if every file was there and whole."""
        return not self.missing and not self.damaged

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {name: getattr(self, name) for name in ("checked", "missing", "damaged", "next")}
