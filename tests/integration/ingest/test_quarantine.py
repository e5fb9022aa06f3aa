"""What cannot be read keeps its bytes and the reason, once, and never stops the rest."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convstore import quarantine
from convstore.core import ConvStore
from convstore.sources import FileSource
from tests.integration.conversations import document
from tests.integration.ingest.rows import object_paths, rows, unsound
from tests.integration.security.people import sign_in


def read(store: ConvStore, data: bytes) -> bytes | None:
    digest = hashlib.sha256(data).hexdigest()
    return quarantine.read(store.database, store.files, store.actor, sha256=digest)


def test_bytes_place_and_reason_are_kept(store: ConvStore) -> None:
    data = b'{"a": 1,\r\n "b": [x]}'
    report = store.ingest_uploads({"broken.json": data, "fine.json": json.dumps(document("fine")).encode()})

    assert [file.outcome for file in report.files] == ["rejected", "accepted"]
    [file, _] = report.files
    assert (file.line, file.column, file.byte) == (2, 8, 17)
    assert read(store, data) == data
    [row] = rows(store, 'SELECT file, bytes, code, reason, line, "column", byte FROM quarantine')
    assert row == ("broken.json", len(data), file.code, file.reason, 2, 8, 17)
    assert store.get("fine").turns


def test_the_same_bytes_are_kept_once(store: ConvStore) -> None:
    for name in ("a.json", "a.json", "b.json"):
        store.ingest_uploads({name: b"{]"})
    colleague = sign_in(store.resources, "rita", "reviewer")
    colleague.ingest_uploads({"b.json": b"{]"})
    assert rows(store, "SELECT file FROM quarantine ORDER BY file") == [("a.json",), ("b.json",)]
    assert len(object_paths(store.files)) == 1
    assert read(colleague, b"{]") == b"{]"


def test_a_colleagues_copy_is_the_colleagues_own(store: ConvStore) -> None:
    store.ingest_uploads({"a.json": b"{]"})
    sign_in(store.resources, "rita", "reviewer").ingest_uploads({"c.json": b"{]"})
    assert rows(store, "SELECT count(DISTINCT object_paths) FROM quarantine") == [(2,)]


def test_large_files_are_kept_in_parts(store: ConvStore) -> None:
    data = b"[" + random.Random(3).randbytes(quarantine.PART_BYTES * 2 + 77)
    store.ingest_uploads({"large.json": data})
    [(paths,)] = rows(store, "SELECT object_paths FROM quarantine")
    assert len(paths) == 3
    assert read(store, data) == data


def test_a_file_over_the_limit_is_refused_without_reading_it(store: ConvStore, tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    report = store.ingest([path])
    assert report.files[0].code == "ERR_FILE_TOO_LARGE"
    assert "300,000,000" in (report.files[0].reason or "")
    [(size, sha256, paths)] = rows(store, "SELECT bytes, sha256, object_paths FROM quarantine")
    assert (size, sha256, paths) == (300_000_000, FileSource(path).sha256(), [])


def test_an_empty_file_is_noted(store: ConvStore) -> None:
    store.ingest_uploads({"empty.json": b""})
    assert rows(store, "SELECT reason, bytes FROM quarantine") == [("empty file", 0)]
    assert read(store, b"") is None


def test_a_file_with_one_bad_conversation_keeps_its_bytes(store: ConvStore) -> None:
    bad = {"conversation_id": "bad", "messages": [{"role": "wizard", "content": "x"}]}
    data = json.dumps(bad).encode() + b"\n" + json.dumps(document("good")).encode()
    store.ingest_uploads({"both.jsonl": data})
    assert read(store, data) == data
    assert store.get("good").turns


def test_a_dry_run_keeps_nothing(store: ConvStore) -> None:
    store.ingest_uploads({"a.json": b"{]"}, dry_run=True)
    assert object_paths(store.files) == set()
    assert rows(store, "SELECT FROM quarantine") == []


STRANGE = [
    b"\xef\xbb\xbf",
    b"\x00",
    b"null",
    b"[]",
    b"{}",
    b"[[[]]]",
    b"\xff\xfe{\x00}\x00",
    b"[" * 5000,
    b'{"\\u0000": 1}',
    b'{"\\ud800": {"messages": 3}}',
    b'{"messages": [{"role": "user", "content": "a\\u0000b"}]}',
    b'{"messages": [{"role": "user", "content": "\\udfff"}]}',
    b'{"messages": [{"role": "user", "content": NaN}]}',
    b'{"conversation_id": "\\u0000", "messages": [{"role": "user", "content": "x"}]}',
    b'{"conversation_id": "a", "a\\u0000": "\\ud800", "messages": [{"role": "us\\u0000er", "content": "x"}]}',
    b'{"conversation_id": "a", "conversation_id": "b", "messages": []}',
    b'{"$schema": "x", "properties": {"\\u0000": 1}}',
    b"9" * 5000,
    b'{"a": 1e999}',
]


@pytest.mark.parametrize("data", STRANGE, ids=range(len(STRANGE)))
def test_strange_bytes_are_reported_and_kept(store: ConvStore, data: bytes) -> None:
    report = store.ingest_uploads({"strange\x00\ud800.json": data, "fine.json": json.dumps(document("fine")).encode()})
    assert report.files[0].outcome == "rejected" or report.files[0].conversations[0].outcome == "rejected"
    assert report.totals["stored"] == 1
    assert read(store, data) == data
    assert unsound(store) == []


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = [
    *("conversation_id", "messages", "role", "content", "conversations", "training_pairs", "dataset_metadata"),
    *("turn_number", "target_response", "current_user_input", "emotional_context", "quality_score", "title"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good document in which some member is something else."""
    found: Any = json.loads(json.dumps(document("talk")))
    place = found
    while isinstance(place, dict | list) and place and draw(st.booleans()):
        place = place[draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
    if isinstance(place, dict):
        place[draw(st.sampled_from(MEMBERS))] = draw(JSON)
    elif isinstance(place, list):
        place.append(draw(JSON))
    return json.dumps(found).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(damaged() | JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), max_size=5)
)
def test_anything_is_stored_whole_or_reported(store: ConvStore, files: list[bytes]) -> None:
    uploads = {f"{number}.json": data for number, data in enumerate(files)}
    report = store.ingest_uploads(uploads, on_conflict="replace")
    assert len(report.files) == len(files)
    for file, data in zip(report.files, files, strict=True):
        if file.outcome == "rejected":
            assert file.reason
            assert not data or read(store, data) == data
        for conversation in file.conversations:
            assert conversation.outcome != "rejected" or (conversation.reason and conversation.path)
    assert unsound(store) == []
