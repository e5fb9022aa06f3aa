"""A server of one's own, as operators have it: its owner is no superuser, logins need passwords, statements compile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from convstore.core import ConvStore, Resources
from convstore.database import system_context
from convstore.database.embedded import open_server
from convstore.doctor import examine
from convstore.errors import DatabaseUnavailableError
from convstore.settings import Settings
from tests.fixtures_database import Server
from tests.integration.test_schema_on_15 import PROGRAMS

PASSWORD = "p%40ss%2Fword"


@dataclass(frozen=True)
class OwnServer:
    """Addresses of the database `theirs`."""

    server: Server
    home: Path

    def app_url(self, password: str = PASSWORD) -> str:
        return self.server.url("theirs", user=f"convstore_app:{password}")

    def settings(self, password: str = PASSWORD) -> Settings:
        return Settings(
            database_url=self.app_url(password), admin_url=self.server.url("theirs", user="owner"), home=self.home
        )


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnServer]:
    """The oldest PostgreSQL that there is, on which nobody has set anything up."""
    programs = PROGRAMS if (PROGRAMS / "initdb").exists() else None
    with open_server(tmp_path / "server", pg_bin=programs) as opened:
        with psycopg.connect(opened.admin_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
            connection.execute("CREATE DATABASE theirs OWNER owner")
            connection.execute("ALTER DATABASE theirs SET jit = on")
            rules = opened.data_directory / "pg_hba.conf"
            rules.write_text(f"local theirs convstore_app scram-sha-256\n{rules.read_text()}")
            connection.execute("SELECT pg_reload_conf()")
        yield OwnServer(Server(opened.admin_url), tmp_path / "home")


def test_set_up_by_its_owner_and_served_by_the_login_that_was_made(own_server: OwnServer) -> None:
    resources = Resources(own_server.settings(), sets_up=False)
    try:
        ConvStore.init(resources)
        checks = examine(own_server.settings())
        assert {check.name for check in checks} > {"tables", "isolation: login", "isolation: attempts", "identity"}
        assert [check for check in checks if check.status != "ok"] == []
        with resources.database.transaction(system_context()) as connection:
            assert connection.execute(text("SHOW jit")).scalar_one() == "off"
        with resources.database.admin() as connection:
            compiled = connection.execute(
                "SELECT proname FROM pg_proc"
                " WHERE 'enable_nestloop=off' = ANY (proconfig) AND 'jit=off' <> ALL (proconfig)"
            ).fetchall()
        # A plan without nested loops has a price that the compiler takes for a reason.
        assert compiled == []
    finally:
        resources.close()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(own_server.app_url("another"))


def test_a_login_that_was_there_keeps_its_password(own_server: OwnServer) -> None:
    with psycopg.connect(own_server.server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE convstore_app LOGIN NOINHERIT PASSWORD 'theirs'")
    resources = Resources(own_server.settings(), sets_up=False)
    try:
        with pytest.raises(DatabaseUnavailableError, match="password"):
            ConvStore.init(resources)
    finally:
        resources.close()
    own = Resources(own_server.settings("theirs"), sets_up=False)
    before, after = ConvStore.init(own)
    own.close()
    assert before == after
