"""What a reviewer has said and not sent yet, and the messages that are kept out of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, delete, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from convstore.database import Context, Database
from convstore.database.tables import conversations, personas, review_drafts, turn_exclusions
from convstore.errors import ConflictError
from convstore.model import Actor
from convstore.rights import require_role

__all__ = ["Beside", "Persona", "exclude_turn", "find_draft", "get_beside", "include_turn", "save_draft"]

c = conversations.c
d = review_drafts.c
x = turn_exclusions.c
p = personas.c


@dataclass(frozen=True, slots=True)
class Persona:
    """Who speaks as the user, as the scaffolding describes them."""

    name: str
    archetype: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Beside:
    """What a reviewer has beside a conversation.

    `exclusions` are numbers of messages that are kept out of training, of the turns as they are now.
    """

    draft: Mapping[str, Any] | None
    exclusions: frozenset[int]
    persona: Persona | None


def find_draft(database: Database, actor: Actor, row: UUID) -> Mapping[str, Any] | None:
    """The reviewer's own draft about a conversation."""
    return get_beside(database, actor, row).draft


def get_beside(database: Database, actor: Actor, row: UUID) -> Beside:
    """Draft, exclusions and persona, in one question."""
    mine = select(d.draft).where(
        d.workspace_id == actor.workspace_id, d.conversation_id == row, d.reviewer_id == actor.user_id
    )
    here = (c.workspace_id == actor.workspace_id, c.id == row)
    kept_out = (
        select(x.turn_number)
        .join(conversations, c.id == x.conversation_id)
        .where(x.workspace_id == actor.workspace_id, x.conversation_id == row, *here, x.turns_sha256 == c.turns_sha256)
    )
    persona = (
        select(func.jsonb_build_array(p.name, p.archetype, p.description, type_=JSONB))
        .join(conversations, c.persona_key == p.persona_key)
        .where(p.workspace_id == actor.workspace_id, *here)
    )
    query = select(
        mine.scalar_subquery(),
        func.array(kept_out.scalar_subquery(), type_=ARRAY(Integer)),
        persona.scalar_subquery(),
    )
    with database.transaction(Context.of(actor), read_only=True) as connection:
        draft, numbers, described = connection.execute(query).one()
    return Beside(draft, frozenset(numbers), Persona(*described) if described else None)


def save_draft(database: Database, actor: Actor, row: UUID, draft: Mapping[str, Any]) -> None:
    """Keep a draft instead of the one before; a conversation that was skipped is so no longer."""
    statement = insert(review_drafts).values(
        workspace_id=actor.workspace_id, conversation_id=row, reviewer_id=actor.user_id, draft=dict(draft)
    )
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["conversation_id", "reviewer_id"],
                set_={"draft": statement.excluded.draft, "updated_at": func.now()},
            )
        )


def exclude_turn(database: Database, actor: Actor, row: UUID, turn_number: int, turns_sha256: str) -> None:
    """Keep a message out of training, as it was read.

    Raises
    ------
    ConflictError
        The turns are others by now, or there is no such turn.
    """
    require_role(actor, "reviewer", "keeping messages out of training")
    is_read = select(c.id).where(
        c.workspace_id == actor.workspace_id,
        c.id == row,
        c.turns_sha256 == turns_sha256,
        c.turn_count >= turn_number,
        literal(turn_number) >= 1,
    )
    this = (x.workspace_id == actor.workspace_id, x.conversation_id == row, x.turn_number == turn_number)
    with database.transaction(Context.of(actor)) as connection:
        if connection.execute(is_read).first() is None:
            raise ConflictError(
                f"turn {turn_number} is not what was read", hint="Open the conversation again and look at its turns."
            )
        # One that was kept out of turns that are gone says nothing about these.
        connection.execute(delete(turn_exclusions).where(*this, x.turns_sha256 != turns_sha256))
        connection.execute(
            insert(turn_exclusions)
            .values(
                workspace_id=actor.workspace_id,
                conversation_id=row,
                turn_number=turn_number,
                turns_sha256=turns_sha256,
                excluded_by=actor.user_id,
            )
            .on_conflict_do_nothing()
        )


def include_turn(database: Database, actor: Actor, row: UUID, turn_number: int) -> None:
    """Let a message into training again."""
    require_role(actor, "reviewer", "letting messages into training")
    with database.transaction(Context.of(actor)) as connection:
        connection.execute(
            delete(turn_exclusions).where(
                x.workspace_id == actor.workspace_id, x.conversation_id == row, x.turn_number == turn_number
            )
        )
