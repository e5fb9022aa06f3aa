"""From what is stored to rows: a conversation as the database hands it out now, or as a release kept it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from convstore.queries.export_rows import ExportConversation, StoredItem
from convstore.queries.release_items import ReleasedItem
from convstore.queries.turn_columns import TurnColumns
from convstore.release.rows import ReleaseRow

__all__ = ["released_row", "stored_row"]

_NOBODY: frozenset[int] = frozenset()
_MOMENTS = ("created_at", "reviewed_at")


def stored_row(item: StoredItem, split: str | None = None) -> ReleaseRow:
    """A conversation as it is now."""
    excluded = frozenset(item.excluded_turns) if item.excluded_turns else _NOBODY
    return ReleaseRow(conversation=item.conversation, columns=item.turns, split=split, excluded_turns=excluded)


def released_row(item: ReleasedItem, turns: TurnColumns) -> ReleaseRow:
    """A conversation as it went out, from what its release keeps of it and the turns that were found."""
    state = dict(item.state)
    excluded: Iterable[int] = state.pop("excluded_turns", ())
    extra = state.pop("extra", {})
    for name in _MOMENTS:
        if name in state:
            state[name] = datetime.fromisoformat(state[name])
    conversation = ExportConversation(
        id=item.conversation_id,
        conversation_id=item.public_id,
        turns_sha256=item.turns_sha256,
        content_sha256=item.content_sha256,
        file_path=item.file_path,
        extra_json=json.dumps(extra, ensure_ascii=False),
        **state,
    )
    return ReleaseRow(conversation=conversation, columns=turns, split=item.split, excluded_turns=frozenset(excluded))
