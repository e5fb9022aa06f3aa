"""A store of the version before, with data: refused with advice, saved, upgraded in place, restored elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from convstore import schema
from convstore.backup import back_up, restore
from convstore.backup.tables import list_tables
from convstore.core import ConvStore, Resources
from convstore.database import Database
from convstore.demo.plan import write_demo
from convstore.doctor import examine
from convstore.settings import Settings
from tests.acceptance.command_line import CommandLine
from tests.fixtures_database import Server

OLD = "0001"


@pytest.fixture
def old_settings(server: Server, tmp_path: Path) -> Iterator[Settings]:
    """A store at the old version with conversations, decisions, a trash and a broken file."""
    server.create("test_old")
    settings = server.settings("test_old", tmp_path / "home")
    with psycopg.connect(server.url("test_old")) as connection:
        connection.execute(schema.render_upgrade(None, OLD).encode())
    resources = Resources(settings, sets_up=False)
    schema.seed(resources.database, admin_email=None, local_name="Jana")
    store = ConvStore.for_operator(resources)
    plan = write_demo(tmp_path / "demo", 40)
    store.import_scaffolding(plan.scaffold)
    store.ingest([plan.conversations])
    ids = list(plan.conversation_ids)
    store.review(ids[:12], status="approved", scores={"quality": 4.5}, note="good")
    store.delete(ids[12:15])
    resources.close()
    yield settings
    server.drop("test_old")


Columns = dict[str, list[str]]


def columns(database: Database) -> Columns:
    with database.admin() as connection:
        return {
            name: [
                row[0]
                for row in connection.execute(
                    "SELECT attname FROM pg_attribute"
                    " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                    [name],
                ).fetchall()
            ]
            for name in list_tables(connection)
        }


def contents(database: Database, known: Columns) -> dict[str, object]:
    """How many rows each table has, and a hash of them, as far as these columns go."""
    found: dict[str, object] = {}
    with database.admin() as connection:
        for name, names in known.items():
            query = sql.SQL(
                "SELECT count(*), md5(string_agg(r::text, '' ORDER BY r::text)) FROM (SELECT {} FROM {}) AS r"
            ).format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(*name.split(".")))
            found[name] = connection.execute(query).fetchone()
    return found


def test_a_store_of_the_version_before(old_settings: Settings, server: Server, tmp_path: Path) -> None:
    convstore = CommandLine(old_settings)
    refused = convstore("list", "--json")
    assert refused.status == 1
    error = refused.document["error"]
    assert (error["code"], error["facts"]["found"]) == ("ERR_SCHEMA_VERSION", OLD)
    assert "convstore init" in error["hint"]

    resources = Resources(old_settings, sets_up=False)
    database = resources.database
    known = columns(database)
    before = contents(database, known)
    saved = back_up(database, resources.files, tmp_path / "before.tar")
    assert saved.manifest.schema == OLD

    done = convstore("init", "--json")
    assert (done.document["before"], done.document["after"]) == (OLD, schema.newest_revision())
    assert contents(database, known) == before
    assert [(check.name, check.fact) for check in examine(old_settings) if check.status != "ok"] == []
    store = ConvStore.for_operator(Resources(old_settings))
    assert store.count() == (37, True)
    assert store.reconcile().is_clean
    resources.close()

    server.create("test_old_restored")
    other = Resources(server.settings("test_old_restored", tmp_path / "other"), sets_up=False)
    restore(other.database, other.files, saved.path)
    assert contents(other.database, known) == before
    assert schema.get_state(other.database).current
    other.close()
    server.drop("test_old_restored")
