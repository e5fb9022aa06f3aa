from __future__ import annotations

import pytest

from convstore.errors import UsageError
from convstore.saol.statements import check_one_transaction, parse_statements

DANGEROUS = [
    "DELETE FROM notes",
    "delete\nfrom notes where true",
    "DELETE FROM notes WHERE 1 = 1",
    "DELETE FROM notes -- WHERE id = 1",
    "DELETE FROM notes /* WHERE /* nested */ id = 1 */",
    "DELETE FROM notes RETURNING id",
    "UPDATE notes SET title = ' WHERE id = 1'",
    "UPDATE notes SET title = E'\\' WHERE id = 1'",
    "UPDATE notes SET title = $$ WHERE id = 1 $$",
    "UPDATE notes SET title = $a$ $$ WHERE id = 1 $a$",
    'UPDATE ONLY "WHERE" SET id = 1',
    "UPDATE notes SET title = (SELECT title FROM notes WHERE id = 1)",
    "WITH gone AS (DELETE FROM notes RETURNING id) SELECT * FROM gone WHERE id = 1",
    "WITH few AS (SELECT 1 WHERE true) UPDATE notes SET id = 1",
    "EXPLAIN ANALYZE DELETE FROM notes",
    "PREPARE p AS DELETE FROM notes",
    "EXECUTE p",
    "MERGE INTO notes USING other ON true WHEN MATCHED THEN DELETE",
    "DROP TABLE notes",
    "TRUNCATE notes",
    "ALTER TABLE notes DROP COLUMN title",
    "VACUUM FULL notes",
    "VACUUM (FULL, ANALYZE) notes",
    "DO $$ BEGIN DELETE FROM notes; END $$",
    "DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE notes'; END $$",
    "DO 'BEGIN DROP TABLE notes; END'",
]
HARMLESS = [
    "SELECT 'DELETE FROM notes'",
    "SELECT $$DROP TABLE notes$$ -- DROP TABLE notes",
    'SELECT "delete" FROM "drop"',
    "DELETE FROM notes WHERE id = $1",
    'DELETE FROM notes WHERE "id" IS NULL',
    "UPDATE notes SET title = 'x' WHERE id = 1 RETURNING id",
    "SELECT * FROM notes FOR UPDATE",
    "SELECT * FROM notes FOR NO KEY UPDATE",
    "INSERT INTO notes (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
    "GRANT UPDATE, DELETE ON notes TO anon",
    "CREATE TABLE a (b int REFERENCES c ON DELETE CASCADE ON UPDATE SET NULL)",
    "CREATE TRIGGER t BEFORE UPDATE OF title OR DELETE ON notes FOR EACH ROW EXECUTE FUNCTION f()",
    "ALTER TABLE notes ALTER COLUMN title DROP NOT NULL",
    "DO $$ BEGIN DELETE FROM notes WHERE id = 1; END $$",
    "VACUUM notes",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_destroys_or_changes_every_row_needs_a_confirmation(text: str) -> None:
    assert parse_statements(text)[0].danger


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_needs_none(text: str) -> None:
    assert [statement.danger for statement in parse_statements(text)] == [None]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT ';'; SELECT 2;", 2),
        ("SELECT 1 -- ; SELECT 2\n; ;; SELECT 3", 2),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SELECT 1", 2),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 1", 2),
        ("CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2)", 1),
        ("SELECT U&'d\\0061t;a', B'1', E'it\\'s;'", 1),
        ("SELECT $1; SELECT a$b$c FROM t", 2),
    ],
)
def test_scripts_are_cut_between_statements_only(text: str, count: int) -> None:
    assert len(parse_statements(text)) == count


@pytest.mark.parametrize("text", ["", " ; -- nothing\n/* at all */ ;"])
def test_no_statement_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="no statement"):
        parse_statements(text)


@pytest.mark.parametrize(
    "text", ["COMMIT", "begin", "ROLLBACK TO x", "END", "SAVEPOINT x", "START TRANSACTION", "PREPARE TRANSACTION 'x'"]
)
def test_nothing_ends_the_transaction_that_a_dry_run_rolls_back(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_one_transaction(parse_statements(f"CREATE TABLE a (b int); {text}"))
    assert raised.value.code == "ERR_TRANSACTION_CONTROL"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON ONLY public.notes (id)", ("public", "notes")),
        ('DROP INDEX CONCURRENTLY IF EXISTS "My Index"', ("My Index",)),
        ("VACUUM (FULL) notes", ("notes",)),
        ("REINDEX TABLE CONCURRENTLY notes", ("notes",)),
        ("VACUUM", ()),
    ],
)
def test_what_runs_outside_transactions_names_what_it_is_about(text: str, names: tuple[str, ...]) -> None:
    statement = parse_statements(text)[0]
    assert statement.alone
    assert statement.names == names


@pytest.mark.parametrize(
    "text",
    ["SET ROLE postgres", "set local role x", "RESET ROLE", "SET SESSION AUTHORIZATION x", "DO $$ BEGIN END $$",
     "SELECT set_config('role', 'postgres', true)", "SELECT \"set_config\"('role', 'postgres', true)"],
)  # fmt: skip
def test_a_change_of_who_acts_is_seen(text: str) -> None:
    assert parse_statements(text)[0].changes_identity
