"""Real PostgreSQL for every test that touches data: one server a process, one clone of a template a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from convstore import schema
from convstore.core import ConvStore, Resources
from convstore.database import Database
from convstore.database.embedded import open_server
from convstore.settings import Settings

_TEMPLATE = "template_convstore"
_DEMO = "template_demo"
_numbers = itertools.count(1)
_MEMORY = Path("/dev/shm")
_MEMORY_AT_LEAST_BYTES = 4 * 1024**3


def _folder_for_servers() -> Path | None:
    """Where there is room in memory, there: a test's database is copied in a tenth of the time. Else where usual."""
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MEMORY_AT_LEAST_BYTES
    return _MEMORY if has_room else None


@dataclass(frozen=True)
class Server:
    """A running server and the addresses of databases on it."""

    admin_url: str

    def url(self, database: str, *, user: str = "postgres") -> str:
        return self.admin_url.replace("/convstore?", f"/{database}?").replace("postgres@", f"{user}@")

    def create(self, database: str, template: str = "template0") -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def settings(self, database: str, home: Path) -> Settings:
        return Settings(
            database_url=self.url(database, user="convstore_app"),
            admin_url=self.url(database),
            home=home,
            cache_seconds=300,
        )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The session's own server. Nothing in it has to survive a power cut, so nothing waits for the disk."""
    folder = tempfile.TemporaryDirectory(prefix="convstore-tests-", dir=_folder_for_servers())
    with folder as home, open_server(Path(home)) as opened:
        with psycopg.connect(opened.admin_url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")
        yield Server(opened.admin_url)


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A database that is set up and holds the local admin and nothing else."""
    server.create(_TEMPLATE)
    database = Database(server.url(_TEMPLATE, user="convstore_app"), admin_url=server.url(_TEMPLATE))
    schema.upgrade(database)
    schema.seed(database, admin_email=None, local_name="Jana")
    database.close()
    return _TEMPLATE


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the demonstration set's files; read only by agreement."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_template(server: Server, template: str, demo_home: Path) -> str:
    """A database with the demonstration set in it."""
    from convstore.demo.seeding import seed_demo

    server.create(_DEMO, template)
    resources = Resources(server.settings(_DEMO, demo_home))
    seed_demo(ConvStore.for_operator(resources))
    resources.close()
    return _DEMO


@pytest.fixture
def database_name(server: Server, template: str) -> Iterator[str]:
    """A fresh database, set up and empty."""
    name = f"test_{next(_numbers)}"
    server.create(name, template)
    yield name
    server.drop(name)


@pytest.fixture
def settings(server: Server, database_name: str, tmp_path: Path) -> Settings:
    """Settings of a fresh store."""
    return server.settings(database_name, tmp_path / "home")


@pytest.fixture
def resources(settings: Settings) -> Iterator[Resources]:
    """A fresh store's database and files."""
    opened = Resources(settings)
    yield opened
    opened.close()


@pytest.fixture
def database(resources: Resources) -> Database:
    """A fresh store's database."""
    return resources.database


@pytest.fixture
def store(resources: Resources) -> ConvStore:
    """A fresh, empty store, as the local admin."""
    return ConvStore.for_operator(resources)


@pytest.fixture
def demo_store(server: Server, demo_template: str, demo_home: Path, tmp_path: Path) -> Iterator[ConvStore]:
    """A store with the demonstration set, as the local admin; its rows and files are this test's own."""
    name = f"test_{next(_numbers)}"
    server.create(name, demo_template)
    home = tmp_path / "demo-home"
    shutil.copytree(demo_home, home)
    opened = Resources(server.settings(name, home))
    yield ConvStore.for_operator(opened)
    opened.close()
    server.drop(name)
