"""Checks run again over the set: those whose version grew, and those that compare with the set as a whole.

Cut into chunks of one transaction; how far each check is stands in the database, so a killed run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from convstore.checks import CHECKS, ArcPromise, CheckInput, SetContext
from convstore.checks.boilerplate import EDGE_CHARS, MIN_CONVERSATIONS, boilerplate_phrases
from convstore.database import Database, system_context
from convstore.model import Finding, Turn
from convstore.queries import rechecking as queries
from convstore.queries.ranges import IdRange, cut, ids_of

__all__ = ["SET_CHECKS", "check_range", "close_checks", "count_set", "cut_set", "find_due", "rerun_checks"]

#: Checks that compare with the set: what they find changes with every import.
SET_CHECKS = ("length_outlier", "boilerplate")
_CHUNK = 500
#: Conversations that one worker checks when several do.
RANGE = 5_000

Progress = Callable[[int, int, str], None]


def count_set(database: Database, workspace_id: UUID) -> None:
    """Count how long replies are and what they open and close with; checks against the set are due again after it."""
    with (
        database.transaction(system_context(), timeout_s=3600) as connection,
        database.transaction(system_context(), timeout_s=3600, read_only=True) as reading,
    ):
        grams = _grams(queries.iter_reply_edges(reading, workspace_id, chars=EDGE_CHARS))
        queries.keep_set_statistics(connection, workspace_id, grams, least=MIN_CONVERSATIONS)
        # Version 0 is none: the next run starts these checks from the first conversation.
        queries.keep_progress(connection, workspace_id, dict.fromkeys(SET_CHECKS, 0), None, finished=False)


def _grams(edges: Any) -> Iterator[tuple[int, str, str]]:
    seen: set[int] = set()
    current: UUID | None = None
    for conversation_id, content in edges:
        if conversation_id != current:
            current, seen = conversation_id, set()
        for key, (edge, phrase) in boilerplate_phrases(
            [Turn(turn_number=1, role="assistant", content=content)]
        ).items():
            if key not in seen:
                seen.add(key)
                yield key, edge, phrase


def rerun_checks(
    database: Database,
    workspace_id: UUID,
    *,
    language: str,
    chunk: int = _CHUNK,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> int:
    """Run every check that is due over the whole set; how many conversations were checked.

    Due is a check of which no run in its present version is finished, see `count_set` for those against the set.
    """
    checked = 0
    while not (cancel and cancel()):
        with database.transaction(system_context(), timeout_s=600) as connection:
            size = _check_chunk(connection, workspace_id, language, chunk)
        if size is None:
            break
        checked += size
        if progress:
            progress(checked, checked, "Checking")
    return checked


def cut_set(database: Database, workspace_id: UUID) -> tuple[int, list[IdRange]]:
    """How many conversations there are, and the ranges that several workers can check side by side."""
    with database.transaction(system_context(), read_only=True, timeout_s=600) as connection:
        return cut(connection, ids_of(workspace_id), size=RANGE)


def find_due(database: Database, workspace_id: UUID) -> dict[str, int]:
    """The checks that are due, with their versions."""
    with database.transaction(system_context(), read_only=True) as connection:
        return {code: CHECKS[code].version for code in _waiting(queries.find_progress(connection, workspace_id))}


def check_range(
    database: Database,
    workspace_id: UUID,
    versions: Mapping[str, int],
    within: IdRange,
    *,
    language: str,
    keep: Callable[[IdRange, int], None],
    progress: Progress,
) -> int:
    """Run these checks over a range of the set; how many conversations were checked.

    `keep` is called after every chunk with what is left, and how many were checked.
    """
    checked = 0
    while True:
        with database.transaction(system_context(), timeout_s=600) as connection:
            ids = _check(connection, workspace_id, versions, within, language=language, limit=_CHUNK)
        if not ids:
            return checked
        checked += len(ids)
        within = within._replace(after=ids[-1])
        keep(within, checked)
        progress(checked, checked, "Checking")


def close_checks(database: Database, workspace_id: UUID, versions: Mapping[str, int]) -> None:
    """Note that these checks were run over the whole set."""
    with database.transaction(system_context()) as connection:
        queries.keep_progress(connection, workspace_id, versions, None, finished=True)


def _waiting(progress: Mapping[str, tuple[int, UUID | None, bool]]) -> dict[str, UUID | None]:
    waiting: dict[str, UUID | None] = {}
    for code, check in CHECKS.items():
        version, through, finished = progress.get(code, (0, None, False))
        if version != check.version:
            waiting[code] = None
        elif not finished:
            waiting[code] = through
    return waiting


def _due(progress: Mapping[str, tuple[int, UUID | None, bool]]) -> tuple[dict[str, int], UUID | None]:
    """Checks that are equally far, with their versions; an empty one if nothing is due."""
    waiting = _waiting(progress)
    if not waiting:
        return {}, None
    # Those that are furthest behind first; they catch up with the others.
    behind = min(waiting.values(), key=lambda one: (one is not None, one or UUID(int=0)))
    return {code: CHECKS[code].version for code, through in waiting.items() if through == behind}, behind


def _check_chunk(connection: Connection, workspace_id: UUID, language: str, chunk: int) -> int | None:
    versions, after = _due(queries.find_progress(connection, workspace_id))
    if not versions:
        return None
    ids = _check(connection, workspace_id, versions, IdRange(after, None), language=language, limit=chunk)
    finished = len(ids) < chunk
    queries.keep_progress(connection, workspace_id, versions, ids[-1] if ids else after, finished=finished)
    return len(ids)


def _check(
    connection: Connection,
    workspace_id: UUID,
    versions: Mapping[str, int],
    within: IdRange,
    *,
    language: str,
    limit: int,
) -> list[UUID]:
    rows = queries.list_conversations(connection, workspace_id, within, limit=limit)
    ids = [row[0] for row in rows]
    if ids:
        context = _context(connection, workspace_id)
        turns = queries.list_turns_of(connection, workspace_id, ids)
        found = [
            _row(one, finding)
            for one, arc in rows
            for finding in _findings(turns[one], arc, versions, language=language, context=context)
        ]
        queries.replace_findings(connection, workspace_id, ids, list(versions), found)
    return ids


def _context(connection: Connection, workspace_id: UUID) -> SetContext | None:
    counted = queries.find_set_statistics(connection, workspace_id)
    if counted is None:
        return None
    total, q1, q3, grams = counted
    return SetContext(
        conversations=total, gram_count=lambda key: grams.get(key, 0), reply_chars_q1=q1, reply_chars_q3=q3
    )


def _findings(
    turns: tuple[Turn, ...], arc: str | None, codes: Mapping[str, int], *, language: str, context: SetContext | None
) -> Iterator[Finding]:
    promise = ArcPromise.parse(arc) if arc else None
    conversation = CheckInput(turns=turns, promise=promise, language=language, context=context)
    for code in codes:
        yield from CHECKS[code].findings(conversation)


def _row(conversation_id: UUID, finding: Finding) -> dict[str, Any]:
    start, end = finding.span or (None, None)
    return {
        "conversation_id": conversation_id,
        "code": finding.code,
        "severity": finding.severity,
        "check_version": finding.check_version,
        "turn_number": finding.turn_number,
        "span_start": start,
        "span_end": end,
        "explanation": finding.explanation,
    }
