"""Gathers conversations into batches and sees each to its outcome, also where others import the same at that time.

Threads store batches while the next files are read: reading takes the processor, storing waits for the database and
the disk. Two batches are on their way at once, so that files are packed and checked while rows are inserted, unless
the later one holds a conversation of the earlier: what comes later sees what came before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
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
BATCH_BYTES = 16 << 20

#: Batches that are stored at once.
_THREADS = 2

#: How often a conversation is looked at again that somebody else stored or changed in between.
ROUNDS = 3


@dataclass(slots=True)
class _Batch:
    candidates: list[Candidate] = field(default_factory=list)
    bytes: int = 0
    ids: set[str] = field(default_factory=set)
    turns: set[str] = field(default_factory=set)

    def add(self, candidate: Candidate) -> None:
        self.candidates.append(candidate)
        self.bytes += candidate.size
        self.ids.add(candidate.draft.conversation_id)
        self.turns.add(candidate.turns_sha256)

    def holds(self, candidate: Candidate) -> bool:
        """True if a candidate may be one of these conversations."""
        return candidate.draft.conversation_id in self.ids or (
            candidate.draft.id_is_derived and candidate.turns_sha256 in self.turns
        )

    def meets(self, other: _Batch) -> bool:
        return not self.ids.isdisjoint(other.ids) or not self.turns.isdisjoint(other.turns)


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
        # A rehearsal remembers what it would have stored, in the order of the files.
        self._threads = ThreadPoolExecutor(1 if writer is None else _THREADS, thread_name_prefix="convstore-ingest")
        self._storing: deque[tuple[_Batch, Future[None]]] = deque()
        self._waiting = _Batch()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            self._threads.shutdown()

    def add(self, candidate: Candidate) -> None:
        """Take a conversation in; stores the batch first if it is full or holds the same conversation."""
        if (
            len(self._waiting.candidates) >= BATCH_CONVERSATIONS
            or self._waiting.bytes + candidate.size > BATCH_BYTES
            or self._waiting.holds(candidate)
        ):
            self._flush()
        self._waiting.add(candidate)

    def settle(self) -> None:
        """Store what is waiting now; afterwards every report says what became of its conversation."""
        self._flush()
        while self._storing:
            self._wait()

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, _Batch()
        if not batch.candidates:
            return
        while len(self._storing) >= _THREADS or any(batch.meets(other) for other, _ in self._storing):
            self._wait()
        storing = self._threads.submit(copy_context().run, self._see_through, batch.candidates)
        self._storing.append((batch, storing))

    def _wait(self) -> None:
        _, storing = self._storing.popleft()
        storing.result()

    def _see_through(self, batch: list[Candidate]) -> None:
        for _ in range(ROUNDS):
            if not batch:
                return
            batch = self._settle(batch)
        for candidate in batch:
            candidate.report.outcome = "conflict"
            candidate.report.reason = "others keep changing it; import it again later"

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
