"""Preflight, query, count, export, introspection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convstore.database import Context, Database
from convstore.saol import (
    agent_count,
    agent_execute_ddl,
    agent_export_data,
    agent_introspect_schema,
    agent_preflight,
    agent_query,
)


@pytest.fixture
def many(notes: Database) -> Database:
    with notes.admin() as connection:
        connection.execute(
            "INSERT INTO notes (id, title, score, price, done)"
            " SELECT n, 'note ' || n % 7, 1 + n % 5, n / 2.0, n % 2 = 0 FROM generate_series(1, 2500) AS n"
        )
    return notes


def test_preflight_says_what_is_there(notes: Database) -> None:
    result = agent_preflight(notes, table="notes", mode="upsert", on_conflict="id")
    assert result.ok
    assert [check.name for check in result.checks] == ["settings", "connection", "table", "privileges", "upsert key"]


@pytest.mark.parametrize(
    ("arguments", "step", "code"),
    [
        ({"table": "nots"}, "table", "ERR_DB_TABLE_NOT_FOUND"),
        ({"table": "notes", "mode": "upsert", "on_conflict": ["title"]}, "upsert key", "ERR_UPSERT_KEY"),
        ({"table": "notes", "mode": "upsert", "on_conflict": ["slug"]}, "upsert key", "ERR_UPSERT_KEY"),
        ({"table": "pins", "mode": "upsert"}, "upsert key", "ERR_UPSERT_KEY"),
        ({"table": "alembic_version"}, "privileges", "ERR_SCHEMA_ACCESS_DENIED"),
    ],
)
def test_preflight_names_the_step_that_fails(
    notes: Database, arguments: dict[str, object], step: str, code: str
) -> None:
    result = agent_preflight(notes, **arguments)  # type: ignore[arg-type]
    assert (result.ok, result.code, result.checks[-1].name) == (False, code, step)
    assert result.next_actions


def test_preflight_tells_a_setting_that_is_malformed(notes: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSTORE_POOL_SIZE", "many")
    result = agent_preflight(notes)
    assert (result.code, result.checks[0].name, result.checks[0].status) == ("ERR_SETTINGS", "settings", "fail")


def test_no_connection_is_not_a_missing_table() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    result = agent_preflight(away, table="notes")
    assert (result.code, result.checks[-1].name) == ("ERR_DB_UNAVAILABLE", "connection")


def test_a_page_says_that_there_is_more(many: Database) -> None:
    page = agent_query(many, table="notes", order_by=[{"column": "id", "asc": False}], limit=10, offset=5, count=True)
    assert [row["id"] for row in page.rows] == list(range(2495, 2485, -1))
    assert (page.has_more, page.count) == (True, 2500)
    assert {action.action for action in page.next_actions} == {"read_on", "export_all"}
    assert agent_query(many, table="notes", limit=0).rows == ()
    default = agent_query(many, table="notes")
    assert (len(default.rows), default.has_more) == (1000, True)


def test_aggregates_are_over_all_rows_and_not_over_the_page(many: Database) -> None:
    result = agent_query(
        many,
        table="notes",
        limit=3,
        aggregates=[
            {"function": "sum", "column": "id"},
            {"function": "count", "column": "title", "distinct": True, "alias": "titles"},
            {"function": "max", "column": "id", "alias": "last"},
        ],
    )
    assert result.aggregates == {"sum_id": 2500 * 2501 // 2, "titles": 7, "last": 2500}


def test_distinct_counts(many: Database) -> None:
    assert agent_count(many, table="notes", distinct="title").count == 7
    assert agent_count(many, table="notes", distinct=["title", "score"]).count == 35


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ([("id", "eq", 7)], 1),
        ([("id", "neq", "7")], 2499),
        ([("id", "gt", 2490), ("id", "lte", 2495)], 5),
        ([("id", "gte", 2490), ("id", "lt", 2495)], 5),
        ([("title", "like", "%1")], 358),
        ([("id", "like", "250%")], 2),
        ([("title", "in", ["note 1", "note 2"])], 715),
        ([("id", "in", [])], 0),
        ([("slug", "is", None)], 2500),
        ([("slug", "is", "not null")], 0),
        ([("done", "is", True)], 1250),
        ([("price", "eq", 0.5)], 1),
    ],
)
def test_operators(many: Database, where: list[tuple[str, str, object]], count: int) -> None:
    filters = [{"column": column, "operator": operator, "value": value} for column, operator, value in where]
    assert agent_count(many, table="notes", where=filters).count == count


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"column": "nothing", "operator": "eq", "value": 1}, "ERR_DB_COLUMN_NOT_FOUND"),
        ({"column": "id = 1 OR true --", "operator": "eq", "value": 1}, "ERR_DB_COLUMN_NOT_FOUND"),
        ({"column": "id", "operator": "between", "value": 1}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "= 1 OR true --", "value": 1}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "eq", "value": None}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "in", "value": 1}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "in", "value": [None]}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "is", "value": "1 OR true"}, "ERR_FILTER_INVALID"),
        ({"column": "id", "value": 1}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "eq", "value": 1, "or": True}, "ERR_FILTER_INVALID"),
        ({"column": "id", "operator": "eq", "value": "1 OR true"}, "ERR_CAST_INVALID_INPUT"),
        ({"column": "id", "operator": "eq", "value": object()}, "ERR_CAST_INVALID_INPUT"),
        ({"column": ["id"], "operator": "eq", "value": 1}, "ERR_DB_COLUMN_NOT_FOUND"),
        ("id = 1", "ERR_FILTER_INVALID"),
    ],
)
def test_a_filter_that_is_wrong_is_an_error_and_never_skipped(many: Database, entry: object, code: str) -> None:
    for result in (
        agent_count(many, table="notes", where=[entry]),  # type: ignore[list-item]
        agent_export_data(many, table="notes", where=[entry]),  # type: ignore[list-item]
        agent_query(many, table="notes", where=[entry], aggregates=[{"function": "count"}]),  # type: ignore[list-item]
    ):
        assert (result.success, result.code) == (False, code)
        assert result.next_actions


@pytest.mark.parametrize(
    "arguments",
    [
        {"select": "id; DROP TABLE notes"},
        {"select": ["id", "1"]},
        {"select": []},
        {"order_by": "id; DROP TABLE notes"},
        {"order_by": [{"column": "id", "asc": "DESC; DROP TABLE notes"}]},
        {"order_by": [{"column": "id", "direction": "asc"}]},
        {"limit": "1; DROP TABLE notes"},
        {"limit": -1},
        {"offset": -1},
        {"aggregates": [{"function": "sum(1); DROP TABLE notes", "column": "id"}]},
        {"aggregates": [{"function": "sum", "column": "id) FROM notes; --"}]},
        {"aggregates": [{"function": "sum"}]},
        {"table": "notes; DROP TABLE notes"},
        {"table": 'notes"; DROP TABLE notes --'},
        {"table": ""},
    ],
)
def test_sql_in_an_argument_is_an_error(many: Database, arguments: dict[str, object]) -> None:
    result = agent_query(many, **{"table": "notes", **arguments})  # type: ignore[arg-type]
    assert not result.success
    assert result.next_actions
    assert agent_count(many, table="notes").count == 2500


@pytest.mark.parametrize(
    "name",
    ["select", "Order Details", 'say "hi"', "semi;colon", "per%cent", "dot.dot", "tab\tnew\nline", "näme😀", "'"],
)
def test_names_with_anything_in_them(notes: Database, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    made = agent_execute_ddl(
        notes,
        sql=f"CREATE TABLE {quoted} ({quoted} integer PRIMARY KEY); GRANT ALL ON {quoted} TO service_role;"
        f"INSERT INTO {quoted} VALUES (1), (2)",
    )
    assert made.success, made.summary
    where = [{"column": name, "operator": "lt", "value": 2}]
    aggregates = [{"function": "max", "column": name, "alias": name}]
    for table in (name, quoted, f"public.{name}", f'"public".{quoted}'):
        result = agent_query(notes, table=table, select=[name], where=where, order_by=name, aggregates=aggregates)
        assert (result.rows, result.aggregates) == (({name: 1},), {name: 1})
    assert agent_introspect_schema(notes, table=name).tables[0].columns[0].name == name


def test_an_export_has_no_cap(many: Database, tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    result = agent_export_data(many, table="notes", format="jsonl", destination=path)
    assert (result.rows, result.bytes) == (2500, path.stat().st_size)
    assert len(path.read_text().splitlines()) == 2500
    again = agent_export_data(many, table="notes", format="jsonl", destination=path)
    assert (again.success, again.code) == (False, "ERR_CONFLICT")
    assert list(tmp_path.iterdir()) == [path]


def test_formats(notes: Database) -> None:
    with notes.admin() as connection:
        connection.execute("INSERT INTO notes (id, title, price) VALUES (-1, '=cmd|x', 1.50), (2, '<b>|a\nb', NULL)")
    texts = {
        form: agent_export_data(
            notes, table="notes", format=form, columns=["id", "title", "price", "slug"], order_by="id"
        ).data
        for form in ("json", "jsonl", "csv", "markdown")
    }  # fmt: skip
    rows = [
        {"id": -1, "title": "=cmd|x", "price": 1.5, "slug": None},
        {"id": 2, "title": "<b>|a\nb", "price": None, "slug": None},
    ]
    assert json.loads(texts["json"] or "") == rows
    assert [json.loads(line) for line in (texts["jsonl"] or "").splitlines()] == rows
    assert texts["csv"] == 'id,title,price,slug\r\n-1,\'=cmd|x,1.50,\r\n2,"<b>|a\nb",,\r\n'
    assert (texts["markdown"] or "").splitlines()[3] == "| 2 | &lt;b&gt;\\|a<br>b |  |  |"
    assert json.loads(agent_export_data(notes, table="pins").data or "") == []
    assert agent_export_data(notes, table="notes", format="xlsx").code == "ERR_USAGE"  # type: ignore[arg-type]


@pytest.mark.parametrize("destination", ["nowhere/notes.json", "."])
def test_an_export_that_cannot_be_written_is_told(
    notes: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not agent_export_data(notes, table="notes", destination=destination).success


def test_introspection_is_complete(notes: Database) -> None:
    with notes.admin() as connection:
        connection.execute(
            "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY mine ON notes FOR SELECT TO anon USING (id > 0);"
            "CREATE INDEX by_lower ON notes (lower(title), id);"
            "INSERT INTO notes (id, title) VALUES (1, 'a'); ANALYZE notes"
        )
    table = agent_introspect_schema(notes, table="notes").tables[0]
    columns = {column.name: column for column in table.columns}
    assert (columns["id"].type, columns["id"].nullable, columns["id"].key) == ("integer", False, "primary")
    assert (columns["slug"].type, columns["slug"].key) == ("character varying(10)", "unique")
    assert columns["parent"].key == "foreign"
    assert {index.name: index.columns for index in table.indexes}["by_lower"] == ("lower(title)", "id")
    kinds = {constraint.name: (constraint.kind, constraint.references) for constraint in table.constraints}
    assert kinds["notes_parent_fkey"] == ("foreign key", "notes")
    assert kinds["notes_score_check"] == ("check", None)
    assert [(policy.name, policy.command, policy.roles) for policy in table.policies] == [("mine", "SELECT", ("anon",))]
    assert (table.row_level_security, table.row_estimate) == (True, 1)
    assert table.size_bytes > 0
    short = agent_introspect_schema(
        notes,
        table="notes",
        include_columns=False,
        include_indexes=False,
        include_constraints=False,
        include_policies=False,
    ).tables[0]
    assert (short.columns, short.indexes, short.constraints, short.policies) == ((), (), (), ())
    assert {"notes", "conversations"} <= {entry.name for entry in agent_introspect_schema(notes).tables}


def test_a_user_reads_what_policies_show(database: Database, admin_user: Context, stranger: Context) -> None:
    for user, count in ((admin_user, 1), (stranger, 0)):
        assert agent_count(database, table="workspaces", as_user=user).count == count
        assert len(agent_query(database, table="workspaces", as_user=user).rows) == count
        assert agent_export_data(database, table="workspaces", as_user=user).rows == count
