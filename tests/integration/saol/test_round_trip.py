"""What goes in comes out byte for byte, whatever it is."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path

import pytest

from convstore.database import Database
from convstore.saol import agent_export_data, agent_import_tool, agent_query

TRAPS = [
    "O'Brien said \"it's 100%\"", "\\", "\\\\", "\\n", "\\.", "\\N", "\\x41", "''", '""', "'; DROP TABLE notes; --",
    "$$", "$1", "%s", "%(x)s", "{}", "{a,b}", "E'\\''", "NULL", "null", "", " ", "\t", "\n", "\r", "\r\n",
    "a\r\nb\rc\nd",
    "=1+1", "+1", "-1", "@x", "＝1", "\t=1", ",", ";", "|", "<b>&amp;</b>", "\ufeff", "\u2028\u2029", "\u200b",
    "e\u0301",
    "👩‍👩‍👧‍👦", "\U0010ffff", "\ufffe", "\u202e", "]]>", "--", "/*", "`x`", "[a](http://b)",
]  # fmt: skip


def texts() -> list[str]:
    """Traps, every control character, and a sample of every plane."""
    controls = [f"a{chr(code)}b{chr(code)}" for code in [*range(1, 32), *range(127, 160)]]
    planes = [
        "".join(chr(plane * 0x10000 + code) for code in range(first, first + 64))
        for plane in range(17)
        for first in (0x100, 0x2F00, 0xA000, 0xE000, 0xFFC0)
    ]
    return [*TRAPS, *controls, *planes]


@pytest.fixture
def filled(notes: Database, reports: Path, tmp_path: Path) -> Database:
    records = [
        {"id": n, "title": text, "data": {text: [text]}, "tags": [text, None]} for n, text in enumerate(texts(), 1)
    ]
    # One half from memory, the other from a file, each with a bad record so that both paths are taken.
    half = len(records) // 2
    path = tmp_path / "half.ndjson"
    lines = [json.dumps(record, ensure_ascii=bool(n % 2)) for n, record in enumerate(records[half:])]
    path.write_text("\n".join([*lines, "{"]) + "\n", "utf-8", newline="")
    first = agent_import_tool(
        notes, source=[*records[:half], {"id": 0}], table="notes", batch_size=20, reports_dir=reports
    )
    second = agent_import_tool(notes, source=path, table="notes", reports_dir=reports)
    assert (first.totals.failed, second.totals.failed) == (1, 1)
    return notes


def test_query(filled: Database) -> None:
    wanted = texts()
    result = agent_query(filled, table="notes", order_by="id", select=["id", "title", "data", "tags"])
    assert [row["title"] for row in result.rows] == wanted
    assert [row["data"] for row in result.rows] == [{text: [text]} for text in wanted]
    assert [row["tags"] for row in result.rows] == [[text, None] for text in wanted]
    shown = json.loads(json.dumps(result.as_dict()))
    assert [row["title"] for row in shown["rows"]] == wanted


def test_filters(filled: Database) -> None:
    for text in TRAPS:
        for operator, value in (("eq", text), ("in", [text])):
            where = [{"column": "title", "operator": operator, "value": value}]
            rows = agent_query(filled, table="notes", where=where, select="title").rows
            assert [row["title"] for row in rows] == [text]
        both: list[str | None] = [text, None]
        tagged = [{"column": "tags", "operator": "eq", "value": both}]
        assert len(agent_query(filled, table="notes", where=tagged).rows) == 1


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_export_and_import_again(filled: Database, tmp_path: Path, reports: Path, form: str) -> None:
    path = tmp_path / f"notes.{form}"
    wanted = agent_query(filled, table="notes", order_by="id").rows
    exported = agent_export_data(filled, table="notes", format=form, destination=path, order_by="id")  # type: ignore[arg-type]
    assert exported.rows == len(wanted)
    with filled.admin() as connection:
        connection.execute("TRUNCATE notes CASCADE")
    assert agent_import_tool(filled, source=path, table="notes", reports_dir=reports).success
    assert agent_query(filled, table="notes", order_by="id").rows == wanted


def test_csv_gives_every_cell_back_but_for_the_guard_of_formulas(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    agent_export_data(filled, table="notes", format="csv", destination=path, columns=["id", "title"], order_by="id")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["id", "title"]
    cells = [row[1] for row in rows[1:]]
    assert [
        cell.removeprefix("'") if cell != text else cell for cell, text in zip(cells, texts(), strict=True)
    ] == texts()
    for cell in cells:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝"))
        assert not cell.startswith(("\t", "\r", "\n"))


def test_every_kind_of_character_is_among_them() -> None:
    found = {unicodedata.category(character) for text in texts() for character in text}
    assert {"Cc", "Cf", "Co", "Cn", "Lo", "Mn", "So"} <= found
    assert len({ord(character) >> 16 for text in texts() for character in text}) == 17
