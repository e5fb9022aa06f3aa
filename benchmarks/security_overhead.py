"""What row security costs: the same queries as a member of one of ten workspaces, and as the owner of the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, text

from benchmarks.measuring import Measurement, Target, interleave
from convstore.core import ConvStore
from convstore.database import Context
from convstore.model import Filter
from convstore.queries.pages import list_conversations
from convstore.queries.turns import list_turns

__all__ = ["measure"]

RUNS, WARM_UP = 1_000, 20
TARGET = Target(ratio=1.5)


def measure(store: ConvStore, *, runs: int = RUNS) -> Iterator[Measurement]:
    """The page, the quality sort, a rare word and the turns of a conversation; one line each."""
    actor = store.actor
    with (
        store.database.transaction(Context.of(actor), read_only=True, timeout_s=3600) as person,
        store.database.admin_engine().connect() as owner,
    ):
        owner.execute(
            text("SELECT set_config('request.jwt.claims', :claims, true)"),
            {"claims": json.dumps({"sub": str(actor.user_id)})},
        )
        for name, ask in _cases(person, actor.workspace_id).items():
            works = [partial(ask, person), partial(ask, owner)]
            product, limit = interleave(works, runs=runs, warm_up=WARM_UP)
            yield Measurement(group="row security", case=name, product=product, limit=limit, target=TARGET)


def _cases(connection: Connection, workspace_id: UUID) -> Mapping[str, Callable[[Connection], object]]:
    conversation, word = connection.execute(
        text(
            "SELECT t.conversation_id, ts.lexeme FROM conversation_texts AS t, unnest(t.words) AS ts"
            " WHERE t.workspace_id = :workspace ORDER BY length(ts.lexeme) DESC, ts.lexeme LIMIT 1"
        ),
        {"workspace": workspace_id},
    ).one()
    return {
        "page": lambda c: list_conversations(c, Filter(), workspace_id),
        "quality sort": lambda c: list_conversations(c, Filter(), workspace_id, sort="quality"),
        "text search": lambda c: list_conversations(c, Filter(text=word), workspace_id),
        "turns": lambda c: list_turns(c, conversation, workspace_id),
    }
