"""What changed in a conversation since somebody read it, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from convstore.database import Context, Database
from convstore.database.tables import events
from convstore.errors import ConvstoreError
from convstore.files import FileStore, unpack
from convstore.formats import parse
from convstore.model import Actor, Draft, ParsedFile, Turn, turns_sha256

__all__ = ["TurnChange", "compare_turns", "find_earlier_turns"]


@dataclass(frozen=True, slots=True)
class TurnChange:
    """A turn that is not what it was; None where it was not there or is gone."""

    turn_number: int
    before: Turn | None
    after: Turn | None


def compare_turns(before: Sequence[Turn], after: Sequence[Turn]) -> tuple[TurnChange, ...]:
    """The turns whose role or text differs, by number."""
    old = {turn.turn_number: turn for turn in before}
    new = {turn.turn_number: turn for turn in after}
    return tuple(
        TurnChange(number, old.get(number), new.get(number))
        for number in sorted(old.keys() | new.keys())
        if _said(old.get(number)) != _said(new.get(number))
    )


def _said(turn: Turn | None) -> tuple[str, str] | None:
    return None if turn is None else (turn.role, turn.content)


def find_earlier_turns(
    database: Database, files: FileStore, actor: Actor, row: UUID, read: str
) -> tuple[Turn, ...] | None:
    """The turns with this hash that a conversation had before, if their file is still there.

    Files of earlier versions stay only where a release needs them, so None is an ordinary answer.
    """
    e = events.c
    query = (
        select(e.before["file_path"].astext)
        .where(
            e.workspace_id == actor.workspace_id,
            e.conversation_id == row,
            e.action == "replaced",
            e.before["turns_sha256"].astext == read,
        )
        .order_by(e.id.desc())
        .limit(1)
    )
    with database.transaction(Context.of(actor), read_only=True) as connection:
        path = connection.execute(query).scalar_one_or_none()
    if path is None:
        return None
    try:
        data = unpack(files.get(path))
    except ConvstoreError:
        return None
    parsed = parse(data, name="conversation.json")
    if not isinstance(parsed, ParsedFile):
        return None
    for found in parsed.conversations:
        if isinstance(found, Draft) and turns_sha256(found.turns) == read:
            return found.turns
    return None
