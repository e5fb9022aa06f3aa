"""The whole store with its files in Supabase Storage: set up, imported, read, replaced, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import orjson
import pytest
from pydantic import ValidationError

from convstore.core import ConvStore, Resources
from convstore.files import unpack
from convstore.release.selection import SplitPlan
from convstore.settings import Settings
from convstore.storage_setup import check_storage_policies, prepare_storage
from tests.fixtures_database import Server
from tests.supabase_storage.project import supabase_project


def conversation(reply: str) -> bytes:
    turns = [{"role": "user", "content": "Where do I start?"}, {"role": "assistant", "content": reply}]
    return orjson.dumps({"conversation_id": "start", "messages": turns})


@pytest.fixture
def on_supabase(server: Server, database_name: str, tmp_path: Path) -> Iterator[Resources]:
    with supabase_project(server.settings(database_name, tmp_path / "home")) as resources:
        yield resources


def stored_objects(resources: Resources) -> list[str]:
    with resources.database.admin() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM storage.objects ORDER BY name").fetchall()]


def test_init_makes_bucket_and_policies_and_may_be_repeated(on_supabase: Resources) -> None:
    prepare_storage(on_supabase.database, on_supabase.files)
    prepare_storage(on_supabase.database, on_supabase.files)
    found = check_storage_policies(on_supabase.database, on_supabase.files)
    assert found is not None
    assert found.status == "ok"


def test_policies_that_are_missing_are_named(on_supabase: Resources) -> None:
    prepare_storage(on_supabase.database, on_supabase.files)
    with on_supabase.database.admin() as connection:
        connection.execute('DROP POLICY "Users can read from own folder" ON storage.objects')
    found = check_storage_policies(on_supabase.database, on_supabase.files)
    assert found is not None
    assert found.status == "fail"
    assert "Users can read from own folder" in found.fact


def test_a_conversation_lives_and_goes(on_supabase: Resources) -> None:
    prepare_storage(on_supabase.database, on_supabase.files)
    store = ConvStore.for_operator(on_supabase)
    assert store.ingest_uploads({"a.json": conversation("With one page.")}).totals["stored"] == 1
    row = store.get("start").conversation
    assert stored_objects(on_supabase) == [row.file_path]
    assert orjson.loads(store.document("start"))["messages"][1]["content"] == "With one page."

    again = store.ingest_uploads({"a.json": conversation("With the first line.")}, on_conflict="replace")
    assert again.totals["replaced"] == 1
    assert stored_objects(on_supabase) == [store.get("start").conversation.file_path] != [row.file_path]

    store.delete(["start"], hard=True, confirm=True)
    assert stored_objects(on_supabase) == []


def test_signed_addresses_are_made_on_demand_kept_briefly_and_never_stored(on_supabase: Resources) -> None:
    prepare_storage(on_supabase.database, on_supabase.files)
    store = ConvStore.for_operator(on_supabase)
    store.ingest_uploads({"a.json": conversation("With one page.")})
    address = store.signed_url("start")
    assert address is not None
    packed = httpx.get(address).raise_for_status().content
    assert orjson.loads(unpack(packed)) == orjson.loads(store.document("start"))
    token = parse_qs(urlsplit(address).query)["token"][0]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3600
    assert store.signed_url("start") == address, "kept"
    with on_supabase.database.admin() as connection:
        rows = connection.execute("SELECT to_jsonb(c)::text FROM conversations AS c").fetchall()
        events = connection.execute("SELECT to_jsonb(e)::text FROM events AS e").fetchall()
    assert not [row for (row,) in [*rows, *events] if token in row or "/sign/" in row]


def test_a_release_is_fetched_by_signed_links_and_by_nobody_without(on_supabase: Resources, tmp_path: Path) -> None:
    prepare_storage(on_supabase.database, on_supabase.files)
    store = ConvStore.for_operator(on_supabase)
    store.ingest_uploads({"a.json": conversation("With one page.")})
    plan = SplitPlan(shares={"train": Decimal(1)})
    report = store.export("sharegpt", tmp_path / "out", name="spring", plan=plan)
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for delivered in (store.store_export(report), store.store_release("spring", expires_s=7200)):
        found = {}
        for file in delivered:
            assert file.url is not None
            packed = httpx.get(file.url).raise_for_status().content
            assert len(packed) == file.bytes
            found[file.name.rpartition("/")[2]] = unpack(packed)
            assert httpx.get(file.url.partition("?")[0]).is_client_error, "only the link opens it"
        assert {name: data for name, data in found.items() if name in written} == written
        (manifest,) = [orjson.loads(data) for name, data in found.items() if name.endswith(".manifest.json")]
        assert manifest["release"] == str(report.release)
    claims = jwt.decode(parse_qs(urlsplit(file.url or "").query)["token"][0], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7200
    assert store.reconcile().orphans == []


def test_nothing_is_kept_for_longer_than_five_minutes() -> None:
    with pytest.raises(ValidationError):
        Settings(cache_seconds=301)
