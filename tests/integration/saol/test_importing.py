from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from convstore.database import Context, Database
from convstore.saol import ImportResult, agent_analyze_import_errors, agent_count, agent_import_tool, agent_query
from convstore.saol.operations import run_operation
from convstore.saol.session import execute, has_committed, session, transaction_id


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def reports_of(result: ImportResult) -> tuple[Any, list[dict[str, Any]], list[dict[str, Any]]]:
    assert result.reports is not None
    return load(result.reports.summary), load(result.reports.errors), load(result.reports.success)


def note(number: int, **values: object) -> dict[str, object]:
    return {"id": number, "title": f"note {number}", **values}


def test_a_hundred_thousand_records_with_bad_ones_among_them(notes: Database, reports: Path) -> None:
    kinds: list[tuple[dict[str, object], str]] = [
        ({"title": None}, "ERR_DB_NOT_NULL_VIOLATION"),
        ({"score": 9}, "ERR_DB_CHECK_VIOLATION"),
        ({"at": "yesterday-ish"}, "ERR_CAST_INVALID_INPUT"),
        ({"slug": "longer than ten"}, "ERR_VALUE_OUT_OF_RANGE"),
        ({"nothing": 1}, "ERR_DB_COLUMN_NOT_FOUND"),
        ({"parent": -5}, "ERR_DB_FK_VIOLATION"),
        ({"id": 3}, "ERR_DB_UNIQUE_VIOLATION"),
        ({"title": "a\0"}, "ERR_CHAR_CONTROL"),
        ({"title": "a\udc00"}, "ERR_CHAR_INVALID_UTF8"),
        ({"score": 70000}, "ERR_VALUE_OUT_OF_RANGE"),
    ]

    def records() -> Iterator[dict[str, object]]:
        for number in range(1, 100_001):
            bad = kinds[number // 100 % len(kinds)][0] if number % 100 == 0 else {}
            yield note(number) | {"score": 3} | bad

    started = time.monotonic()
    result = agent_import_tool(notes, source=records(), table="notes", reports_dir=reports)
    seconds = time.monotonic() - started
    assert not result.success
    assert (result.totals.total, result.totals.succeeded, result.totals.failed) == (100_000, 99_000, 1000)
    assert agent_count(notes, table="notes").count == 99_000
    summary, errors, success = reports_of(result)
    assert summary["totals"] == {"total": 100_000, "succeeded": 99_000, "failed": 1000, "skipped": 0}
    assert {entry["position"] for entry in errors} == set(range(100, 100_001, 100))
    assert len({entry["position"] for entry in success}) == 99_000
    expected = Counter(kinds[number // 100 % len(kinds)][1] for number in range(100, 100_001, 100))
    assert Counter(entry["code"] for entry in errors) == expected == Counter(result.errors_by_code)
    assert all(entry["reason"] and entry["record"] for entry in errors)
    # Far above what it takes, far below what row by row over the wire would.
    assert seconds < 90


def test_one_bad_record_fails_alone_even_if_others_of_its_batch_refer_to_each_other(
    notes: Database, reports: Path
) -> None:
    records = [note(1, parent=3), note(2, score=9), note(3), note(4, parent=99), note(5, parent=2)]
    result = agent_import_tool(notes, source=records, table="notes", reports_dir=reports)
    _, errors, success = reports_of(result)
    assert [entry["position"] for entry in success] == [1, 3]
    assert [(entry["position"], entry["code"]) for entry in errors] == [
        (2, "ERR_DB_CHECK_VIOLATION"),
        (4, "ERR_DB_FK_VIOLATION"),
        (5, "ERR_DB_FK_VIOLATION"),
    ]


def test_records_may_name_different_columns_and_defaults_fill_the_rest(notes: Database, reports: Path) -> None:
    with notes.admin() as connection:
        connection.execute("ALTER TABLE notes ALTER COLUMN done SET DEFAULT true")
    records = [note(1), note(2, done=None), note(3, done=False, tags=["a", None, 'q"\\'], data={"n": [1.10, None]})]
    assert agent_import_tool(notes, source=records, table="notes", reports_dir=reports).success
    rows = agent_query(notes, table="notes", order_by="id", select=["done", "tags", "data"]).rows
    assert [row["done"] for row in rows] == [True, None, False]
    assert rows[2]["tags"] == ["a", None, 'q"\\']
    assert rows[2]["data"] == {"n": [1.1, None]}


def test_upsert_updates_the_named_columns_of_rows_that_are_there(notes: Database, reports: Path) -> None:
    agent_import_tool(notes, source=[note(1, score=1), note(2, score=2)], table="notes", reports_dir=reports)
    again = [{"id": 2, "title": "new"}, note(3), {"id": 3, "title": "the last one counts"}]
    refused = agent_import_tool(notes, source=again[:1], table="notes", reports_dir=reports)
    assert refused.code == "ERR_DB_UNIQUE_VIOLATION"
    assert refused.next_actions[0].action == "use_upsert"
    done = agent_import_tool(notes, source=again, table="notes", mode="upsert", on_conflict="id", reports_dir=reports)
    assert done.success
    rows = agent_query(notes, table="notes", order_by="id", select="title,score").rows
    assert [tuple(row.values()) for row in rows] == [("note 1", 1), ("new", 2), ("the last one counts", None)]


@pytest.mark.parametrize("key", [["title"], ["slug"], ["id", "slug"]])
def test_upsert_needs_a_key_that_is_unique_and_not_null(notes: Database, reports: Path, key: list[str]) -> None:
    result = agent_import_tool(
        notes, source=[note(1)], table="notes", mode="upsert", on_conflict=key, reports_dir=reports
    )
    assert result.code == "ERR_UPSERT_KEY"
    assert "(id)" in result.next_actions[0].description


def test_a_dry_run_finds_what_is_wrong_and_changes_nothing(notes: Database, reports: Path) -> None:
    records = [note(number) for number in range(5)] + [note(3), note(6, score=9)]
    result = agent_import_tool(notes, source=records, table="notes", dry_run=True, batch_size=2, reports_dir=reports)
    assert result.dry_run
    assert result.errors_by_code == {"ERR_DB_UNIQUE_VIOLATION": 1, "ERR_DB_CHECK_VIOLATION": 1}
    assert agent_count(notes, table="notes").count == 0


def test_sanitising_removes_and_reports_and_is_not_done_unasked(notes: Database, reports: Path) -> None:
    records = [note(1, data={"a\0": ["\ud83d"]}), note(2), {"id": 3, "title": "e\u0301"}]
    assert agent_import_tool(notes, source=records, table="notes", reports_dir=reports).totals.failed == 1
    result = agent_import_tool(
        notes, source=records, table="notes", mode="upsert", sanitize=True, normalization="NFC", reports_dir=reports
    )
    assert result.success
    assert (result.sanitized_records, result.removed_characters) == (1, 2)
    rows = agent_query(notes, table="notes", order_by="id").rows
    assert rows[0]["data"] == {"a": [""]}
    assert rows[2]["title"] == "é"


def test_lines_of_a_file_with_a_broken_one_in_the_middle(notes: Database, tmp_path: Path, reports: Path) -> None:
    path = tmp_path / "notes.ndjson"
    path.write_bytes(
        b'{"id": 1, "title": "a", "price": 1.10}\n{"id": 2, "title": \n{"id": 3, "title": "\\u0000"}\n'
        b'[1]\n{}\n{"id": 4, "title": "\\ud83d\\ude00", "price": 12345678901234567890.123456789}\n'
    )
    result = agent_import_tool(notes, source=path, table="notes", reports_dir=reports)
    _, errors, _ = reports_of(result)
    assert [(entry["line"], entry["code"]) for entry in errors] == [
        (2, "ERR_SOURCE_SYNTAX"), (3, "ERR_CHAR_CONTROL"), (4, "ERR_SOURCE_SYNTAX"), (5, "ERR_SOURCE_SYNTAX")
    ]  # fmt: skip
    rows = agent_query(notes, table="notes", order_by="id").rows
    assert [str(row["price"]) for row in rows] == ["1.10", "12345678901234567890.123456789"]
    assert rows[1]["title"] == "😀"


def test_reports_of_imports_in_the_same_second_do_not_overwrite_each_other(notes: Database, reports: Path) -> None:
    results = [
        agent_import_tool(notes, source=[note(number)], table="notes", reports_dir=reports) for number in range(5)
    ]
    assert len({result.reports for result in results}) == 5
    assert len(list(reports.iterdir())) == 15
    for result in results:
        assert result.reports is not None
        assert result.reports.errors.name == f"import-notes-{result.run}.errors.json"
        assert (load(result.reports.errors), len(load(result.reports.success))) == ([], 1)
        assert result.reports.errors.stat().st_mode & 0o077 == 0


def test_a_table_may_be_called_anything_and_its_reports_stay_in_their_folder(notes: Database, reports: Path) -> None:
    name = '../Order "Details"; DROP TABLE notes --'
    with notes.admin() as connection:
        connection.execute('CREATE TABLE "../Order ""Details""; DROP TABLE notes --" ("select" text, "a b%" int)')
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role")
    result = agent_import_tool(notes, source=[{"select": "x", "a b%": 1}], table=name, reports_dir=reports)
    assert result.success
    assert {path.parent for path in reports.rglob("*")} == {reports}
    assert agent_query(notes, table=name, where=[{"column": "a b%", "operator": "eq", "value": 1}]).rows


def test_a_lock_of_the_moment_is_tried_again_and_a_permanent_refusal_is_not(notes: Database, reports: Path) -> None:
    with notes.admin() as connection:
        connection.execute(
            """
            CREATE SEQUENCE attempts;
            GRANT ALL ON SEQUENCE attempts TO service_role;
            CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.title = 'later' AND nextval('attempts') <= 2 THEN
                    RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER stumble BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stumble();
            """
        )
    result = agent_import_tool(
        notes, source=[note(1), {"id": 2, "title": "later"}], table="notes", backoff_s=0.01, reports_dir=reports
    )
    assert result.success
    assert result.retries == 2
    permanent = agent_import_tool(notes, source=[note(1)], table="notes", backoff_s=60, reports_dir=reports)
    assert (permanent.retries, permanent.code) == (0, "ERR_DB_UNIQUE_VIOLATION")


def test_what_never_stops_being_of_the_moment_fails_alone_in_the_end(notes: Database, reports: Path) -> None:
    with notes.admin() as connection:
        connection.execute(
            """
            CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.id = 2 THEN RAISE EXCEPTION 'never' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER stumble BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stumble();
            """
        )
    records = [note(1), note(2), note(3)]
    result = agent_import_tool(
        notes, source=records, table="notes", max_attempts=3, backoff_s=0.01, reports_dir=reports
    )
    assert (result.totals.succeeded, result.errors_by_code, result.retries) == (2, {"ERR_TRANSIENT": 1}, 2)


def test_a_connection_that_is_cut_before_the_commit_is_opened_again(notes: Database, reports: Path) -> None:
    with notes.admin() as connection:
        connection.execute(
            """
            CREATE SEQUENCE attempts;
            GRANT ALL ON SEQUENCE attempts TO service_role;
            CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                IF nextval('attempts') = 1 THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER cut BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION cut();
            """
        )
    result = agent_import_tool(notes, source=[note(1), note(2)], table="notes", backoff_s=0.01, reports_dir=reports)
    assert result.success
    assert result.retries == 1
    assert agent_count(notes, table="notes").count == 2


def test_the_fate_of_a_transaction_can_be_asked_for_after_its_connection(notes: Database) -> None:
    with session(notes, None) as connection:
        kept = transaction_id(connection)
        execute(connection, "INSERT INTO notes (id, title) VALUES (1, 'a')")
    lost: list[str] = []

    def fail() -> None:
        with session(notes, None) as connection:
            lost.append(transaction_id(connection))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert has_committed(notes, None, kept)
    assert not has_committed(notes, None, lost[0])


def test_two_imports_that_lock_each_other_both_end(notes: Database, reports: Path) -> None:
    agent_import_tool(notes, source=[note(number) for number in range(400)], table="notes", reports_dir=reports)
    results: list[ImportResult] = []

    def run(numbers: range) -> None:
        records = [note(number, score=1) for number in numbers]
        results.append(agent_import_tool(notes, source=records, table="notes", mode="upsert", reports_dir=reports))

    threads = [threading.Thread(target=run, args=(numbers,)) for numbers in (range(400), range(399, -1, -1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.success for result in results] == [True, True]


def test_what_a_trigger_keeps_out_is_counted_as_skipped(notes: Database, reports: Path) -> None:
    with notes.admin() as connection:
        connection.execute(
            """
            CREATE FUNCTION drop_even() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER drop_even BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION drop_even();
            """
        )
    result = agent_import_tool(notes, source=[note(n) for n in range(4)], table="notes", reports_dir=reports)
    assert (result.totals.succeeded, result.totals.skipped, result.totals.failed) == (2, 2, 0)


def test_an_import_that_cannot_go_on_says_how_far_it_came(notes: Database, reports: Path) -> None:
    def records() -> Iterator[dict[str, object]]:
        yield note(1)
        with notes.admin() as connection:
            connection.execute("REVOKE TEMPORARY ON DATABASE " + connection.info.dbname + " FROM PUBLIC")
        yield note(2)
        yield note(3)

    result = agent_import_tool(notes, source=records(), table="notes", batch_size=1, reports_dir=reports)
    assert not result.success
    assert result.code == "ERR_SCHEMA_ACCESS_DENIED"
    assert result.totals.succeeded + result.totals.failed == result.totals.total
    assert "the rest was not read" in result.summary
    assert reports_of(result)[0]["code"] == result.code


def test_a_folder_that_cannot_be_written_is_told_before_anything_goes_in(notes: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = agent_import_tool(notes, source=[note(1)], table="notes", reports_dir=tmp_path / "file" / "reports")
    assert not result.success
    assert agent_count(notes, table="notes").count == 0


def test_errors_become_recovery_steps_by_share(notes: Database, reports: Path) -> None:
    records = [note(n, score=9) for n in range(8)] + [note(20, parent=77), {"id": 21}]
    result = agent_import_tool(notes, source=records, table="notes", reports_dir=reports)
    assert result.reports is not None
    analysis = agent_analyze_import_errors(notes, report=result.reports.errors)
    assert [(entry.code, entry.count, entry.share) for entry in analysis.errors] == [
        ("ERR_DB_CHECK_VIOLATION", 8, 0.8), ("ERR_DB_FK_VIOLATION", 1, 0.1), ("ERR_DB_NOT_NULL_VIOLATION", 1, 0.1)
    ]  # fmt: skip
    assert [action.priority for action in analysis.next_actions] == ["HIGH", "MEDIUM", "MEDIUM"]
    assert "notes_score_check" in analysis.next_actions[0].description
    assert analysis.errors[2].columns == ("title",)
    wrong = agent_analyze_import_errors(notes, report=result.reports.summary)
    assert (wrong.success, bool(wrong.next_actions)) == (False, True)


def test_a_user_imports_what_policies_allow(
    database: Database, workspace: UUID, admin_user: Context, stranger: Context, reports: Path
) -> None:
    records = [{"workspace_id": workspace, "persona_key": f"k{n}", "name": "N"} for n in range(3)]
    denied = agent_import_tool(database, source=records, table="personas", as_user=stranger, reports_dir=reports)
    assert (denied.totals.failed, denied.code) == (3, "ERR_AUTH_RLS_DENIED")
    allowed = agent_import_tool(database, source=records, table="personas", as_user=admin_user, reports_dir=reports)
    assert allowed.success
    assert agent_count(database, table="personas").count == 3


MEASURE = """
import resource, sys
from convstore.database import Database
from convstore.saol import agent_import_tool
url, admin, source, reports = sys.argv[1:]
result = agent_import_tool(Database(url, admin_url=admin), source=source, table="notes", reports_dir=reports)
assert result.success, result.summary
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_whatever_the_size_of_the_source(notes: Database, tmp_path: Path) -> None:
    def peak_kilobytes(name: str, records: int, first: int) -> int:
        path = tmp_path / name
        with path.open("w") as out:
            for number in range(first, first + records):
                out.write(json.dumps({"id": number, "title": "x" * 10_000}) + "\n")
        command = [sys.executable, "-c", MEASURE, notes.url, notes.admin_url, str(path), str(tmp_path / "reports")]
        root = Path(__file__).parents[3]
        return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout)

    small = peak_kilobytes("small.ndjson", 1000, 0)
    large = peak_kilobytes("large.ndjson", 6000, 1_000_000)
    # 60 MB of source against 10: reading it whole would show.
    assert large - small < 25_000


def test_by_the_name_of_the_command_line(notes: Database, reports: Path) -> None:
    result = run_operation(notes, "import", {"source": [note(1)], "table": "notes", "reports-dir": str(reports)})
    assert result.success
