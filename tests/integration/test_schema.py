"""The migrations make exactly the tables that Python knows, everywhere, as often as one likes."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from convstore import schema
from convstore.database import Database
from convstore.database.migration import compare_options
from convstore.database.tables import metadata
from tests.fixtures_database import Server


def differences(database: Database) -> list[object]:
    with database.admin_engine().connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=compare_options()), metadata)
        return found


def test_migrated_database_equals_the_tables(database: Database) -> None:
    assert differences(database) == []
    assert schema.get_state(database).current


def test_upgrade_again_changes_nothing(database: Database) -> None:
    before = schema.get_state(database)
    assert schema.upgrade(database) == before


_INIT = """
import sys
from convstore import schema
from convstore.database import Database
database = Database(sys.argv[1])
schema.upgrade(database)
schema.seed(database, admin_email=None, local_name="Jana")
"""


def test_processes_at_once_are_serialised(server: Server) -> None:
    server.create("test_init_twice")
    try:
        running = [
            subprocess.Popen([sys.executable, "-c", _INIT, server.url("test_init_twice")], stderr=subprocess.PIPE)
            for _ in range(3)
        ]
        errors = [process.communicate(timeout=100)[1] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], errors
        with psycopg.connect(server.url("test_init_twice")) as connection:
            assert connection.execute("SELECT count(*) FROM workspaces").fetchone() == (1,)
            assert connection.execute("SELECT count(*) FROM workspace_members").fetchone() == (1,)
    finally:
        server.drop("test_init_twice")


def test_printed_sql_makes_the_same_database(server: Server) -> None:
    server.create("test_printed")
    try:
        with psycopg.connect(server.url("test_printed"), autocommit=True) as connection:
            connection.execute(schema.render_sql())
        database = Database(server.url("test_printed"))
        assert differences(database) == []
        assert schema.get_state(database).current
        database.close()
    finally:
        server.drop("test_printed")


def test_every_table_has_policies_and_a_comment(database: Database) -> None:
    with database.admin() as connection:
        rows = connection.execute(
            """
            SELECT c.relname, c.relrowsecurity, obj_description(c.oid, 'pg_class') IS NOT NULL,
                   (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid)
            FROM pg_class AS c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
            """
        ).fetchall()
    assert len(rows) == len(metadata.tables)
    # Nobody but convstore itself has anything to do with signing in.
    expected = {"sign_in_attempts": 1, "sign_in_sessions": 1}
    assert [row for row in rows if not row[1] or not row[2] or row[3] < expected.get(row[0], 2)] == []


@pytest.mark.parametrize("statement", ["UPDATE events SET note = 'x'", "DELETE FROM events", "TRUNCATE events"])
def test_events_are_append_only_even_for_the_owner(database: Database, statement: str) -> None:
    with database.admin() as connection:
        workspace = connection.execute("SELECT id FROM workspaces").fetchone()
        assert workspace is not None
        connection.execute("INSERT INTO events (workspace_id, action) VALUES (%s, 'test')", workspace)
    with pytest.raises(Exception, match="append-only"), database.admin() as connection:
        connection.execute(statement)
