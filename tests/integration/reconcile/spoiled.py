"""A store with every kind of fault in it, several of each, and everything that a reconciliation leaves behind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from convstore.core import ConvStore
from convstore.documents import store_document
from convstore.files import pack
from convstore.formats import parse
from convstore.model import Draft, Filter, ParsedFile
from tests.integration.conversations import conversation, document, folder_of

__all__ = ["CONVERSATIONS", "EACH", "cut_import_of", "everything", "path_of", "spoil"]

#: How many conversations have the same fault.
EACH = 3
CONVERSATIONS = 12 * EACH


def spoil(store: ConvStore, folder: Path) -> None:
    """Fill a store, and hurt it."""
    store.ingest([folder_of(folder / "in", count=CONVERSATIONS)])
    named = {kind: [f"talk-{number}" for number in range(kind, CONVERSATIONS, 12)] for kind in range(12)}
    _spoil_older_versions(store, folder, archived=named[0], released=named[1])
    for identifier in named[2]:
        store.files.delete([path_of(store, identifier)])
    for identifier in named[3]:
        _put_instead(store, identifier, store.files.get(path_of(store, identifier)) + b"and more")
    for identifier in named[4]:
        _put_instead(store, identifier, f"nothing of {identifier} is left".encode())
    for identifier in named[5]:
        store.files.delete([path_of(store, identifier)])
    for identifier in named[6]:
        _put_instead(store, identifier, f"nothing of {identifier} is left".encode())
    _change_a_turn(store, [*named[5], *named[6], *named[7]])
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations SET quality_score = 1.1 WHERE conversation_id = ANY (%s)", [[*named[8], *named[4]]]
        )
        connection.execute("INSERT INTO workspaces (slug, name) VALUES ('other', 'Other')")
    for identifier in named[9]:
        cut_import_of(store, identifier, "another question")
        cut_import_of(store, f"deleted-{identifier}", "a question that was never stored")
        conversation(folder / "deleted.json", f"deleted-{identifier}")
        store.ingest([folder / "deleted.json"])
        store.delete([f"deleted-{identifier}"], hard=True, confirm=True)
    for identifier in named[10]:
        cut_import_of(store, f"cut-{identifier}", "what now?")
        cut_import_of(store, identifier, "what now?")
    for identifier in named[11]:
        old = path_of(store, identifier)
        packed = store.files.get(old)
        conversation(folder / "new.json", identifier, "another question")
        store.ingest([folder / "new.json"], on_conflict="replace")
        store.files.put(old, packed)
        store.files.put(f"{store.actor.user_id}/{identifier}.json", b"{}", content_type="application/json")
        store.files.put(f"{uuid4()}/{uuid4()}/0123456789ab/conversation.json.gz", pack(b"{}"))


def _spoil_older_versions(store: ConvStore, folder: Path, *, archived: list[str], released: list[str]) -> None:
    store.review(released, status="approved")
    store.export("messages", folder / "out.jsonl", Filter(statuses=("approved",)), name="first")
    paths = [path_of(store, identifier) for identifier in (*archived, *released)]
    for identifier in released:
        conversation(folder / "new.json", identifier, "another question")
        store.ingest([folder / "new.json"], on_conflict="replace")
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations SET created_at = now() - interval '13 months' WHERE conversation_id = ANY (%s)",
            [archived],
        )
    store.archive()
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations_archive SET turns = jsonb_set(turns, '{1,content}', '\"x\"')"
            " WHERE conversation_id = %s",
            [archived[0]],
        )
    store.files.delete(paths)


def everything(store: ConvStore) -> dict[str, Any]:
    """What is in a store, without the times of changes and the ids that they were given."""
    queries = {
        "rows": "SELECT id, conversation_id, file_path, content_sha256, turns_sha256, status, is_active,"
        " processing_status, format, quality_score, created_by FROM conversations ORDER BY id",
        "turns": "SELECT conversation_id, turn_number, role, content FROM conversation_turns ORDER BY 1, 2",
        # Checks against the whole set are a job of their own, which may or may not have run by now.
        "findings": "SELECT conversation_id, code, turn_number FROM findings"
        " WHERE code NOT IN ('boilerplate', 'length_outlier') ORDER BY 1, 2, 3",
        "archive": "SELECT id, row ->> 'file_path', row ->> 'content_sha256' FROM conversations_archive ORDER BY id",
        "quarantine": "SELECT file, sha256, bytes, code, reason, object_paths FROM quarantine ORDER BY 1, 2",
        "events": "SELECT conversation_id, action, count(*) FROM events WHERE conversation_id IS NOT NULL"
        " GROUP BY 1, 2 ORDER BY 1, 2",
    }
    with store.database.admin() as connection:
        found: dict[str, Any] = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    listed = store.files.list()
    found["files"] = {stat.path: hashlib.sha256(store.files.get(stat.path)).hexdigest() for stat in listed}
    return found


def cut_import_of(store: ConvStore, identifier: str, question: str) -> str:
    """An object that an import left whose row was never written; its path."""
    stored = store_document(
        _draft_of(document(identifier, question)),
        family="messages",
        source_name="x.json",
        row_id=uuid4(),
        created_by=store.actor.user_id,
        language="en",
    )
    store.files.put(stored.path, stored.packed)
    return stored.path


def path_of(store: ConvStore, identifier: str) -> str:
    """Where the file of a conversation is."""
    return store.get(identifier).conversation.file_path


def _draft_of(content: object) -> Draft:
    parsed = parse(orjson.dumps(content), name="x.json")
    assert isinstance(parsed, ParsedFile)
    [draft] = parsed.conversations
    assert isinstance(draft, Draft)
    return draft


def _put_instead(store: ConvStore, identifier: str, damaged: bytes) -> None:
    path = path_of(store, identifier)
    store.files.delete([path])
    store.files.put(path, damaged)


def _change_a_turn(store: ConvStore, identifiers: list[str]) -> None:
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversation_turns AS t SET content = 'changed' FROM conversations AS c"
            " WHERE t.turn_number = 2 AND t.conversation_id = c.id AND c.conversation_id = ANY (%s)",
            [identifiers],
        )
