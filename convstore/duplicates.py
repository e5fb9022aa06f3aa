"""Duplicates: finding them bit by bit, and choosing which of a group to keep.

The work is cut into chunks of one transaction each: a run that is killed goes on where it stopped, and running it
again when there is nothing new costs one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import Connection

from convstore.checks.duplicates import Member, best_of, groups
from convstore.checks.similarity import SIGNATURE_VERSION, band_keys, jaccard, shingles, signature_of
from convstore.database import Database, system_context
from convstore.model import Turn
from convstore.queries import duplicates as queries
from convstore.queries.ranges import EVERYTHING, IdRange, cut

__all__ = [
    "LEAST_SIMILARITY",
    "DuplicateGroup",
    "cut_unsigned",
    "find_duplicate_groups",
    "list_duplicate_groups",
    "update_duplicates",
]

#: Two conversations are near duplicates from this Jaccard similarity on.
LEAST_SIMILARITY = 0.8
#: What the signatures say may be off by some 0.04: below this nobody has to look at the texts.
_LEAST_ESTIMATE = 0.6
_CHUNK = 500
#: Conversations that one worker compares when several do.
RANGE = 5_000

Shingles = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Conversations that are copies of each other, the one to keep first."""

    group_id: UUID
    members: tuple[queries.GroupMember, ...]

    @property
    def best(self) -> queries.GroupMember:
        """The one to keep."""
        return self.members[0]

    @property
    def is_exact(self) -> bool:
        """True if all have the very same turns."""
        return len({member.turns_sha256 for member in self.members}) == 1


def cut_unsigned(database: Database, workspace_id: UUID) -> tuple[int, list[IdRange]]:
    """How many conversations are new or changed, and the ranges in which they can be compared side by side."""
    with database.transaction(system_context(), read_only=True, timeout_s=600) as connection:
        return cut(connection, queries.unsigned(workspace_id, version=SIGNATURE_VERSION), size=RANGE)


def update_duplicates(
    database: Database,
    workspace_id: UUID,
    *,
    within: IdRange = EVERYTHING,
    chunk: int = _CHUNK,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> int:
    """Compare every conversation that is new or changed with all others, and bring the groups up to date.

    Returns how many conversations were compared. Any number of processes may run it at once: each signs its own, and
    enters them under a lock, so that no pair is missed.

    Parameters
    ----------
    within
        The range of ids of the conversations that are compared with all others.
    """
    done = 0
    rest = within
    while not (cancel and cancel()):
        compared = _compare_chunk(database, workspace_id, rest, chunk)
        if not compared and rest == within:
            break
        # At the end once more from the start: what came meanwhile, or was dissolved, may have any id.
        rest = within._replace(after=compared[-1]) if compared else within
        done += len(compared)
        if progress and compared:
            progress(done, done, "Comparing")
    return done


def _compare_chunk(database: Database, workspace_id: UUID, within: IdRange, chunk: int) -> list[UUID]:
    with database.transaction(system_context()) as connection:
        unsigned = queries.find_unsigned(
            connection, workspace_id, version=SIGNATURE_VERSION, within=within, limit=chunk
        )
        if not unsigned:
            return []
        known = _shingles(connection, workspace_id, [one for one, _ in unsigned])
        signatures = {one: signature_of(found) for one, found in known.items()}
        queries.lock_duplicates(connection, workspace_id)
        left = queries.list_still_unsigned(connection, workspace_id, list(known), version=SIGNATURE_VERSION)
        ids = [one for one, _ in unsigned if one in left]
        if ids:
            queries.forget_outdated(connection, workspace_id, ids)
            queries.add_signatures(
                connection,
                workspace_id,
                version=SIGNATURE_VERSION,
                signed=[
                    (one, digest, signatures[one], band_keys(signatures[one]))
                    for one, digest in unsigned
                    if one in left
                ],
            )
            pairs = [(one, other, 1.0) for one, other in queries.find_twins(connection, workspace_id, ids)]
            pairs += _near_pairs(connection, workspace_id, ids, known)
            # What is replaced now is compared anew afterwards.
            held = queries.hold(connection, workspace_id, {one for *pair, _ in pairs for one in pair})
            _group(connection, workspace_id, [pair for pair in pairs if held.issuperset(pair[:2])])
        return [one for one, _ in unsigned]


def _near_pairs(
    connection: Connection, workspace_id: UUID, ids: Sequence[UUID], known: dict[UUID, Shingles]
) -> list[tuple[UUID, UUID, float]]:
    """Candidates whose texts are indeed alike."""
    likely = [
        (one, other)
        for one, other, first, second in queries.find_candidates(connection, workspace_id, ids)
        if _estimate(first, second) >= _LEAST_ESTIMATE
    ]
    missing = {one for pair in likely for one in pair} - known.keys()
    known = known | _shingles(connection, workspace_id, missing)
    compared = ((one, other, jaccard(known[one], known[other])) for one, other in likely)
    return [pair for pair in compared if pair[2] >= LEAST_SIMILARITY]


def _estimate(first: bytes, second: bytes) -> float:
    if not first or not second:
        return 0.0
    return float(np.mean(np.frombuffer(first, "<u4") == np.frombuffer(second, "<u4")))


def _shingles(connection: Connection, workspace_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Shingles]:
    return {
        one: shingles(Turn(turn_number=number, role="user", content=text) for number, text in enumerate(texts, 1))
        for one, texts in queries.list_turn_texts(connection, workspace_id, ids).items()
    }


def _group(connection: Connection, workspace_id: UUID, pairs: Sequence[tuple[UUID, UUID, float]]) -> None:
    similarities: dict[UUID, float] = {}
    for one, other, similarity in pairs:
        for member in (one, other):
            similarities[member] = max(similarity, similarities.get(member, 0.0))
    before = queries.find_memberships(connection, workspace_id, list(similarities))
    joined = groups([*((one, other) for one, other, _ in pairs), *before])
    was = dict(before)
    changed = {one: group for one, group in joined.items() if was.get(one) != group or one in similarities}
    queries.merge_groups(connection, workspace_id, changed, similarities)


def list_duplicate_groups(
    connection: Connection, workspace_id: UUID, *, limit: int, offset: int = 0
) -> tuple[DuplicateGroup, ...]:
    """Groups of which two or more are still in play, the largest first."""
    return find_duplicate_groups(
        connection, workspace_id, queries.list_groups(connection, workspace_id, limit=limit, offset=offset)
    )


def find_duplicate_groups(
    connection: Connection, workspace_id: UUID, group_ids: Sequence[UUID]
) -> tuple[DuplicateGroup, ...]:
    """Those of these groups of which two or more are still in play, in the order given."""
    ids = list(dict.fromkeys(group_ids))
    members: dict[UUID, list[queries.GroupMember]] = {one: [] for one in ids}
    for member in queries.list_group_members(connection, workspace_id, ids):
        members[member.group_id].append(member)
    return tuple(
        DuplicateGroup(group_id=group, members=_best_first(found)) for group, found in members.items() if len(found) > 1
    )


def _best_first(members: Sequence[queries.GroupMember]) -> tuple[queries.GroupMember, ...]:
    weighed = [
        Member(
            id=member.id,
            human_score=member.human_score,
            effective_quality=member.effective_quality,
            findings=member.findings,
            chars=member.chars,
            created_at=member.created_at,
        )
        for member in members
        # What is approved already is kept before anything that is not.
        if member.status == "approved" or all(other.status != "approved" for other in members)
    ]
    best = best_of(weighed).id
    return tuple(sorted(members, key=lambda member: (member.id != best, member.created_at, member.id)))
