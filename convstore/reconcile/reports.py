"""What reconciliation and verification found: plain values that survive a stop and a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from convstore.queries.integrity import KeptFile, Source

__all__ = ["BadKind", "Checkpoint", "Finding", "Progress", "ReconcileReport", "VerifyReport"]

#: Called with a JSON document from which the work can be taken up again.
Checkpoint: TypeAlias = Callable[[Mapping[str, Any]], None]
Progress: TypeAlias = Callable[[int, int, str], None]
BadKind: TypeAlias = Literal["missing", "damaged", "drifted"]

_LISTS = ("missing", "damaged", "orphans", "drifted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is missing or damaged, or whose rows say something else."""

    kind: BadKind
    source: Source
    kept: KeptFile
    reason: str
    fields: tuple[str, ...] = ()

    def entry(self, *, repair: str | None = None, reason: str | None = None) -> dict[str, Any]:
        """What a report says of it."""
        entry: dict[str, Any] = {
            "conversation_id": self.kept.conversation_id,
            "path": self.kept.path,
            "reason": reason or self.reason,
            "repair": repair,
        }
        return {**entry, "fields": list(self.fields)} if self.fields else entry

    def as_dict(self) -> dict[str, Any]:
        """The finding as a JSON document."""
        return {**asdict(self), "kept": list(self.kept), "fields": list(self.fields)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Finding:
        """A finding that was kept."""
        return cls(**{**document, "kept": KeptFile(*document["kept"]), "fields": tuple(document["fields"])})


@dataclass(slots=True, kw_only=True)
class ReconcileReport:
    """Rows without a whole file, files without a row, rows that say something else than their file.

    Every entry has `path`, `reason` and `repair`: what was done about it, None if nothing was.
    """

    missing: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    drifted: list[dict[str, Any]] = field(default_factory=list)

    def add(self, finding: Finding, *, repair: str | None, reason: str | None) -> None:
        """Tell of a finding and what was done about it; `reason` where that says more."""
        getattr(self, finding.kind).append(finding.entry(repair=repair, reason=reason))

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
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return {**lists, "repaired": self.repaired}

    @classmethod
    def of(cls, *documents: Mapping[str, Any]) -> ReconcileReport:
        """A report that was kept; of several, one after the other."""
        return cls(**{name: [entry for document in documents for entry in document[name]] for name in _LISTS})

    def _entries(self) -> list[dict[str, Any]]:
        return [*self.missing, *self.damaged, *self.orphans, *self.drifted]


@dataclass(slots=True, kw_only=True)
class VerifyReport:
    """Files that were hashed again. `next` is where to go on; None if everything was looked at."""

    checked: int = 0
    missing: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None

    def add(self, finding: Finding) -> None:
        """Tell of a file that is missing or damaged."""
        getattr(self, finding.kind).append(finding.entry())

    @property
    def is_clean(self) -> bool:
        """True if every file was there and whole."""
        return not self.missing and not self.damaged

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return {name: getattr(self, name) for name in ("checked", "missing", "damaged", "next")}

    @classmethod
    def of(cls, *documents: Mapping[str, Any]) -> VerifyReport:
        """The report of a whole from those of its parts."""
        return cls(
            checked=sum(one["checked"] for one in documents),
            missing=[entry for one in documents for entry in one["missing"]],
            damaged=[entry for one in documents for entry in one["damaged"]],
        )
