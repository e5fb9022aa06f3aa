"""Deleting, changing the schema, free SQL, functions, indexes, maintenance."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol import (
    OPERATIONS,
    agent_analyze,
    agent_analyze_index_usage,
    agent_analyze_table_bloat,
    agent_count,
    agent_delete,
    agent_execute_ddl,
    agent_execute_rpc,
    agent_execute_sql,
    agent_introspect_schema,
    agent_manage_index,
    agent_query,
    agent_reindex,
    agent_vacuum,
    run_operation,
)

ALL = [{"column": "id", "operator": "gt", "value": 0}]


@pytest.fixture
def filled(notes: Database) -> Database:
    with notes.admin() as connection:
        connection.execute(
            """
            INSERT INTO notes (id, title, score) SELECT n, 'note', 1 + n % 5 FROM generate_series(1, 40) AS n;
            INSERT INTO note_lines (note_id, line)
            SELECT n, 'line' FROM generate_series(1, 40) AS n, generate_series(1, 3);
            """
        )
    return notes


def count(database: Database, table: str = "notes") -> int | None:
    return agent_count(database, table=table).count


def test_a_deletion_asks_first_and_tells_what_goes_with_it(filled: Database) -> None:
    for arguments in ({}, {"dry_run": True}, {"dry_run": True, "confirm": True}, {"confirm": "no"}):
        result = agent_delete(filled, table="notes", where=ALL, **arguments)
        assert (result.would_delete, result.deleted_count, len(result.preview)) == (40, 0, 10)
        assert {row.table: row.deleted for row in result.affected} == {"notes": 40, "note_lines": 120}
        assert "120 of note_lines" in result.summary
        assert result.success == result.dry_run
        assert result.next_actions[0].action == "confirm"
        assert count(filled) == 40
    done = agent_delete(filled, table="notes", where=ALL, confirm=True)
    assert (done.success, done.deleted_count, count(filled), count(filled, "note_lines")) == (True, 40, 0, 0)


def test_a_deletion_needs_a_filter_whatever_is_confirmed(filled: Database) -> None:
    assert agent_delete(filled, table="notes", where=[], confirm=True).code == "ERR_FILTER_EMPTY"
    unknown = [*ALL, {"column": "nothing", "operator": "eq", "value": 1}]
    assert agent_delete(filled, table="notes", where=unknown, confirm=True).code == "ERR_DB_COLUMN_NOT_FOUND"
    strange = [{"column": "id", "operator": "contains", "value": 1}]
    assert agent_delete(filled, table="notes", where=strange, confirm=True).code == "ERR_FILTER_INVALID"
    assert count(filled) == 40


def test_a_dry_run_finds_the_rows_that_stand_in_the_way(filled: Database) -> None:
    with filled.admin() as connection:
        connection.execute("INSERT INTO pins VALUES (7)")
    result = agent_delete(filled, table="notes", where=ALL, dry_run=True)
    assert (result.success, result.code) == (False, "ERR_DB_FK_VIOLATION")
    assert '"pins"' in str(result.facts["detail"])


def test_a_user_deletes_what_policies_allow(
    database: Database, workspace: UUID, admin_user: Context, stranger: Context
) -> None:
    with database.admin() as connection:
        connection.execute("INSERT INTO personas (workspace_id, persona_key, name) VALUES (%s, 'k', 'n')", [workspace])
    where = [{"column": "persona_key", "operator": "eq", "value": "k"}]
    assert agent_delete(database, table="personas", where=where, confirm=True, as_user=stranger).deleted_count == 0
    assert agent_delete(database, table="personas", where=where, confirm=True, as_user=admin_user).deleted_count == 1


def test_ddl_is_all_or_nothing(notes: Database) -> None:
    script = "CREATE TABLE a (b integer); COMMENT ON TABLE a IS 'x; y'; ALTER TABLE nowhere ADD c integer"
    result = agent_execute_ddl(notes, sql=script)
    assert (result.code, result.facts["statement"]) == ("ERR_DB_TABLE_NOT_FOUND", 3)
    assert not agent_query(notes, table="a").success


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("CREATE TABEL a (b integer)", "ERR_DDL_SYNTAX"),
        ("ALTER TABLE nowhere ADD c integer", "ERR_DB_TABLE_NOT_FOUND"),
        ("CREATE INDEX ON notes (nothing)", "ERR_DB_COLUMN_NOT_FOUND"),
        ("CREATE TABLE a (b integer); COMMIT", "ERR_TRANSACTION_CONTROL"),
        ("CREATE TABLE a (b integer); VACUUM notes", "ERR_DDL_NOT_TRANSACTIONAL"),
        ("CREATE INDEX CONCURRENTLY i ON nowhere (a)", "ERR_OBJECT_NOT_FOUND"),
        ("", "ERR_DDL_SYNTAX"),
    ],
)
def test_a_dry_run_of_ddl_finds_what_is_wrong(notes: Database, script: str, code: str) -> None:
    result = agent_execute_ddl(notes, sql=script, dry_run=True)
    assert (result.success, result.code) == (False, code)
    assert result.next_actions


def test_a_dry_run_of_ddl_says_what_would_change_and_changes_nothing(notes: Database) -> None:
    script = (
        "CREATE TABLE a (b integer PRIMARY KEY); ALTER TABLE notes ADD COLUMN extra text; CREATE VIEW v AS SELECT 1"
    )
    result = agent_execute_ddl(notes, sql=script, dry_run=True)
    assert result.success
    assert {entry.description for entry in result.changes} == {"table a", "column extra of table notes", "view v"}
    assert not agent_query(notes, table="a").success
    assert agent_execute_ddl(notes, sql=script).success
    assert agent_query(notes, table="notes", select="extra").success


@pytest.mark.parametrize(
    ("script", "lost", "rows"),
    [
        ("DROP TABLE note_lines", {"table note_lines"}, 120),
        ("TRUNCATE notes CASCADE", {"table notes", "table note_lines", "table pins"}, 160),
        ("ALTER TABLE notes DROP COLUMN title", {"column title of table notes"}, 0),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'note_lines'; END $$", {"table note_lines"}, 120),
        (
            "CREATE VIEW v AS SELECT title FROM notes; ALTER TABLE notes DROP title CASCADE",
            {"column title of table notes"},
            0,
        ),
        ("SELECT lose()", {"table note_lines"}, 120),
    ],
)
def test_what_destroys_is_told_and_not_done_without_a_confirmation(
    filled: Database, script: str, lost: set[str], rows: int
) -> None:
    with filled.admin() as connection:
        connection.execute("CREATE FUNCTION lose() RETURNS void LANGUAGE sql AS 'DROP TABLE note_lines'")
    result = agent_execute_ddl(filled, sql=script)
    assert (result.success, result.code) == (False, "ERR_CONFIRM_REQUIRED")
    losses = [entry for entry in result.changes if entry.change in ("dropped", "emptied")]
    assert {entry.description for entry in losses} <= lost
    assert sum(entry.rows or 0 for entry in losses) == rows
    assert result.warnings
    assert (count(filled), count(filled, "note_lines")) == (40, 120)
    done = agent_execute_ddl(filled, sql=script, confirm=True)
    assert done.success, done.summary


def test_what_cannot_run_in_a_transaction_is_checked_and_says_so(notes: Database) -> None:
    tried = agent_execute_ddl(notes, sql="CREATE INDEX CONCURRENTLY i ON notes (title)", dry_run=True)
    assert (tried.success, tried.executed) == (True, False)
    assert "not executed" in tried.summary
    done = agent_execute_ddl(notes, sql="CREATE INDEX CONCURRENTLY i ON notes (title)")
    assert [entry.description for entry in done.changes] == ["index i"]
    full = agent_execute_ddl(notes, sql="VACUUM FULL notes")
    assert full.code == "ERR_CONFIRM_REQUIRED"
    assert agent_execute_ddl(notes, sql="DROP INDEX CONCURRENTLY i").code == "ERR_CONFIRM_REQUIRED"


def test_sql_with_parameters(filled: Database) -> None:
    result = agent_execute_sql(
        filled, sql="SELECT id, '100%' AS share FROM notes WHERE id = ANY($1) AND title LIKE '%o%'", params=[[3, 4]]
    )
    assert result.rows == ({"id": 3, "share": "100%"}, {"id": 4, "share": "100%"})
    evil = agent_execute_sql(filled, sql="SELECT $1::text AS t", params=["'; DROP TABLE notes; --"])
    assert evil.rows == ({"t": "'; DROP TABLE notes; --"},)
    assert agent_execute_sql(filled, sql="SELECT $1", params={"a": 1}).code == "ERR_USAGE"  # type: ignore[arg-type]
    assert not agent_execute_sql(filled, sql="SELECT $1, $2", params=[1]).success


def test_a_dry_run_of_sql_runs_and_rolls_back(filled: Database) -> None:
    result = agent_execute_sql(filled, sql="DELETE FROM notes WHERE id < $1 RETURNING id", params=[5], dry_run=True)
    assert (result.success, result.row_count, len(result.rows)) == (True, 4, 4)
    assert {row.table: row.deleted for row in result.affected} == {"notes": 4, "note_lines": 12}
    assert count(filled) == 40
    assert not agent_execute_sql(filled, sql="DELETE FROM nowhere WHERE id = 1", dry_run=True).success


def test_sql_that_changes_every_row_asks_first(filled: Database) -> None:
    for statement in (
        "DELETE FROM notes",
        "UPDATE notes SET score = 1 WHERE true",
        "WITH d AS (DELETE FROM notes) SELECT 1",
    ):
        result = agent_execute_sql(filled, sql=statement)
        assert result.code == "ERR_CONFIRM_REQUIRED"
        assert result.affected[-1].deleted + result.affected[-1].updated == 40
    assert count(filled) == 40
    assert agent_execute_sql(filled, sql="DELETE FROM notes", confirm=True).row_count == 40
    assert count(filled) == 0


def test_statements_in_one_transaction_or_each_in_its_own(filled: Database) -> None:
    script = "INSERT INTO notes (id, title) VALUES (100, 'a'); INSERT INTO notes (id, title) VALUES (100, 'b')"
    assert not agent_execute_sql(filled, sql=script).success
    assert count(filled) == 40
    assert not agent_execute_sql(filled, sql=script, transaction=False).success
    assert count(filled) == 41
    assert agent_execute_sql(filled, sql="VACUUM notes").code == "ERR_DDL_NOT_TRANSACTIONAL"
    assert agent_execute_sql(filled, sql="SELECT 1; COMMIT").code == "ERR_TRANSACTION_CONTROL"


def test_sql_as_a_user_stays_that_user(database: Database, admin_user: Context, stranger: Context) -> None:
    query = "SELECT count(*) AS n FROM workspaces"
    assert agent_execute_sql(database, sql=query, as_user=admin_user).rows == ({"n": 1},)
    assert agent_execute_sql(database, sql=query, as_user=stranger).rows == ({"n": 0},)
    for escape in ("RESET ROLE", "SET ROLE service_role", "SELECT set_config('role', 'service_role', true)"):
        assert agent_execute_sql(database, sql=f"{escape}; {query}", as_user=stranger).code == "ERR_TRANSACTION_CONTROL"


def test_functions_are_called_by_name(database: Database, workspace: UUID, admin_user: Context) -> None:
    ranked = agent_execute_rpc(database, function="convstore.role_rank", params={"role": "lead"})
    assert ranked.value == 3
    mine = agent_execute_rpc(
        database, function="convstore.my_workspaces", params={"min_role": "admin"}, as_user=admin_user
    )
    assert [next(iter(row.values())) for row in mine.rows] == [workspace]
    for name, params in (
        ("nothing", {}),
        ("convstore.role_rank", {"rolle": "lead"}),
        ("convstore.role_rank", {}),
        ("convstore.role_rank('lead'); DROP TABLE personas; --", {"role": "x"}),
    ):
        result = agent_execute_rpc(database, function=name, params=params)
        assert not result.success
        assert result.next_actions
    logged = {"workspace": workspace, "conversation": None, "what": "tested", "about": None, "facts": {"n": 1}}
    assert agent_execute_rpc(database, function="convstore.log_event", params=logged, dry_run=True).success
    where = [{"column": "action", "operator": "eq", "value": "tested"}]
    assert agent_count(database, table="events", where=where).count == 0
    assert agent_execute_rpc(database, function="convstore.log_event", params=logged).success
    assert agent_query(database, table="events", where=where).rows[0]["after"] == {"n": 1}


@pytest.mark.parametrize("concurrently", [True, False])
def test_indexes_are_made_listed_and_dropped(filled: Database, concurrently: bool) -> None:
    arguments = {"table": "notes", "columns": ["score", "id"], "concurrently": concurrently}
    tried = agent_manage_index(filled, action="create", dry_run=True, **arguments)  # type: ignore[arg-type]
    assert (tried.success, tried.executed) == (True, not concurrently)
    assert len(tried.indexes) == 2
    where = [{"column": "title", "operator": "neq", "value": "it's $1 %s"}]
    made = agent_manage_index(filled, action="create", where=where, **arguments)  # type: ignore[arg-type]
    assert made.success, made.summary
    assert "idx_notes_score_id" in {
        index.name for index in agent_manage_index(filled, table="notes", action="list").indexes
    }
    assert agent_manage_index(filled, action="create", **arguments).code == "ERR_OBJECT_EXISTS"  # type: ignore[arg-type]
    drop = {"table": "notes", "action": "drop", "name": made.index, "concurrently": concurrently}
    asked = agent_manage_index(filled, **drop)  # type: ignore[arg-type]
    assert asked.code == "ERR_CONFIRM_REQUIRED"
    assert "bytes" in asked.summary
    assert agent_manage_index(filled, confirm=True, **drop).success  # type: ignore[arg-type]
    assert len(agent_introspect_schema(filled, table="notes").tables[0].indexes) == 2


def test_a_concurrent_build_that_fails_leaves_nothing_behind(filled: Database) -> None:
    result = agent_manage_index(filled, table="notes", action="create", columns="title", unique=True)
    assert result.code == "ERR_DB_UNIQUE_VIOLATION"
    assert len(agent_manage_index(filled, table="notes", action="list").indexes) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "create", "columns": []},
        {"action": "create", "columns": ["nothing"]},
        {"action": "create", "columns": ["id); DROP TABLE notes; --"]},
        {"action": "create", "columns": ["id"], "method": "btree (id); DROP TABLE notes; --"},
        {"action": "create", "columns": ["id"], "name": "n" * 64},
        {"action": "drop", "name": "nothing"},
        {"action": "drop"},
        {"action": "rebuild"},
    ],
)
def test_an_index_that_cannot_be_meant(notes: Database, arguments: dict[str, object]) -> None:
    result = agent_manage_index(notes, table="notes", **arguments)  # type: ignore[arg-type]
    assert not result.success
    assert result.next_actions


def test_usage_names_the_index_and_its_table(filled: Database) -> None:
    agent_manage_index(filled, table="notes", action="create", columns="title")
    usage = {entry.index: entry for entry in agent_analyze_index_usage(filled, table="notes").usage}
    assert (usage["idx_notes_title"].table, usage["idx_notes_title"].unused) == ("notes", True)
    assert not usage["notes_pkey"].unused
    analysed = agent_manage_index(filled, table="notes", action="analyze")
    assert {entry.index for entry in analysed.usage} == {"idx_notes_title", "notes_pkey", "notes_slug_key"}


def test_bloat_is_estimated_from_rows(notes: Database) -> None:
    with notes.admin() as connection:
        connection.execute(
            "INSERT INTO notes (id, title, data)"
            " SELECT n, repeat('x', 50 + n % 50), '{}' FROM generate_series(1, 4000) AS n"
        )
    assert agent_analyze(notes, table="notes").success
    fresh = agent_analyze_table_bloat(notes, table="notes").tables[0]
    assert fresh.bloat_share is not None
    assert fresh.bloat_share < 0.1
    with notes.admin() as connection:
        connection.execute("DELETE FROM notes WHERE id % 4 <> 0")
    assert agent_vacuum(notes, table="notes", analyze=True).success
    result = agent_analyze_table_bloat(notes, table="notes")
    assert result.tables[0].bloat_share == pytest.approx(0.75, abs=0.05)
    assert result.next_actions[0].action == "vacuum_full"
    asked = agent_vacuum(notes, table="notes", full=True)
    assert (asked.code, asked.size_before_bytes > 0) == ("ERR_CONFIRM_REQUIRED", True)
    done = agent_vacuum(notes, table="notes", full=True, confirm=True)
    assert done.size_after_bytes < done.size_before_bytes / 2
    assert agent_analyze_table_bloat(notes).success


def test_reindex_has_its_words_in_the_right_order(notes: Database) -> None:
    tried = agent_reindex(notes, name="notes", dry_run=True)
    assert tried.statement == 'REINDEX TABLE CONCURRENTLY "public"."notes"'
    assert (tried.executed, "not executed" in tried.summary) == (False, True)
    assert agent_reindex(notes, name="notes").executed
    assert agent_reindex(notes, name="notes_pkey", target="index", concurrently=False).executed
    assert agent_reindex(notes, name="nothing", target="index").code == "ERR_OBJECT_NOT_FOUND"
    assert agent_analyze(notes, table="notes", columns=["nothing"]).code == "ERR_DB_COLUMN_NOT_FOUND"


def test_maintenance_that_the_server_skips_is_not_called_done(notes: Database) -> None:
    weak = Database(notes.url)
    for result in (agent_vacuum(weak, table="notes"), agent_analyze(weak, table="notes")):
        assert (result.success, result.code) == (False, "ERR_SCHEMA_ACCESS_DENIED")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("cout", {"table": "notes"}, "no operation"),
        ("count", {}, "needs table"),
        ("count", {"table": "notes", "wher": []}, "no argument 'wher'"),
        ("query", {"table": "notes", "limit": "many"}, "limit"),
        ("query", {"table": 5}, "table"),
        ("ddl", {"sql": "SELECT 1", "as_user": "me"}, "no argument"),
    ],
)
def test_an_operation_that_is_called_wrongly(
    notes: Database, name: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        run_operation(notes, name, arguments)
    assert raised.value.hint


def test_every_operation_has_a_name_a_summary_and_its_arguments() -> None:
    assert len(OPERATIONS) == 19
    for operation in OPERATIONS.values():
        assert operation.summary
        assert {"database", "as_user"}.isdisjoint(parameter.name for parameter in operation.parameters)


def test_text_of_the_command_line_is_read_as_numbers_and_truth(filled: Database, tmp_path: Path) -> None:
    assert len(run_operation(filled, "query", {"table": "notes", "limit": "2"}).as_dict()["rows"]) == 2
    refused = run_operation(filled, "delete", {"table": "notes", "where": ALL, "confirm": "false"})
    assert refused.code == "ERR_CONFIRM_REQUIRED"
    assert count(filled) == 40
