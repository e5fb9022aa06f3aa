"""What to do next for each code: an action, why, and a call that can be copied. Knows no database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from convstore.saol.results import NextAction, Priority

__all__ = ["advise", "advise_all"]


class _Advice(NamedTuple):
    action: str
    example: str
    description: str = ""
    priority: Priority = "HIGH"


_ADVICE: dict[str, _Advice] = {
    "ERR_DB_UNIQUE_VIOLATION": _Advice(
        "use_upsert",
        'agent_import_tool(database, source=records, table="personas", mode="upsert", on_conflict=["id"])',
        "Rows with this key are there already: import with mode upsert, or leave them out.",
    ),
    "ERR_DB_FK_VIOLATION": _Advice(
        "import_parents_first",
        'agent_import_tool(database, source=parents, table="workspaces")',
        "Import the rows that these refer to first; before a deletion, delete the rows that refer to them.",
    ),
    "ERR_DB_NOT_NULL_VIOLATION": _Advice(
        "fill_required_columns",
        'agent_introspect_schema(database, table="personas")',
        "Give every column that is NOT NULL and has no default a value.",
    ),
    "ERR_DB_CHECK_VIOLATION": _Advice(
        "read_constraints",
        'agent_introspect_schema(database, table="conversations")',
        "Give values that the named constraint allows.",
    ),
    "ERR_CAST_INVALID_INPUT": _Advice(
        "correct_type",
        'agent_introspect_schema(database, table="conversations")',
        "Give values of the column's type: ISO dates, plain numbers, UUIDs with hyphens.",
    ),
    "ERR_CAST_JSONB": _Advice(
        "send_json",
        """agent_execute_sql(database, sql="SELECT $1::jsonb", params=['{"key": 1}'])""",
        "Give valid JSON; numbers that are not finite are none.",
    ),
    "ERR_DB_TABLE_NOT_FOUND": _Advice(
        "list_tables", "agent_introspect_schema(database)", "Correct the table's name; this lists every table."
    ),
    "ERR_DB_COLUMN_NOT_FOUND": _Advice(
        "list_columns",
        'agent_introspect_schema(database, table="conversations")',
        "Correct the column's name; this lists the columns.",
    ),
    "ERR_AUTH_RLS_DENIED": _Advice(
        "check_policies",
        'agent_introspect_schema(database, table="conversations", include_policies=True)',
        "A policy refuses this user: ask an admin of the workspace, or act as a user who may.",
    ),
    "ERR_SCHEMA_ACCESS_DENIED": _Advice(
        "check_privileges",
        'agent_preflight(database, table="conversations")',
        "Use a role that has the privilege, or ask an admin.",
    ),
    "ERR_DDL_SYNTAX": _Advice(
        "correct_statement",
        'agent_execute_ddl(database, sql="CREATE TABLE notes (id integer PRIMARY KEY)", dry_run=True)',
        "Correct the statement at the position that the server names and try it as a dry run.",
    ),
    "ERR_DDL_NOT_TRANSACTIONAL": _Advice(
        "run_alone",
        'agent_manage_index(database, action="create", table="notes", columns=["title"])',
        "Run the statement by itself: it cannot share a transaction with others.",
    ),
    "ERR_OBJECT_EXISTS": _Advice(
        "use_if_not_exists",
        'agent_execute_ddl(database, sql="CREATE TABLE IF NOT EXISTS notes (id integer)")',
        "Use IF NOT EXISTS or another name, and verify what is there.",
    ),
    "ERR_OBJECT_NOT_FOUND": _Advice(
        "list_objects", "agent_introspect_schema(database)", "Correct the name, or create the object first."
    ),
    "ERR_TRANSACTION_FAILED": _Advice(
        "run_again",
        'agent_execute_sql(database, sql="SELECT 1")',
        "An earlier statement of the transaction failed: roll back and run it again.",
    ),
    "ERR_VALUE_OUT_OF_RANGE": _Advice(
        "shorten_value",
        'agent_introspect_schema(database, table="conversations")',
        "Shorten the value, or give a number that the column can hold.",
    ),
    "ERR_TIMEOUT": _Advice(
        "allow_more_time",
        'agent_execute_sql(database, sql="SELECT count(*) FROM conversations", timeout_s=300)',
        "Narrow the request, or allow more time.",
    ),
    "ERR_TRANSIENT": _Advice(
        "try_again",
        'agent_import_tool(database, source=records, table="personas", max_attempts=10)',
        "Somebody else was in the way: try again.",
    ),
    "ERR_DB_UNAVAILABLE": _Advice(
        "check_connection", "agent_preflight(database)", "Check that the server runs and answers, then try again."
    ),
    "ERR_CHAR_INVALID_UTF8": _Advice(
        "sanitize",
        'agent_import_tool(database, source=records, table="personas", sanitize=True)',
        "Import with sanitize: invalid characters are removed and reported.",
    ),
    "ERR_CHAR_CONTROL": _Advice(
        "sanitize",
        'agent_import_tool(database, source=records, table="personas", sanitize=True)',
        "Import with sanitize: NUL characters are removed and reported.",
    ),
    "ERR_CONFIRM_REQUIRED": _Advice(
        "confirm",
        'agent_delete(database, table="notes", where=[{"column": "id", "operator": "eq", "value": 1}], confirm=True)',
        "Read what would be affected, then call again with confirm=True.",
    ),
    "ERR_FILTER_EMPTY": _Advice(
        "give_filter",
        'agent_delete(database, table="notes", where=[{"column": "id", "operator": "eq", "value": 1}], dry_run=True)',
        "Say which rows: a deletion without a filter is refused.",
    ),
    "ERR_FILTER_INVALID": _Advice(
        "correct_filter",
        'agent_count(database, table="notes", where=[{"column": "id", "operator": "in", "value": [1, 2]}])',
        "Each filter is {column, operator, value}; operators: eq neq gt gte lt lte like in is.",
    ),
    "ERR_UPSERT_KEY": _Advice(
        "choose_key",
        'agent_preflight(database, table="personas", mode="upsert", on_conflict=["workspace_id", "persona_key"])',
        "Name columns that are UNIQUE and NOT NULL together, or create such a key.",
    ),
    "ERR_SOURCE_NOT_FOUND": _Advice(
        "correct_path",
        'agent_import_tool(database, source="records.ndjson", table="personas")',
        "Correct the path; a relative one starts at the current directory.",
    ),
    "ERR_SOURCE_SYNTAX": _Advice(
        "repair_source",
        'agent_analyze_import_errors(database, report="import-personas-….errors.json")',
        "Repair the lines that the report names: one JSON object a line, or one array of objects.",
    ),
    "ERR_VERIFY_FAILED": _Advice(
        "fix_schema",
        'agent_verify_table(database, table="conversations", generate_fix_sql=True)',
        "Ask for the SQL that repairs the differences, read it, and run it with agent_execute_ddl.",
    ),
    "ERR_USAGE": _Advice(
        "read_reference", "convstore saol --help", "Correct the arguments; the message lists what exists."
    ),
}
_DEFAULT = _Advice("check_setup", "agent_preflight(database)", "Read the server's message, detail and hint.", "MEDIUM")


def advise(code: str, *, hint: str = "") -> tuple[NextAction, ...]:
    """At least one next action for a code; `hint` is what the error itself says to do."""
    found = _ADVICE.get(code, _DEFAULT)
    description = hint if hint and code not in _ADVICE else f"{hint} {found.description}".strip()
    return (NextAction(action=found.action, description=description, example=found.example, priority=found.priority),)


def advise_all(codes: Iterable[str]) -> tuple[NextAction, ...]:
    """The next actions of several codes in their order, each once."""
    seen: dict[str, NextAction] = {}
    for code in codes:
        for entry in advise(code):
            seen.setdefault(entry.action, entry)
    return tuple(seen.values())
