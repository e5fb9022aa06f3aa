"""Every identity tries every command on every table and column; what happens is what db/README.md says."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from convstore.database import Database
from convstore.errors import InvalidInputError
from convstore.isolation import RIGHTS_FILE, check_isolation, list_deviations, read_rights
from convstore.isolation.attempts import IDENTITIES, Deviation, Identity
from convstore.isolation.catalogue import read_catalogue
from convstore.model import CheckResult
from tests.fixtures_database import Server

RIGHTS = read_rights(RIGHTS_FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def migrated(server: Server, template: str) -> Iterator[Database]:
    server.create("test_rights", template)
    database = Database(server.url("test_rights", user="convstore_app"), admin_url=server.url("test_rights"))
    yield database
    database.close()
    server.drop("test_rights")


@pytest.fixture(scope="module")
def deviations(migrated: Database) -> list[Deviation]:
    with migrated.admin() as connection, psycopg.connect(migrated.url) as login:
        return list_deviations(connection, login, read_catalogue(connection), RIGHTS)


def test_every_table_of_the_catalogue_has_rights(migrated: Database) -> None:
    with migrated.admin() as connection:
        tables = read_catalogue(connection)
    assert set(tables) == set(RIGHTS)
    named = {
        (name, column)
        for name, rights in RIGHTS.items()
        for grants in rights.grants.values()
        for grant in grants
        for column in grant.columns
    }
    assert named <= {(table.name, column.name) for table in tables.values() for column in table.columns}


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.name)
def test_rights_are_as_printed(deviations: list[Deviation], identity: Identity) -> None:
    assert [str(deviation) for deviation in deviations if deviation.identity == identity.name] == []


def test_check_is_content_and_leaves_nothing_behind(migrated: Database) -> None:
    def count() -> list[tuple[object, ...]]:
        with migrated.admin() as connection:
            return connection.execute(
                "SELECT (SELECT count(*) FROM profiles), (SELECT count(*) FROM events)"
            ).fetchall()

    before = count()
    results = check_isolation(migrated)
    assert {result.status for result in results} == {"ok"}, results
    assert count() == before


DAMAGE = {
    "ALTER TABLE events DISABLE ROW LEVEL SECURITY": "row security is off: events",
    "CREATE TABLE overlooked (workspace_id uuid)": "no rights in db/README.md: overlooked",
    """CREATE POLICY "mine" ON conversations FOR UPDATE TO authenticated
       USING (created_by = auth.uid())""": "UPDATE conversations.",
    "GRANT UPDATE (file_path) ON conversations TO authenticated": "reviewer: UPDATE conversations.file_path",
    "GRANT TRUNCATE ON leases TO authenticated": "TRUNCATE leases",
    """GRANT SELECT ON profiles TO anon;
       CREATE POLICY "open" ON profiles FOR SELECT TO anon USING (true)""": "anon: SELECT profiles",
    """CREATE VIEW everything AS SELECT * FROM conversations;
       GRANT SELECT ON everything TO authenticated""": "public.everything by authenticated",
    'DROP POLICY "Members see findings" ON findings': "viewer: SELECT findings",
}


@pytest.fixture(scope="module")
def damaged(server: Server, template: str) -> Iterator[Database]:
    """A database with all of this damage: every identity tries everything, so once is enough."""
    server.create("test_damaged", template)
    database = Database(server.url("test_damaged", user="convstore_app"), admin_url=server.url("test_damaged"))
    with database.admin() as connection:
        for damage in DAMAGE:
            connection.execute(damage)
    yield database
    database.close()
    server.drop("test_damaged")


@pytest.fixture(scope="module")
def failed(damaged: Database) -> list[CheckResult]:
    return [result for result in check_isolation(damaged) if result.status == "fail"]


@pytest.fixture(scope="module")
def noticed(damaged: Database, failed: list[CheckResult]) -> list[str]:
    """What failed, and every try that did: the check itself names some of them only."""
    with damaged.admin() as connection, psycopg.connect(damaged.url) as login:
        tries = list_deviations(connection, login, read_catalogue(connection), RIGHTS)
    return [*(result.fact for result in failed), *map(str, tries)]


def test_check_fails_where_there_is_damage_and_says_what_to_do(failed: list[CheckResult]) -> None:
    assert {result.name for result in failed} == {
        f"isolation: {part}" for part in ("tables", "other objects", "attempts")
    }
    assert all(result.next_action for result in failed)


@pytest.mark.parametrize("said", DAMAGE.values())
def test_damage_is_noticed(noticed: list[str], said: str) -> None:
    assert any(said in one for one in noticed), noticed


@pytest.mark.parametrize(
    "text", ["", RIGHTS_FILE.read_text("utf-8").replace("| nobody | nobody |", "| perhaps | nobody |")]
)
def test_unclear_rights_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="rights"):
        read_rights(text)
