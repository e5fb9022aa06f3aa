"""Signatures, candidates and groups of duplicates in the database. Knows no text and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from convstore.database import driver
from convstore.database.tables import (
    conversation_turns,
    conversations,
    duplicate_members,
    findings,
    similarity_bands,
    similarity_signatures,
)
from convstore.model import Status
from convstore.queries.ranges import IdRange

__all__ = [
    "GroupMember",
    "add_signatures",
    "count_groups",
    "find_candidates",
    "find_memberships",
    "find_twins",
    "find_unsigned",
    "forget_outdated",
    "hold",
    "list_group_members",
    "list_groups",
    "list_still_unsigned",
    "list_turn_texts",
    "lock_duplicates",
    "merge_groups",
    "unsigned",
]

c = conversations.c
s = similarity_signatures.c
d = duplicate_members.c

#: Conversations of one band that a new one is compared with. A band that a whole template shares would make every pair
#: a candidate; because groups are transitive, meeting some of its members finds the group.
MOST_PER_BAND = 64
#: Statuses in which a duplicate still waits for a decision.
_OPEN = ("pending_review", "needs_revision", "approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """A conversation of a group, with what decides whether it is the one to keep."""

    group_id: UUID
    id: UUID
    conversation_id: str
    conversation_name: str
    status: Status
    similarity: Decimal
    human_score: Decimal | None
    effective_quality: int
    findings: int
    chars: int
    turn_count: int
    source_name: str | None
    created_at: Any
    turns_sha256: str


def lock_duplicates(connection: Connection, workspace_id: UUID) -> None:
    """Wait until nobody else groups this workspace; held to the end of the transaction."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended('duplicates ' || :id, 0))")
    connection.execute(statement, {"id": str(workspace_id)})


def unsigned(workspace_id: UUID, *, version: int) -> Select[UUID]:
    """The row ids of conversations without a signature of their present turns."""
    return (
        select(c.id)
        .select_from(
            conversations.outerjoin(
                similarity_signatures,
                and_(s.conversation_id == c.id, s.turns_sha256 == c.turns_sha256, s.version == version),
            )
        )
        .where(c.workspace_id == workspace_id, c.is_active, s.conversation_id.is_(None))
    )


def find_unsigned(
    connection: Connection, workspace_id: UUID, *, version: int, within: IdRange, limit: int
) -> list[tuple[UUID, str]]:
    """The next conversations without a signature of their present turns, by id: id and hash of the turns.

    They cannot be removed until the transaction ends; those that are being removed or replaced are left for later.
    """
    query = (
        unsigned(workspace_id, version=version)
        .add_columns(c.turns_sha256)
        .order_by(c.id)
        .limit(limit)
        .with_for_update(key_share=True, read=True, of=conversations, skip_locked=True)
    )
    if within.after is not None:
        query = query.where(c.id > within.after)
    if within.through is not None:
        query = query.where(c.id <= within.through)
    return [(row[0], row[1]) for row in connection.execute(query)]


def list_still_unsigned(connection: Connection, workspace_id: UUID, ids: Sequence[UUID], *, version: int) -> set[UUID]:
    """Those of these conversations that nobody else signed meanwhile."""
    rows = connection.execute(unsigned(workspace_id, version=version).where(c.id.in_(ids)))
    return {row[0] for row in rows}


def hold(connection: Connection, workspace_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Those of these conversations that nobody removes or replaces now; nobody will before the transaction ends.

    Waits for nobody: who removes some of them may be waiting for others that this transaction holds already.
    """
    query = (
        select(c.id)
        .where(c.workspace_id == workspace_id, c.id.in_(list(ids)))
        .with_for_update(key_share=True, read=True, skip_locked=True)
    )
    return {row[0] for row in connection.execute(query)}


def list_turn_texts(connection: Connection, workspace_id: UUID, ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The texts of whole conversations, turn by turn."""
    t = conversation_turns.c
    found: dict[UUID, list[str]] = {one: [] for one in ids}
    query = (
        select(t.conversation_id, t.content)
        .where(t.workspace_id == workspace_id, t.conversation_id.in_(list(found)))
        .order_by(t.conversation_id, t.turn_number)
    )
    for conversation_id, content in connection.execute(query):
        found[conversation_id].append(content)
    return found


def forget_outdated(connection: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> None:
    """Drop old signatures among these, and dissolve the groups they led to: the other members are compared anew.

    One that never had a signature dissolves nothing: its twin may have put it into a group already.
    """
    outdated = list(
        connection.execute(
            select(s.conversation_id).where(s.workspace_id == workspace_id, s.conversation_id.in_(ids))
        ).scalars()
    )
    if not outdated:
        return
    affected = select(d.group_id).where(d.workspace_id == workspace_id, d.conversation_id.in_(outdated))
    members = connection.execute(
        delete(duplicate_members)
        .where(d.workspace_id == workspace_id, d.group_id.in_(affected))
        .returning(d.conversation_id)
    ).scalars()
    gone = [*outdated, *members]
    for table in (similarity_bands, similarity_signatures):
        connection.execute(delete(table).where(table.c.workspace_id == workspace_id, table.c.conversation_id.in_(gone)))


def add_signatures(
    connection: Connection,
    workspace_id: UUID,
    *,
    version: int,
    signed: Sequence[tuple[UUID, str, bytes, Sequence[int]]],
) -> None:
    """Keep signatures and bands: id, hash of the turns, signature, band keys."""
    # Whole columns in one statement each: others wait for this one's end.
    raw = driver(connection)
    raw.execute(
        """
        INSERT INTO public.similarity_signatures (workspace_id, conversation_id, turns_sha256, version, signature)
        SELECT %s, n.* FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::bytea[]) AS n
        """,
        [
            workspace_id,
            [one for one, *_ in signed],
            [digest for _, digest, *_ in signed],
            [version] * len(signed),
            [signature for *_, signature, _ in signed],
        ],
    )
    bands = [(one, band, key) for one, *_, keys in signed for band, key in enumerate(keys)]
    raw.execute(
        """
        INSERT INTO public.similarity_bands (workspace_id, conversation_id, band, key)
        SELECT %s, n.* FROM unnest(%s::uuid[], %s::smallint[], %s::bigint[]) AS n
        """,
        [workspace_id, [one for one, _, _ in bands], [band for _, band, _ in bands], [key for _, _, key in bands]],
    )


def find_twins(connection: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Pairs of a conversation and the smallest other id with the very same turns."""
    statement = text(
        """
        SELECT c.id, twin.id
        FROM conversations AS c
        CROSS JOIN LATERAL (
            SELECT o.id FROM conversations AS o
            WHERE o.workspace_id = :workspace_id AND o.turns_sha256 = c.turns_sha256 AND o.id <> c.id AND o.is_active
            ORDER BY o.id LIMIT 1
        ) AS twin
        WHERE c.workspace_id = :workspace_id AND c.id = ANY (:ids)
        """
    )
    return [(row[0], row[1]) for row in connection.execute(statement, {"workspace_id": workspace_id, "ids": list(ids)})]


def find_candidates(
    connection: Connection, workspace_id: UUID, ids: Sequence[UUID]
) -> list[tuple[UUID, UUID, bytes, bytes]]:
    """Pairs that share a band, one of them among `ids`, with both signatures."""
    statement = text(
        f"""
        WITH pairs AS (
            SELECT DISTINCT least(b.conversation_id, near.conversation_id) AS one,
                            greatest(b.conversation_id, near.conversation_id) AS other
            FROM similarity_bands AS b
            CROSS JOIN LATERAL (
                SELECT n.conversation_id FROM similarity_bands AS n
                WHERE n.workspace_id = :workspace_id AND n.key = b.key AND n.conversation_id <> b.conversation_id
                ORDER BY n.conversation_id LIMIT {MOST_PER_BAND}
            ) AS near
            WHERE b.workspace_id = :workspace_id AND b.conversation_id = ANY (:ids)
        )
        SELECT p.one, p.other, s.signature, o.signature
        FROM pairs AS p
        JOIN similarity_signatures AS s ON s.conversation_id = p.one AND s.workspace_id = :workspace_id
        JOIN similarity_signatures AS o ON o.conversation_id = p.other AND o.workspace_id = :workspace_id
        WHERE s.turns_sha256 <> o.turns_sha256
        ORDER BY 1, 2
        """
    )
    rows = connection.execute(statement, {"workspace_id": workspace_id, "ids": list(ids)})
    return [(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows]


def find_memberships(connection: Connection, workspace_id: UUID, ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Every member of the groups that these conversations belong to: id and group."""
    affected = select(d.group_id).where(d.workspace_id == workspace_id, d.conversation_id.in_(ids))
    query = select(d.conversation_id, d.group_id).where(d.workspace_id == workspace_id, d.group_id.in_(affected))
    return [(row[0], row[1]) for row in connection.execute(query)]


def merge_groups(
    connection: Connection, workspace_id: UUID, groups: Mapping[UUID, UUID], similarities: Mapping[UUID, float]
) -> None:
    """Write who belongs to which group; `similarities` holds the highest one found now."""
    if not groups:
        return
    statement = upsert(duplicate_members).values(
        [
            {"workspace_id": workspace_id, "conversation_id": one, "group_id": group,
             "similarity": round(similarities.get(one, 0.0), 3)}
            for one, group in groups.items()
        ]
    )  # fmt: skip
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["conversation_id"],
            set_={
                "group_id": statement.excluded.group_id,
                "similarity": func.greatest(d.similarity, statement.excluded.similarity),
            },
        )
    )


def _open_groups(workspace_id: UUID) -> Any:
    return (
        select(d.group_id, func.count().label("members"), func.max(d.similarity).label("similarity"))
        .select_from(duplicate_members.join(conversations, (c.id == d.conversation_id) & c.is_active))
        .where(d.workspace_id == workspace_id, c.workspace_id == workspace_id, c.status.in_(_OPEN))
        .group_by(d.group_id)
        .having(func.count() > 1)
    )


def count_groups(connection: Connection, workspace_id: UUID) -> tuple[int, int]:
    """Groups with two or more members that are still in play, and how many conversations are in them."""
    groups = _open_groups(workspace_id).subquery()
    row = connection.execute(select(func.count(), func.coalesce(func.sum(groups.c.members), 0))).one()
    return row[0], int(row[1])


def list_groups(connection: Connection, workspace_id: UUID, *, limit: int, offset: int) -> list[UUID]:
    """Groups with two or more members that are still in play, the largest and most alike first."""
    groups = _open_groups(workspace_id).subquery()
    query = select(groups.c.group_id).order_by(groups.c.members.desc(), groups.c.similarity.desc(), groups.c.group_id)
    return list(connection.execute(query.limit(limit).offset(offset)).scalars())


def list_group_members(connection: Connection, workspace_id: UUID, group_ids: Sequence[UUID]) -> list[GroupMember]:
    """The members of groups that are still in play, oldest first."""
    t, f = conversation_turns.c, findings.c
    chars = (
        select(func.coalesce(func.sum(func.length(t.content)), 0))
        .where(t.workspace_id == workspace_id, t.conversation_id == c.id)
        .scalar_subquery()
    )
    found = (
        select(func.count())
        .where(f.workspace_id == workspace_id, f.conversation_id == c.id, f.dismissed_at.is_(None))
        .select_from(findings)
        .scalar_subquery()
    )
    query = (
        select(
            d.group_id, c.id, c.conversation_id, c.conversation_name, c.status, d.similarity,
            c.human_quality_score.label("human_score"), c.effective_quality, found.label("findings"),
            chars.label("chars"), c.turn_count, c.source_name, c.created_at, c.turns_sha256,
        )
        .select_from(duplicate_members.join(conversations, c.id == d.conversation_id))
        .where(
            d.workspace_id == workspace_id,
            d.group_id.in_(group_ids),
            c.workspace_id == workspace_id,
            c.is_active,
            c.status.in_(_OPEN),
        )
        .order_by(c.created_at, c.id)
    )  # fmt: skip
    return [GroupMember(**row) for row in connection.execute(query).mappings()]
