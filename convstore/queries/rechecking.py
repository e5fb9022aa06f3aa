"""What checks need of the whole set, and findings written again. Knows no check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from convstore.database import driver
from convstore.database.tables import (
    check_progress,
    conversation_turns,
    conversations,
    findings,
    set_statistics,
    stock_phrases,
)
from convstore.queries.ranges import IdRange
from convstore.queries.turns import as_turn

__all__ = [
    "find_progress",
    "find_set_statistics",
    "iter_reply_edges",
    "keep_progress",
    "keep_set_statistics",
    "list_conversations",
    "list_turns_of",
    "replace_findings",
]

c = conversations.c
t = conversation_turns.c
f = findings.c
p = check_progress.c


def iter_reply_edges(connection: Connection, workspace_id: UUID, *, chars: int) -> Iterable[tuple[UUID, str]]:
    """The replies of every active conversation, in the order of their ids; of a long one its two ends of `chars`."""
    statement = """
        SELECT t.conversation_id,
               CASE WHEN length(t.content) <= %(chars)s * 2 THEN t.content
                    ELSE left(t.content, %(chars)s) || right(t.content, %(chars)s) END
        FROM conversation_turns AS t
        JOIN conversations AS c ON c.id = t.conversation_id AND c.workspace_id = t.workspace_id AND c.is_active
        WHERE t.workspace_id = %(workspace_id)s AND t.role = 'assistant'
        ORDER BY t.conversation_id
    """
    with driver(connection).cursor("reply_edges") as cursor:
        cursor.itersize = 5_000
        cursor.execute(statement, {"workspace_id": workspace_id, "chars": chars})
        yield from cursor


def keep_set_statistics(
    connection: Connection, workspace_id: UUID, grams: Iterable[tuple[int, str, str]], *, least: int
) -> None:
    """Count the set anew: how long replies are, and which openings and closings `least` conversations share.

    Parameters
    ----------
    grams
        Key, edge and words of every opening and closing, each once a conversation.
    """
    raw = driver(connection)
    raw.execute("CREATE TEMPORARY TABLE staged_grams (key int8, edge text, phrase text) ON COMMIT DROP")
    with raw.cursor().copy("COPY staged_grams (key, edge, phrase) FROM STDIN") as copy:
        for gram in grams:
            copy.write_row(gram)
    connection.execute(delete(stock_phrases).where(stock_phrases.c.workspace_id == workspace_id))
    raw.execute(
        """
        INSERT INTO public.stock_phrases (workspace_id, key, edge, phrase, conversations)
        SELECT %s, key, min(edge), min(phrase), count(*) FROM staged_grams GROUP BY key HAVING count(*) >= %s
        """,
        [workspace_id, least],
    )
    raw.execute(
        """
        INSERT INTO public.set_statistics (workspace_id, conversations, reply_chars_q1, reply_chars_q3, counted_at)
        SELECT %(id)s,
               (SELECT count(*) FROM public.conversations AS c WHERE c.workspace_id = %(id)s AND c.is_active),
               coalesce(percentile_cont(0.25) WITHIN GROUP (ORDER BY length(btrim(t.content))), 0),
               coalesce(percentile_cont(0.75) WITHIN GROUP (ORDER BY length(btrim(t.content))), 0),
               now()
        FROM public.conversation_turns AS t
        JOIN public.conversations AS c ON c.id = t.conversation_id AND c.workspace_id = t.workspace_id AND c.is_active
        WHERE t.workspace_id = %(id)s AND t.role = 'assistant'
        ON CONFLICT (workspace_id) DO UPDATE SET
            conversations = excluded.conversations, reply_chars_q1 = excluded.reply_chars_q1,
            reply_chars_q3 = excluded.reply_chars_q3, counted_at = excluded.counted_at
        """,
        {"id": workspace_id},
    )


def find_set_statistics(
    connection: Connection, workspace_id: UUID
) -> tuple[int, float, float, Mapping[int, int]] | None:
    """Number of conversations, quartiles of the length of replies, and conversations by gram; None if never counted."""
    s = set_statistics.c
    row = connection.execute(
        select(s.conversations, s.reply_chars_q1, s.reply_chars_q3).where(s.workspace_id == workspace_id)
    ).first()
    if row is None:
        return None
    g = stock_phrases.c
    grams = connection.execute(select(g.key, g.conversations).where(g.workspace_id == workspace_id))
    return row[0], row[1], row[2], {row.key: row.conversations for row in grams}


def find_progress(connection: Connection, workspace_id: UUID) -> dict[str, tuple[int, UUID | None, bool]]:
    """Of each check: the version, the last conversation that is done, and whether all are."""
    query = select(p.code, p.version, p.checked_through, p.finished_at.is_not(None)).where(
        p.workspace_id == workspace_id
    )
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


def keep_progress(
    connection: Connection, workspace_id: UUID, versions: Mapping[str, int], through: UUID | None, *, finished: bool
) -> None:
    """Note how far these checks are."""
    statement = upsert(check_progress).values(
        [
            {"workspace_id": workspace_id, "code": code, "version": version, "checked_through": through,
             "finished_at": func.now() if finished else None}
            for code, version in versions.items()
        ]
    )  # fmt: skip
    changes = {name: statement.excluded[name] for name in ("version", "checked_through", "finished_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "code"], set_=changes))


def list_conversations(
    connection: Connection, workspace_id: UUID, within: IdRange, *, limit: int
) -> list[tuple[UUID, str | None]]:
    """Row id and arc of the first conversations of a range, trashed ones too, in the order of their ids."""
    query = select(c.id, c.emotional_arc_key).where(c.workspace_id == workspace_id).order_by(c.id).limit(limit)
    if within.after is not None:
        query = query.where(c.id > within.after)
    if within.through is not None:
        query = query.where(c.id <= within.through)
    return [(row[0], row[1]) for row in connection.execute(query)]


def list_turns_of(connection: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, tuple[Any, ...]]:
    """The turns of several conversations."""
    columns = [column for column in conversation_turns.c if column.name not in ("workspace_id", "id")]
    found: dict[UUID, list[Any]] = {one: [] for one in ids}
    query = (
        select(*columns)
        .where(t.workspace_id == workspace_id, t.conversation_id.in_(ids))
        .order_by(t.conversation_id, t.turn_number)
    )
    for row in connection.execute(query).mappings():
        found[row["conversation_id"]].append(as_turn(row))
    return {one: tuple(turns) for one, turns in found.items()}


def replace_findings(
    connection: Connection,
    workspace_id: UUID,
    ids: Sequence[UUID],
    codes: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Give conversations the findings of these checks, in place of what the checks found before.

    A finding at the same place as before keeps its row, so a reviewer's dismissal stays.
    """
    place = ("conversation_id", "code", "turn_number", "span_start", "span_end")
    before = {
        tuple(row[name] for name in place): row
        for row in connection.execute(
            select(*(f[name] for name in (*place, "id", "check_version", "explanation", "severity"))).where(
                f.workspace_id == workspace_id, f.conversation_id.in_(ids), f.code.in_(codes)
            )
        ).mappings()
    }
    fresh, kept = [], set()
    for row in rows:
        old = before.get(tuple(row[name] for name in place))
        if old is None or old["id"] in kept:
            fresh.append(row)
            continue
        kept.add(old["id"])
        changed = {name: row[name] for name in ("check_version", "explanation", "severity") if row[name] != old[name]}
        if changed:
            connection.execute(
                update(findings).where(f.workspace_id == workspace_id, f.id == old["id"]).values(changed)
            )
    gone = [
        row.id
        for row in connection.execute(
            select(f.id).where(f.workspace_id == workspace_id, f.conversation_id.in_(ids), f.code.in_(codes))
        )
        if row.id not in kept
    ]
    if gone:
        connection.execute(delete(findings).where(f.workspace_id == workspace_id, f.id.in_(gone)))
    if fresh:
        connection.execute(insert(findings), [{"workspace_id": workspace_id, **row} for row in fresh])
