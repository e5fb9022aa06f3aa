"""The oldest PostgreSQL that is promised makes the same tables, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from convstore import schema
from convstore.database import Database
from convstore.database.embedded import open_server
from tests.integration.test_schema import differences

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(not (PROGRAMS / "initdb").exists(), reason="PostgreSQL 15 is not installed")
def test_migrated_database_equals_the_tables_on_15(tmp_path: Path) -> None:
    with open_server(tmp_path / "home", pg_bin=PROGRAMS) as server:
        database = Database(server.app_url, admin_url=server.admin_url)
        schema.upgrade(database)
        schema.seed(database, admin_email=None, local_name="Jana")
        assert server.version == 15
        assert differences(database) == []
        database.close()
