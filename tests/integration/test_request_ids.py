"""A request's id reaches the server's log and every event of the audit, from whichever thread."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from convstore.core import ConvStore
from convstore.database import Database, system_context
from convstore.tracing import MAX_REQUEST_ID_LENGTH, get_request_id, request_as
from tests.integration.conversations import folder_of

_APPLICATION = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"


def application(database: Database) -> object:
    with database.transaction(system_context()) as connection:
        return connection.exec_driver_sql(_APPLICATION).scalar_one()


def test_a_transaction_carries_the_id_and_leaves_none_behind(database: Database) -> None:
    longest = "x" * MAX_REQUEST_ID_LENGTH
    with request_as(longest):
        assert application(database) == f"convstore {longest}"
    assert get_request_id() is None
    assert application(database) == "convstore"


def test_statements_are_logged_under_the_id(database: Database, database_name: str) -> None:
    with database.admin(autocommit=True) as connection:
        row = connection.execute("SHOW convstore.data_directory").fetchone()
        connection.execute(f"ALTER DATABASE {database_name} SET log_min_duration_statement = 0")
    assert row is not None
    with request_as("look-4"):
        application(database)
    lines = (Path(unquote(row[0])).parent / "server.log").read_text("utf-8").splitlines()
    assert [line for line in lines if " convstore look-4: " in line and _APPLICATION in line] != []


def test_events_name_the_request_that_made_them(store: ConvStore, tmp_path: Path) -> None:
    with request_as("import-7"):
        store.ingest([folder_of(tmp_path, count=2)])
    with request_as("decide-8"):
        done = store.review(["talk-0", "talk-1"], status="approved", scores={"quality": 4.0})
    store.undo(done.batch_id)
    with request_as("settle-9"):
        store.update_workspace(name="Renamed")

    with store.database.admin() as connection:
        found = set(
            connection.execute("SELECT action, request_id FROM events WHERE actor_id = %s", [store.actor.user_id])
        )
    assert {("created", "import-7"), ("status", "decide-8"), ("reviewed", "decide-8"), ("undone", None)} <= found
    assert ("workspaces update", "settle-9") in found
    assert {event.request_id for event in store.get("talk-0").events} == {"import-7", "decide-8", None}
