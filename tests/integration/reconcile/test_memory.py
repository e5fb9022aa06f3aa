"""Reconciliation in flat memory: twice the rows and files, the same memory.

`TEST_RECONCILE_ROWS=50000 pytest tests/integration/reconcile/test_memory.py` measures as many as one likes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from convstore.core import ConvStore
from convstore.database import Context
from convstore.documents import CONTENT_COLUMNS, conversation_row, store_document, turn_rows
from convstore.formats import parse
from convstore.model import Draft, ParsedFile
from convstore.queries.storing import insert_conversations
from tests.integration.conversations import document

_log = logging.getLogger(__name__)

ROWS = int(os.environ.get("TEST_RECONCILE_ROWS", "600"))
#: Beyond what a page and the threads need; a listing of so many paths would take more.
SLACK_BYTES = 12 << 20 if ROWS < 10_000 else 24 << 20

pytestmark = pytest.mark.timeout(120 + ROWS // 20)

_RECONCILE = """
import resource, sys
from pathlib import Path
from convstore.core import ConvStore, Resources
from convstore.settings import Settings
settings = Settings(database_url=sys.argv[1], admin_url=sys.argv[2], home=Path(sys.argv[3]))
with ConvStore.open(settings) as store:
    report = store.reconcile()
    assert report.is_clean, report.as_dict()
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def draft_of(number: int) -> Draft:
    parsed = parse(orjson.dumps(document(f"talk-{number}")), name="x.json")
    assert isinstance(parsed, ParsedFile)
    [draft] = parsed.conversations
    assert isinstance(draft, Draft)
    return draft


def fill(store: ConvStore, numbers: range) -> None:
    """Rows and files as an import leaves them, without waiting for the disk."""
    columns = ("id", "workspace_id", "conversation_id", "created_by", *CONTENT_COLUMNS)
    workspace_id, user_id = store.actor.workspace_id, store.actor.user_id
    for start in range(numbers.start, numbers.stop, 1000):
        rows: list[list[Any]] = []
        turns: list[tuple[Any, ...]] = []
        for number in range(start, min(start + 1000, numbers.stop)):
            row_id: UUID = uuid4()
            stored = store_document(
                draft_of(number),
                family="messages",
                source_name="x.json",
                row_id=row_id,
                created_by=user_id,
                language="en",
            )
            path = store.settings.home / "files" / store.files.bucket / stored.path
            path.parent.mkdir(parents=True)
            path.write_bytes(stored.packed)
            values = conversation_row(stored, bucket=store.files.bucket)
            values |= {
                "id": row_id,
                "workspace_id": workspace_id,
                "conversation_id": stored.draft.conversation_id,
                "created_by": user_id,
            }
            rows.append([values[name] for name in columns])
            turns.extend(turn_rows(stored, workspace_id))
        with store.database.transaction(Context.of(store.actor)) as connection:
            insert_conversations(connection, columns=columns, rows=rows, turns=turns, findings=[])


def peak_bytes(store: ConvStore, home: Path) -> int:
    settings = store.settings
    assert settings.database_url is not None
    assert settings.admin_url is not None
    addresses = [settings.database_url.get_secret_value(), settings.admin_url.get_secret_value(), str(home)]
    done = subprocess.run([sys.executable, "-c", _RECONCILE, *addresses], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_memory_does_not_grow_with_the_store(store: ConvStore) -> None:
    store.files.prepare()
    fill(store, range(ROWS))
    first = peak_bytes(store, store.settings.home)
    fill(store, range(ROWS, 2 * ROWS))
    second = peak_bytes(store, store.settings.home)
    _log.info("%s rows %s MiB, %s rows %s MiB", ROWS, first >> 20, 2 * ROWS, second >> 20)
    assert second < first + SLACK_BYTES, f"{first >> 20} MiB, then {second >> 20} MiB"
    assert hashlib.sha256(store.document("talk-0")).hexdigest() == store.get("talk-0").conversation.content_sha256
