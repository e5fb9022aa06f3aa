"""The database allows exactly the promised moves, whoever asks."""

from __future__ import annotations

from itertools import product

import pytest

from convstore.core import ConvStore
from convstore.errors import ConvstoreError
from convstore.lifecycle import STATUSES, allowed
from convstore.model import Status
from tests.integration.search.statements import insert_rows


def test_every_pair_of_statuses(store: ConvStore) -> None:
    insert_rows(store, 1)
    for before, after in product(STATUSES, STATUSES):
        with store.database.admin() as connection:
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("UPDATE conversations SET status = %s", [before])
        move = store.database.admin()
        if before == after or allowed(before, after):
            with move as connection:
                connection.execute("UPDATE conversations SET status = %s", [after])
        else:
            with pytest.raises(ConvstoreError, match=f"from {before} to {after}"), move as connection:
                connection.execute("UPDATE conversations SET status = %s", [after])


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "pending_review"])
def test_nothing_starts_decided(store: ConvStore, status: Status) -> None:
    insert_rows(store, 1)
    with pytest.raises(ConvstoreError, match="starts as pending_review"), store.database.admin() as connection:
        connection.execute(
            """
            INSERT INTO conversations (workspace_id, conversation_id, conversation_name, turn_count, tier, file_size,
                file_path, storage_bucket, created_by, turns_sha256, content_sha256, content_bytes, format, status)
            SELECT workspace_id, 'other', 'x', 2, tier, 1, 'x', 'b', created_by, 'x', 'x', 1, 'messages', %s
            FROM conversations
            """,
            [status],
        )
