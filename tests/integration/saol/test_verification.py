from __future__ import annotations

import pytest

from convstore.database import Database
from convstore.database.tables import metadata
from convstore.saol import (
    ExpectedColumn,
    ExpectedConstraint,
    ExpectedIndex,
    agent_execute_ddl,
    agent_verify_table,
    expected_from,
    verify_setup,
)
from convstore.saol.policies import POLICIES

AWAY = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"


def test_a_fresh_set_up_is_as_expected(database: Database) -> None:
    result = verify_setup(database)
    assert [(entry.table, entry.differences) for entry in result.tables if entry.differences] == []
    assert (result.success, result.category) == (True, 1)
    assert {entry.table for entry in result.tables} == set(metadata.tables) == set(POLICIES)
    conversations = next(entry for entry in result.tables if entry.table == "conversations")
    assert (conversations.rows, conversations.rows_are_exact) == (0, True)
    assert conversations.policies == len(POLICIES["conversations"])


@pytest.mark.parametrize(
    ("damage", "table", "category", "subject"),
    [
        ("DROP TABLE leases", "leases", 4, "table"),
        ("ALTER TABLE reviews DROP COLUMN note", "reviews", 3, "column"),
        # The number of columns is the same: only names tell.
        ("ALTER TABLE reviews RENAME COLUMN note TO notes", "reviews", 3, "column"),
        ("ALTER TABLE reviews ALTER COLUMN note TYPE varchar(5)", "reviews", 3, "type"),
        ("ALTER TABLE reviews ALTER COLUMN turns_sha256 DROP NOT NULL", "reviews", 3, "nullability"),
        ("ALTER TABLE reviews ADD COLUMN more text", "reviews", 2, "column"),
        ("DROP INDEX idx_findings_code", "findings", 2, "index"),
        ("ALTER INDEX idx_findings_code RENAME TO other", "findings", 2, "index"),
        ("ALTER TABLE reviews DROP CONSTRAINT fk_reviews_workspace_id", "reviews", 3, "constraint"),
        ("ALTER TABLE reviews DISABLE ROW LEVEL SECURITY", "reviews", 3, "row-level security"),
        ('DROP POLICY "Members see findings" ON findings', "findings", 3, "policy"),
        ("CREATE POLICY open ON findings USING (true)", "findings", 3, "policy"),
    ],
)
def test_each_kind_of_damage_is_found_by_name(
    database: Database, damage: str, table: str, category: int, subject: str
) -> None:
    with database.admin() as connection:
        connection.execute(damage)
    result = verify_setup(database)
    wrong = {entry.table: entry for entry in result.tables if entry.differences}
    assert set(wrong) == {table}
    assert subject in {entry.subject for entry in wrong[table].differences}
    assert (result.category, result.success) == (category, category < 3)
    assert result.next_actions
    alone = agent_verify_table(database, table=table)
    assert (alone.category, alone.exists) == (category, category != 4)


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE reviews DROP COLUMN seconds",
        "ALTER TABLE reviews ALTER COLUMN note TYPE varchar(5)",
        "DROP INDEX idx_reviews_reviewer",
        "ALTER TABLE reviews DROP CONSTRAINT fk_reviews_workspace_id_conversation_id",
        "ALTER TABLE reviews DISABLE ROW LEVEL SECURITY; CREATE POLICY open ON reviews USING (true)",
    ],
)
def test_the_sql_that_is_offered_repairs(database: Database, damage: str) -> None:
    with database.admin() as connection:
        connection.execute(damage)
    found = agent_verify_table(database, table="reviews", generate_fix_sql=True)
    assert found.fix_sql
    repaired = agent_execute_ddl(database, sql=";\n".join(found.fix_sql), confirm=True)
    assert repaired.success, repaired.summary
    after = agent_verify_table(database, table="reviews", generate_fix_sql=True)
    remaining = {entry.fix_sql for entry in after.differences}
    # A check that went with its column is repaired in the second round at the latest.
    if after.fix_sql:
        assert agent_execute_ddl(database, sql=";\n".join(after.fix_sql), confirm=True).success, remaining
    assert agent_verify_table(database, table="reviews").category == 1


def test_could_not_look_is_not_does_not_exist() -> None:
    away = Database(AWAY)
    result = agent_verify_table(away, table="conversations")
    assert (result.success, result.code, result.exists, result.category) == (False, "ERR_DB_UNAVAILABLE", None, None)
    assert verify_setup(away).category is None


def test_a_table_that_is_missing_is_blocking(database: Database) -> None:
    columns = [ExpectedColumn(name="id", type="integer")]
    result = agent_verify_table(database, table="nowhere", expected_columns=columns)
    assert (result.exists, result.category, result.code) == (False, 4, "ERR_DB_TABLE_NOT_FOUND")


def test_expectations_by_hand(notes: Database) -> None:
    result = agent_verify_table(
        notes,
        table="notes",
        expected_columns=[
            {"name": name, "type": kind}
            for name, kind in [
                ("id", "int"), ("title", "text"), ("slug", "varchar(10)"), ("score", "smallint"), ("price", "decimal"),
                ("at", "timestamptz"), ("done", "bool"), ("data", "jsonb"), ("tags", "text[]"), ("parent", "int4"),
            ]
        ],
        expected_indexes=[
            ExpectedIndex(name="by_title", columns=("title",)),
            {"name": "notes_pkey", "columns": ["id"]},
        ],
        expected_constraints=[
            ExpectedConstraint(name="title_once", kind="unique", columns=("title",)),
            {"name": "notes_parent_fkey", "kind": "foreign key", "columns": ["parent"], "references": "notes"},
        ],
        generate_fix_sql=True,
    )  # fmt: skip
    assert [(entry.category, entry.name) for entry in result.differences] == [
        (2, "by_title"), (2, "notes_pkey"), (3, "title_once")
    ]  # fmt: skip
    assert agent_execute_ddl(notes, sql=result.fix_sql[0]).success
    assert agent_execute_ddl(notes, sql=result.fix_sql[-1], dry_run=True).success
    nothing = agent_verify_table(notes, table="notes")
    assert (nothing.success, nothing.code, bool(nothing.next_actions)) == (False, "ERR_USAGE", True)
    malformed = agent_verify_table(notes, table="notes", expected_columns=[{"nam": "id"}])
    assert malformed.code == "ERR_USAGE"


def test_the_expectation_of_a_definition_is_complete() -> None:
    expected = expected_from(metadata.tables["reviews"])
    assert {column.name for column in expected.columns} == set(metadata.tables["reviews"].columns.keys())
    assert {constraint.name for constraint in expected.constraints} >= {
        "pk_reviews", "uq_reviews_conversation_id_reviewer_id", "fk_reviews_workspace_id_conversation_id"
    }  # fmt: skip
