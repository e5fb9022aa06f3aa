"""One conversation with everything that its screen shows, beside the bare query for the row and its turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.core import ConvStore

__all__ = ["measure"]

#: What a conversation is made of; the first two are what one must read of it.
_PARTS = (
    "SELECT * FROM conversations WHERE workspace_id = %(workspace)s AND id = %(id)s",
    "SELECT turn_number, role, content, detected_emotion, emotion_confidence, emotional_intensity, primary_strategy,"
    " tone FROM conversation_turns"
    " WHERE workspace_id = %(workspace)s AND conversation_id = %(id)s ORDER BY turn_number",
    "SELECT * FROM findings WHERE workspace_id = %(workspace)s AND conversation_id = %(id)s ORDER BY code",
    "SELECT r.*, p.name FROM reviews AS r LEFT JOIN profiles AS p ON p.id = r.reviewer_id"
    " WHERE r.workspace_id = %(workspace)s AND r.conversation_id = %(id)s ORDER BY r.updated_at",
    "SELECT e.*, p.name FROM events AS e LEFT JOIN profiles AS p ON p.id = e.actor_id"
    " WHERE e.workspace_id = %(workspace)s AND e.conversation_id = %(id)s ORDER BY e.id",
)


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Opening conversations here and there, beside reading row and turns by hand, and beside all five parts by hand."""
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        query = "SELECT id, conversation_id FROM conversations WHERE workspace_id = %s ORDER BY id LIMIT 50"
        rows = bare.execute(query, (store.actor.workspace_id,)).fetchall()

        def product() -> object:
            return [store.get(name) for _, name in rows]

        def reading(parts: Sequence[str]) -> Callable[[], object]:
            def limit() -> object:
                return [
                    bare.execute(part, {"workspace": store.actor.workspace_id, "id": row}).fetchall()
                    for row, _ in rows
                    for part in parts
                ]

            return limit

        ours, two, five = interleave([product, reading(_PARTS[:2]), reading(_PARTS)])
    for limit, of in ((two, "row and turns only"), (five, "the same five parts")):
        yield Measurement(
            group="opening",
            case=f"50 conversations with turns, findings, reviews and history, beside {of}",
            product=ours,
            limit=limit,
            target=Target(ratio=3),
            note="limit: by hand, without policies or transactions",
        )
