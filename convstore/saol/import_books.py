"""The books of an import: every record is entered once, so that the totals add up. Knows no connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from convstore.errors import ConvstoreError
from convstore.saol.advice import advise, advise_all
from convstore.saol.records import BadRecord, Preparation, ReadyRecord
from convstore.saol.reports import ImportReports, ReportWriter
from convstore.saol.results import NextAction, Result
from convstore.saol.sources import SourceRecord
from convstore.saol.staging import BatchOutcome, Target

__all__ = ["ImportBooks", "ImportResult", "ImportTotals"]

MOST_BATCH_CHARACTERS = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTotals:
    """Records by outcome; `total` is their sum. Skipped: kept out by a trigger or an equal row, without an error."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult(Result):
    """What an import came to; `reports` has every record."""

    run: str = ""
    table: str = ""
    dry_run: bool = False
    totals: ImportTotals = field(default_factory=ImportTotals)
    errors_by_code: dict[str, int] = field(default_factory=dict)
    sanitized_records: int = 0
    removed_characters: int = 0
    retries: int = 0
    reports: ImportReports | None = None


class ImportBooks:
    """The books of one import."""

    def __init__(self, target: Target, preparation: Preparation, writer: ReportWriter) -> None:
        self._target = target
        self._preparation = preparation
        self._writer = writer
        self._succeeded = 0
        self._skipped = 0
        self._codes: Counter[str] = Counter()
        self._open: list[ReadyRecord] = []
        self._stopped: ConvstoreError | None = None
        self.retries = 0

    def batches(self, records: Iterator[SourceRecord], size: int) -> Iterator[list[ReadyRecord]]:
        """Records that are ready, in batches bounded by number and by length."""
        characters = 0
        self._open = []
        for record in records:
            ready = self._preparation.prepare(record)
            if isinstance(ready, BadRecord):
                self._blame(ready)
                continue
            self._open.append(ready)
            characters += len(ready.text)
            if len(self._open) >= size or characters >= MOST_BATCH_CHARACTERS:
                yield self._open
                self._open, characters = [], 0
        if self._open:
            yield self._open
            self._open = []

    def note(self, batch: list[ReadyRecord], outcome: BatchOutcome) -> None:
        """Enter what became of a batch."""
        for bad in outcome.bad:
            self._blame(bad)
        out = {bad.position for bad in outcome.bad} | outcome.skipped
        self._skipped += len(outcome.skipped)
        key = self._target.key or self._target.relation.primary_key
        for record in batch:
            if record.position not in out:
                self._succeeded += 1
                named = {name: record.value[name] for name in key if name in record.value}
                self._writer.add_success({"position": record.position, "line": record.line, "key": named})

    def stop(self, error: ConvstoreError) -> None:
        """Enter that the import cannot go on: the open batch is not in."""
        self._stopped = error
        for record in self._open:
            self._blame(
                BadRecord(
                    position=record.position,
                    line=record.line,
                    code=error.code,
                    reason=error.message,
                    record=record.value,
                )
            )

    def _blame(self, bad: BadRecord) -> None:
        self._codes[bad.code] += 1
        self._writer.add_error(bad)

    def result(self, *, run: str, dry_run: bool) -> ImportResult:
        """The books, closed."""
        failed = self._codes.total()
        totals = ImportTotals(
            total=self._succeeded + failed + self._skipped,
            succeeded=self._succeeded,
            failed=failed,
            skipped=self._skipped,
        )
        codes = [code for code, _ in self._codes.most_common()]
        stopped = self._stopped
        verb = "would be imported" if dry_run else "imported"
        summary = f"{totals.succeeded} of {totals.total} records {verb} into {self._target.relation.label}"
        summary += f", {failed} failed" if failed else ""
        summary += f", {self._skipped} skipped" if self._skipped else ""
        summary += f"; stopped, the rest was not read: {stopped.message}" if stopped else ""
        return ImportResult(
            success=not failed and stopped is None,
            summary=summary,
            code=stopped.code if stopped else codes[0] if codes else None,
            next_actions=self._advice(codes),
            facts=stopped.facts if stopped else {},
            run=run,
            table=self._target.relation.label,
            dry_run=dry_run,
            totals=totals,
            errors_by_code=dict(self._codes.most_common()),
            sanitized_records=self._preparation.sanitized_records,
            removed_characters=self._preparation.removed_characters,
            retries=self.retries,
            reports=self._writer.paths,
        )

    def _advice(self, codes: Sequence[str]) -> tuple[NextAction, ...]:
        stopped = advise(self._stopped.code, hint=self._stopped.hint) if self._stopped else ()
        if not codes:
            return stopped
        analyse = NextAction(
            action="analyze_errors",
            description="See what went wrong how often, and how to recover.",
            example=f'agent_analyze_import_errors(database, report="{self._writer.paths.errors}")',
            priority="MEDIUM",
        )
        return (*stopped, *(entry for entry in advise_all(codes) if entry not in stopped), analyse)
