"""Gathers conversations into batches and sees each to its outcome, also where others import the same at that time.

A thread of its own stores a batch while the next files are read: reading takes the processor, storing waits for the
database and the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self
from uuid import UUID

from convstore.database import Context, Database
from convstore.errors import InvalidInputError
from convstore.ingest.deciding import Candidate, Known, OnConflict, Rehearsal, decide
from convstore.ingest.reports import Outcome
from convstore.ingest.writing import Writer
from convstore.model import Actor
from convstore.queries.storing import Existing, find_existing

__all__ = ["BATCH_BYTES", "BATCH_CONVERSATIONS", "Batches"]

#: Conversations and bytes of messages that one transaction stores at most.
BATCH_CONVERSATIONS = 200
BATCH_BYTES = 32 << 20

#: How often a conversation is looked at again that somebody else stored or changed in between.
ROUNDS = 3


class Batches:
    """Conversations waiting to be stored together; leaving the context stores the last ones.

    Parameters
    ----------
    writer
        None in a dry run.
    on_refused
        Called with a conversation that the database or the file store does not take.
    stored_before
        What this import stored before it was interrupted: it still counts as stored.
    """

    def __init__(
        self,
        database: Database,
        actor: Actor,
        writer: Writer | None,
        *,
        on_conflict: OnConflict,
        on_refused: Callable[[Candidate, InvalidInputError], None],
        stored_before: Mapping[UUID, Outcome] | None = None,
    ) -> None:
        self._database = database
        self._actor = actor
        self._writer = writer
        self._on_conflict = on_conflict
        self._on_refused = on_refused
        self._stored_before = dict(stored_before or {})
        self._rehearsal = Rehearsal(actor)
        self._context = Context.of(actor)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="convstore-ingest")
        self._storing: Future[None] | None = None
        self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            self._thread.shutdown()

    def add(self, candidate: Candidate) -> None:
        """Take a conversation in; stores the batch first if it is full or holds the same conversation."""
        if (
            len(self._waiting) >= BATCH_CONVERSATIONS
            or self._bytes + candidate.size > BATCH_BYTES
            or candidate.draft.conversation_id in self._ids
            or (candidate.draft.id_is_derived and candidate.turns_sha256 in self._turns)
        ):
            self._flush()
        self._waiting.append(candidate)
        self._bytes += candidate.size
        self._ids.add(candidate.draft.conversation_id)
        self._turns.add(candidate.turns_sha256)

    def settle(self) -> None:
        """Store what is waiting now; afterwards every report says what became of its conversation."""
        self._flush()
        self._wait()

    def _flush(self) -> None:
        batch = self._waiting
        self._clear()
        # One at a time: memory stays bounded, and what comes later sees what came before.
        self._wait()
        if batch:
            self._storing = self._thread.submit(copy_context().run, self._see_through, batch)

    def _wait(self) -> None:
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def _see_through(self, batch: list[Candidate]) -> None:
        for _ in range(ROUNDS):
            if not batch:
                return
            batch = self._settle(batch)
        for candidate in batch:
            candidate.report.outcome = "conflict"
            candidate.report.reason = "others keep changing it; import it again later"

    def _clear(self) -> None:
        self._waiting: list[Candidate] = []
        self._bytes = 0
        self._ids: set[str] = set()
        self._turns: set[str] = set()

    def _settle(self, batch: Sequence[Candidate]) -> list[Candidate]:
        """Decide about a batch and carry it out; those that somebody else got hold of in between."""
        known = self._look_up(batch)
        fresh: list[Candidate] = []
        replacing: list[tuple[Candidate, Existing]] = []
        for candidate in batch:
            existing = decide(candidate, known, on_conflict=self._on_conflict, actor=self._actor)
            if existing is None:
                fresh.append(candidate)
            elif candidate.report.outcome == "replaced":
                replacing.append((candidate, existing))
            elif candidate.report.outcome == "unchanged":
                candidate.report.outcome = self._stored_before.pop(existing.id, "unchanged")
        if self._writer is None:
            for candidate, replaced in [*((one, None) for one in fresh), *replacing]:
                self._rehearsal.store(candidate, replaced)
            return []
        late = self._writer.store(fresh, self._on_refused) if fresh else []
        for candidate, existing in replacing:
            try:
                if not self._writer.replace(candidate, existing):
                    late.append(candidate)
            except InvalidInputError as exc:
                self._on_refused(candidate, exc)
        return late

    def _look_up(self, batch: Sequence[Candidate]) -> Known:
        with self._database.transaction(self._context, read_only=True) as connection:
            rows = find_existing(
                connection,
                self._actor.workspace_id,
                conversation_ids=[candidate.draft.conversation_id for candidate in batch],
                hashes=[candidate.turns_sha256 for candidate in batch if candidate.draft.id_is_derived],
            )
        return Known(rows if self._writer else self._rehearsal.on_top_of(rows, batch))
