"""One conversation with everything that its screen shows, beside the bare query for the row and its turns."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.core import ConvStore

__all__ = ["measure"]


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Opening conversations here and there."""
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        query = "SELECT id, conversation_id FROM conversations WHERE workspace_id = %s ORDER BY id LIMIT 50"
        rows = bare.execute(query, (store.actor.workspace_id,)).fetchall()

        def product() -> object:
            return [store.get(name) for _, name in rows]

        def limit() -> object:
            return [
                (
                    bare.execute("SELECT * FROM conversations WHERE id = %s", (row,)).fetchone(),
                    bare.execute(
                        "SELECT turn_number, role, content, detected_emotion, emotion_confidence, emotional_intensity,"
                        " primary_strategy, tone FROM conversation_turns"
                        " WHERE workspace_id = %s AND conversation_id = %s"
                        " ORDER BY turn_number",
                        (store.actor.workspace_id, row),
                    ).fetchall(),
                )
                for row, _ in rows
            ]

        ours, theirs = interleave([product, limit])
    yield Measurement(
        group="opening",
        case="50 conversations with turns, findings, reviews and history",
        product=ours,
        limit=theirs,
        target=Target(ratio=3),
        note="the limit reads rows and turns only, without policies or transactions",
    )
