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

__all__ = ["SET_CHECKS", "count_set", "rerun_checks"]

#: Checks that compare with the set: what they find changes with every import.
SET_CHECKS = ("length_outlier", "boilerplate")
_CHUNK = 500

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


def _due(progress: Mapping[str, tuple[int, UUID | None, bool]]) -> tuple[dict[str, int], UUID | None]:
    """Checks that are equally far, with their versions; an empty one if nothing is due."""
    waiting: dict[str, UUID | None] = {}
    for code, check in CHECKS.items():
        version, through, finished = progress.get(code, (0, None, False))
        if version != check.version:
            waiting[code] = None
        elif not finished:
            waiting[code] = through
    if not waiting:
        return {}, None
    # Those that are furthest behind first; they catch up with the others.
    behind = min(waiting.values(), key=lambda one: (one is not None, one or UUID(int=0)))
    return {code: CHECKS[code].version for code, through in waiting.items() if through == behind}, behind


def _check_chunk(connection: Connection, workspace_id: UUID, language: str, chunk: int) -> int | None:
    versions, after = _due(queries.find_progress(connection, workspace_id))
    if not versions:
        return None
    rows = queries.list_conversations_after(connection, workspace_id, after, limit=chunk)
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
    finished = len(rows) < chunk
    queries.keep_progress(connection, workspace_id, versions, ids[-1] if ids else after, finished=finished)
    return len(ids)


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
