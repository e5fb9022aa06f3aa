"""Connections are reused by many people; what one of them was never reaches the next."""

from __future__ import annotations

import random
import threading
from uuid import UUID

import psycopg
import pytest

from convstore.core import Resources
from convstore.database import Context, Database, system_context
from convstore.database.engine import Asked
from convstore.errors import ConvstoreError
from convstore.identity import admit
from tests.fixtures_database import Server
from tests.integration.security.people import identity, join

PEOPLE, ROUNDS, THREADS = 12, 40, 6


@pytest.fixture
def everybody(resources: Resources) -> dict[UUID, UUID]:
    """People by id with the workspace that is theirs alone."""
    found = {}
    for number in range(PEOPLE):
        person = admit(resources.database, identity(f"person{number}"))
        join(resources.database, person.user_id, "admin", slug=f"team-{number}")
        with resources.database.admin() as connection:
            row = connection.execute("SELECT id FROM workspaces WHERE slug = %s", [f"team-{number}"]).fetchone()
        assert row is not None
        found[person.user_id] = row[0]
    return found


def test_no_claims_cross_from_one_to_the_next(server: Server, database_name: str, everybody: dict[UUID, UUID]) -> None:
    url = server.url(database_name, user="convstore_app")
    database = Database(url, admin_url=server.url(database_name), pool_size=2)
    wrong: list[object] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            user, workspace = chance.choice(list(everybody.items()))
            way = chance.choice(("commit", "error in SQL", "error in Python", "elevated", "begin again"))
            context = system_context() if way == "elevated" else Context(user_id=user, note=str(user))
            try:
                with database.transaction(context) as connection:
                    seen = connection.exec_driver_sql(
                        "SELECT array_agg(id::text), auth.uid(), current_user, current_setting('convstore.note')"
                        " FROM workspaces"
                    ).one()
                    if way == "elevated":
                        if len(seen[0]) <= PEOPLE or seen[2] != "service_role" or seen[3]:
                            wrong.append(seen)
                    elif (seen[0], seen[1], seen[2], seen[3]) != ([str(workspace)], user, "authenticated", str(user)):
                        wrong.append((way, user, seen))
                    if way == "error in SQL":
                        connection.exec_driver_sql("SELECT 1 / 0")
                    if way == "error in Python":
                        raise ValueError
            except (ConvstoreError, ValueError):
                pass

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    # And what lies in the pool afterwards is nobody's.
    with database._engine.connect() as connection:
        left = connection.exec_driver_sql(
            "SELECT current_user, nullif(current_setting('request.jwt.claims', true), ''),"
            " nullif(current_setting('convstore.note', true), '')"
        ).one()
    assert tuple(left) == ("convstore_app", None, None)
    database.close()


def test_application_login_can_do_nothing_by_itself(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        for statement in (
            "SELECT FROM conversations",
            "SELECT convstore.my_workspaces('viewer')",
            "CREATE TABLE mine ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()


def test_a_login_that_inherits_authenticated_is_bound_too(
    server: Server, database_name: str, database: Database
) -> None:
    """Whoever never says SET ROLE must not pass for the owner."""
    role = f"inherits_{database_name}"
    with database.admin() as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN INHERIT IN ROLE authenticated")
        workspace = connection.execute("SELECT id FROM workspaces").fetchone()
    try:
        with psycopg.connect(server.url(database_name, user=role)) as connection:
            assert connection.execute("SELECT convstore.is_trusted()").fetchone() == (False,)
            query = "SELECT count(*) FROM convstore.search_texts(%s, 'a OR the')"
            assert connection.execute(query, workspace).fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT convstore.log_event(%s, NULL, 'file stored', NULL, '{}')", workspace)
    finally:
        with database.admin() as connection:
            connection.execute(f"DROP ROLE {role}")


def test_questions_sent_at_once_are_their_askers_alone(
    server: Server, database_name: str, everybody: dict[UUID, UUID]
) -> None:
    """One connection for all: what fails leaves it usable, and nothing of the one before."""
    database = Database(
        server.url(database_name, user="convstore_app"), admin_url=server.url(database_name), pool_size=1
    )
    mine: Asked = (b"SELECT array_agg(id) AS mine, auth.uid() AS me, current_user::text AS role FROM workspaces", {})
    for user, workspace in everybody.items():
        context = Context(user_id=user)
        with pytest.raises(ConvstoreError):
            database.ask(context, [mine, (b"SELECT 1 / %(by)s", {"by": 0}), mine])
        with pytest.raises(ConvstoreError):
            database.ask(context, [(b"CREATE TABLE mine ()", {})])
        expected = [{"mine": [workspace], "me": user, "role": "authenticated"}]
        assert database.ask(context, [mine, mine]) == [expected, expected]
    with database._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == "convstore_app"
    database.close()
