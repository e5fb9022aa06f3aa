"""Importing records: every good one is in, every bad one is reported with its reason, and the totals add up."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from convstore.database import Context, Database
from convstore.errors import ConvstoreError, UsageError
from convstore.saol.advice import advise, advise_all
from convstore.saol.catalogue import get_relation
from convstore.saol.characters import Normalization, Sanitizer
from convstore.saol.filters import check_names
from convstore.saol.preflight import check_privileges, choose_upsert_key
from convstore.saol.records import BadRecord, Preparation, ReadyRecord
from convstore.saol.reports import DEFAULT_FOLDER, ImportReports, ReportWriter, new_run
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, fetch, session
from convstore.saol.sources import Source, SourceRecord, iter_records
from convstore.saol.staging import BatchOutcome, Target, load_batch

__all__ = ["ImportResult", "ImportTotals", "agent_import_tool"]

MOST_BATCH_CHARACTERS = 8 * 1024 * 1024
_TRANSIENT = ("ERR_TRANSIENT", "ERR_DB_UNAVAILABLE")


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


@operation(ImportResult)
def agent_import_tool(
    database: Database,
    *,
    source: Source,
    table: str,
    mode: Literal["insert", "upsert"] = "insert",
    on_conflict: str | Sequence[str] | None = None,
    batch_size: int = 1000,
    dry_run: bool = False,
    sanitize: bool = False,
    normalization: Normalization = "none",
    reports_dir: str | Path = DEFAULT_FOLDER,
    max_attempts: int = 5,
    backoff_s: float = 0.2,
    timeout_s: float = 300.0,
    as_user: Context | None = None,
) -> ImportResult:
    """Import records into a table; a bad one never fails its neighbours.

    Parameters
    ----------
    source
        Records; or the path of an NDJSON file or of one JSON array; or a JSON array as text.
    on_conflict
        Columns that identify a row in mode upsert; the primary key if left out.
    batch_size
        Records a transaction.
    dry_run
        Import everything in one transaction and roll it back.
    sanitize
        Remove NUL and lone surrogates and count them; otherwise such a record is an error.
    reports_dir
        Folder of the reports, made if it is missing.
    max_attempts
        How often a batch is tried when the failure is of the moment: a deadlock, a lock, a lost connection.
    """
    _check(mode, normalization, batch_size, max_attempts)
    records = iter_records(source)
    with session(database, as_user, read_only=True) as connection:
        relation = get_relation(connection, table)
        check_privileges(connection, relation, "INSERT", *(("UPDATE",) if mode == "upsert" else ()))
        key = choose_upsert_key(relation, check_names(on_conflict, "on_conflict")) if mode == "upsert" else ()
    target = Target(relation=relation, mode=mode, key=key)
    run = new_run()
    with ReportWriter(reports_dir, table, run) as writer:
        work = _Import(target, Preparation(relation, Sanitizer(remove=sanitize, normalization=normalization)), writer)
        try:
            if dry_run:
                _try(database, as_user, target, work, records, batch_size, timeout_s)
            else:
                attempts = _Attempts(database, as_user, max_attempts, backoff_s, timeout_s, work)
                for batch in work.batches(records, batch_size):
                    work.note(batch, attempts.load(target, batch))
        except ConvstoreError as error:
            work.stop(error)
        result = work.result(run=run, dry_run=dry_run)
        writer.write_summary(result.as_dict())
    return result


def _try(
    database: Database,
    as_user: Context | None,
    target: Target,
    work: _Import,
    records: Iterator[SourceRecord],
    batch_size: int,
    timeout_s: float,
) -> None:
    """Everything in one transaction, so that records which only collide with each other are found; then roll back."""
    with session(database, as_user, timeout_s=timeout_s) as connection, connection.transaction(force_rollback=True):
        for batch in work.batches(records, batch_size):
            work.note(batch, load_batch(connection, target, batch, blame_rows=True))


def _check(mode: str, normalization: str, batch_size: int, max_attempts: int) -> None:
    if mode not in ("insert", "upsert"):
        raise UsageError(f"there is no mode {mode!r}", hint="Use insert or upsert.")
    if normalization not in ("NFC", "NFKC", "none"):
        raise UsageError(f"there is no normalization {normalization!r}", hint="Use NFC, NFKC or none.")
    if batch_size < 1 or max_attempts < 1:
        raise UsageError("batch_size and max_attempts are 1 or more", hint="Give positive numbers.")


class _Import:
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


@dataclass(frozen=True, slots=True)
class _Attempts:
    """Loads batches, each in a transaction of its own, again when the failure is of the moment."""

    database: Database
    as_user: Context | None
    most: int
    backoff_s: float
    timeout_s: float
    work: _Import

    def load(self, target: Target, batch: list[ReadyRecord]) -> BatchOutcome:
        for attempt in range(1, self.most + 1):
            outcome, transaction = None, None
            try:
                with session(self.database, self.as_user, timeout_s=self.timeout_s) as connection:
                    outcome = load_batch(connection, target, batch, blame_rows=attempt == self.most)
                    transaction = fetch(connection, "SELECT pg_current_xact_id()::text AS id")[0]["id"]
                return outcome
            except ConvstoreError as error:
                if error.code not in _TRANSIENT or attempt == self.most:
                    raise
            # Up to twice the wait, so that two who met do not meet again.
            time.sleep(self.backoff_s * 2 ** (attempt - 1) * (1 + random.random()))  # no secret
            self.work.retries += 1
            if outcome is not None and transaction is not None and self._has_committed(transaction):
                return outcome
        raise AssertionError("the last attempt returns or raises")

    def _has_committed(self, transaction: str) -> bool:
        """True if the connection was lost behind a commit that went through; trying again would insert twice."""
        try:
            with session(self.database, self.as_user, read_only=True) as connection:
                return _status(connection, transaction) == "committed"
        except ConvstoreError as error:
            if error.code not in _TRANSIENT:
                raise
            return False


def _status(connection: Connection, transaction: str) -> str | None:
    found: str | None = fetch(connection, "SELECT pg_xact_status($1::xid8) AS status", [transaction])[0]["status"]
    return found
