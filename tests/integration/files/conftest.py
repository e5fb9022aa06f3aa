"""Both backends behind one fixture, Supabase's with its row policies in a real database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from convstore.files import FileStore
from convstore.files.local import LocalStore
from convstore.files.policies import policy_statements
from convstore.files.supabase import SupabaseStore
from tests.fixtures_database import Server
from tests.supabase_storage.schema import STORAGE_SCHEMA
from tests.supabase_storage.server import SupabaseStorageServer

BUCKET = "conversation-files"


@pytest.fixture(scope="session")
def database_url(server: Server, template: str) -> str:
    """A database with convstore's tables and a storage schema with its policies."""
    server.create("files_in_supabase", template)
    url = server.url("files_in_supabase")
    with psycopg.connect(url) as connection:
        connection.execute(STORAGE_SCHEMA)
        for statement in policy_statements(BUCKET):
            connection.execute(statement)
    return url


@pytest.fixture(scope="session")
def shared_supabase(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupabaseStorageServer]:
    with SupabaseStorageServer(database_url, tmp_path_factory.mktemp("objects")) as server:
        yield server


@pytest.fixture
def supabase(shared_supabase: SupabaseStorageServer, database_url: str) -> SupabaseStorageServer:
    """The storage server without buckets, objects or faults."""
    shared_supabase.faults.clear()
    shared_supabase.faults.requests = 0
    with psycopg.connect(database_url) as connection:
        connection.execute("TRUNCATE storage.objects, storage.buckets")
    return shared_supabase


@pytest.fixture
def open_supabase(supabase: SupabaseStorageServer) -> Iterator[Callable[..., SupabaseStore]]:
    """Open stores on the server, for the service role unless another key is given."""
    stores: list[SupabaseStore] = []

    def open_store(key: str | None = None, *, timeout_s: float = 10.0) -> SupabaseStore:
        stores.append(SupabaseStore(supabase.url, key or supabase.service_role_key, BUCKET, timeout_s=timeout_s))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def supabase_store(open_supabase: Callable[..., SupabaseStore]) -> SupabaseStore:
    store = open_supabase()
    store.prepare()
    return store


@pytest.fixture
def local_store(tmp_path: Path) -> Iterator[LocalStore]:
    store = LocalStore(tmp_path / "files", BUCKET)
    store.prepare()
    yield store
    store.close()


@pytest.fixture(params=["file", "supabase"])
def store(request: pytest.FixtureRequest) -> FileStore:
    """A fresh, empty store of each kind."""
    found: FileStore = request.getfixturevalue("local_store" if request.param == "file" else "supabase_store")
    return found


@pytest.fixture
def random_bytes() -> Callable[[int], bytes]:
    return secrets.token_bytes
