"""Every SQLSTATE of the table, provoked for real."""

from __future__ import annotations

import psycopg
import pytest

from convstore.database import Context, Database
from convstore.saol import Result, agent_execute_ddl, agent_execute_sql, agent_import_tool, agent_query

SQL = {
    "ERR_DB_UNIQUE_VIOLATION": "INSERT INTO notes (id, title) VALUES (1, 'a'), (1, 'b')",
    "ERR_DB_FK_VIOLATION": "INSERT INTO note_lines (note_id) VALUES (7)",
    "ERR_DB_NOT_NULL_VIOLATION": "INSERT INTO notes (id) VALUES (1)",
    "ERR_DB_CHECK_VIOLATION": "INSERT INTO notes (id, title, score) VALUES (1, 'a', 9)",
    "ERR_CAST_INVALID_INPUT": "SELECT 'x'::integer",
    "ERR_CAST_JSONB": "SELECT '{'::jsonb",
    "ERR_DB_TABLE_NOT_FOUND": "SELECT * FROM nowhere",
    "ERR_DB_COLUMN_NOT_FOUND": "SELECT nothing FROM notes",
    "ERR_SCHEMA_ACCESS_DENIED": "CREATE TABLE public.mine (id integer)",
    "ERR_DDL_SYNTAX": "SELEC 1",
    "ERR_VALUE_OUT_OF_RANGE": "INSERT INTO notes (id, title, slug) VALUES (1, 'a', 'longer than ten')",
    "ERR_TIMEOUT": "SELECT pg_sleep(5)",
    "ERR_TRANSIENT": "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$",
    "ERR_FATAL": "DO $$ BEGIN RAISE EXCEPTION 'own words' USING DETAIL = 'the detail', HINT = 'the hint'; END $$",
    "ERR_OBJECT_NOT_FOUND": "SELECT nothing_like_it(1)",
}


def check(result: Result, code: str) -> None:
    assert (result.success, result.code) == (False, code), result
    assert result.next_actions
    assert all(action.description and action.example for action in result.next_actions)
    assert result.summary


@pytest.mark.parametrize("code", SQL)
def test_a_refusal_has_a_code_and_a_next_action(notes: Database, code: str) -> None:
    check(agent_execute_sql(notes, sql=SQL[code], timeout_s=0.3), code)


def test_the_unforeseen_keeps_the_servers_own_words(notes: Database) -> None:
    result = agent_execute_sql(notes, sql=SQL["ERR_FATAL"])
    assert result.summary == "own words"
    assert (result.facts["detail"], result.facts["server_hint"]) == ("the detail", "the hint")


def test_a_number_that_is_too_large(notes: Database) -> None:
    check(agent_execute_sql(notes, sql="SELECT 99999::smallint"), "ERR_VALUE_OUT_OF_RANGE")


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE notes (id integer)", "CREATE POLICY p ON notes; CREATE POLICY p ON notes"]
)
def test_what_exists_already(notes: Database, statement: str) -> None:
    check(agent_execute_ddl(notes, sql=statement), "ERR_OBJECT_EXISTS")


def test_what_does_not_exist(notes: Database) -> None:
    check(agent_execute_ddl(notes, sql="ALTER TABLE notes DROP CONSTRAINT nothing"), "ERR_OBJECT_NOT_FOUND")


def test_a_row_that_a_policy_refuses(database: Database, stranger: Context, workspace: object) -> None:
    result = agent_execute_sql(
        database,
        sql="INSERT INTO personas (workspace_id, persona_key, name) VALUES ($1, 'k', 'n')",
        params=[workspace],
        as_user=stranger,
    )
    check(result, "ERR_AUTH_RLS_DENIED")


def test_a_privilege_that_is_missing(notes: Database, stranger: Context) -> None:
    check(agent_query(notes, table="notes", as_user=stranger), "ERR_SCHEMA_ACCESS_DENIED")


def test_an_aborted_transaction_is_told_as_such(notes: Database) -> None:
    from convstore.database.translation import translate

    with notes.admin() as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction) as raised:
            connection.execute("SELECT 1")
        connection.rollback()
    assert translate(raised.value).code == "ERR_TRANSACTION_FAILED"


def test_a_lock_that_is_held_and_a_deadlock(notes: Database) -> None:
    with notes.admin() as other:
        other.execute("LOCK TABLE notes")
        result = agent_execute_sql(notes, sql="SET LOCAL lock_timeout = '50ms'; SELECT * FROM notes")
    check(result, "ERR_TRANSIENT")


def test_a_server_that_does_not_answer() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    check(agent_query(away, table="notes"), "ERR_DB_UNAVAILABLE")
    check(agent_execute_ddl(away, sql="CREATE TABLE a (b integer)"), "ERR_DB_UNAVAILABLE")


def test_a_connection_that_is_cut(notes: Database) -> None:
    with notes.admin() as connection:
        connection.execute(
            "CREATE FUNCTION cut() RETURNS bool LANGUAGE sql SECURITY DEFINER"
            " AS 'SELECT pg_terminate_backend(pg_backend_pid())'"
        )
    check(agent_execute_sql(notes, sql="SELECT cut()"), "ERR_DB_UNAVAILABLE")
    assert agent_query(notes, table="notes").success


@pytest.mark.parametrize(("value", "code"), [("a\0b", "ERR_CHAR_CONTROL"), ("a\ud800b", "ERR_CHAR_INVALID_UTF8")])
def test_characters_that_no_row_can_hold(notes: Database, tmp_path: object, value: str, code: str) -> None:
    where = [{"column": "title", "operator": "eq", "value": value}]
    check(agent_query(notes, table="notes", where=where), code)
    check(agent_execute_sql(notes, sql="SELECT $1::text", params=[value]), code)
    check(agent_execute_sql(notes, sql="SELECT $1::jsonb", params=[{"a": value}]), code)
    check(agent_import_tool(notes, source=[{"id": 1, "title": value}], table="notes", reports_dir=str(tmp_path)), code)
    assert not agent_query(notes, table=value).success
    assert not agent_execute_sql(notes, sql=f"SELECT '{value}'").success
