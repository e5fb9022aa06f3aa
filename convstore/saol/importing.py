"""Importing records: every good one is in, every bad one is reported with its reason, and the totals add up."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from convstore.database import Context, Database
from convstore.errors import ConvstoreError, UsageError
from convstore.saol.catalogue import get_relation
from convstore.saol.characters import Normalization, Sanitizer
from convstore.saol.filters import check_names
from convstore.saol.import_books import ImportBooks, ImportResult
from convstore.saol.preflight import check_privileges, choose_upsert_key
from convstore.saol.records import Preparation, ReadyRecord
from convstore.saol.reports import DEFAULT_FOLDER, ReportWriter, new_run
from convstore.saol.results import operation
from convstore.saol.session import has_committed, session, transaction_id
from convstore.saol.sources import Source, SourceRecord, iter_records
from convstore.saol.staging import BatchOutcome, Target, load_batch

__all__ = ["agent_import_tool"]

_TRANSIENT = ("ERR_TRANSIENT", "ERR_DB_UNAVAILABLE")


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
        work = ImportBooks(
            target, Preparation(relation, Sanitizer(remove=sanitize, normalization=normalization)), writer
        )
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
    work: ImportBooks,
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


@dataclass(frozen=True, slots=True)
class _Attempts:
    """Loads batches, each in a transaction of its own, again when the failure is of the moment."""

    database: Database
    as_user: Context | None
    most: int
    backoff_s: float
    timeout_s: float
    work: ImportBooks

    def load(self, target: Target, batch: list[ReadyRecord]) -> BatchOutcome:
        for attempt in range(1, self.most + 1):
            outcome, transaction = None, None
            try:
                with session(self.database, self.as_user, timeout_s=self.timeout_s) as connection:
                    outcome = load_batch(connection, target, batch, blame_rows=attempt == self.most)
                    transaction = transaction_id(connection)
                return outcome
            except ConvstoreError as error:
                if error.code not in _TRANSIENT or attempt == self.most:
                    raise
            # Up to twice the wait, so that two who met do not meet again.
            time.sleep(self.backoff_s * 2 ** (attempt - 1) * (1 + random.random()))  # no secret
            self.work.retries += 1
            if outcome is not None and transaction is not None and self._went_through(transaction):
                return outcome
        raise AssertionError("the last attempt returns or raises")

    def _went_through(self, transaction: str) -> bool:
        """True if the connection was lost behind the commit: trying again would insert twice."""
        try:
            return has_committed(self.database, self.as_user, transaction)
        except ConvstoreError as error:
            if error.code not in _TRANSIENT:
                raise
            return False
