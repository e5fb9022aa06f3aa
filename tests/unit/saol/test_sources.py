from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from convstore.errors import InvalidInputError, UsageError
from convstore.saol import sources
from convstore.saol.sources import iter_json_array, iter_records


def test_lines_are_read_one_by_one_and_a_broken_one_is_a_record_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    path.write_bytes(b'\xef\xbb\xbf{"id": 1}\r\n\n{"id": 2,}\n{"id": 3, "t": "\xff"}\n{"id": NaN}\n{"id": 4}')
    found = list(iter_records(path))
    assert [(record.position, record.line, record.code) for record in found] == [
        (1, 1, None),
        (2, 3, "ERR_SOURCE_SYNTAX"),
        (3, 4, "ERR_CHAR_INVALID_UTF8"),
        (4, 5, "ERR_SOURCE_SYNTAX"),
        (5, 6, None),
    ]
    assert found[-1].value == {"id": 4}


@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
def test_an_array_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(sources, "CHUNK_CHARACTERS", chunk)
    values = [{"a": "é, ]"}, {"n": Decimal("1.10")}, {}, {"deep": [1, [2]]}]
    text = ' [ {"a": "é, ]"} , {"n": 1.10},{},\n{"deep":[1,[2]]} ] \n'
    assert [value for value, _ in iter_json_array(io.StringIO(text))] == values
    assert list(iter_json_array(io.StringIO(" [ ] "))) == []


@pytest.mark.parametrize("text", ['[{"a": 1} {"a": 2}]', '[{"a": 1},', '[{"a": 1}', '[{"a": 1},]', '[{"a": 1}] x'])
def test_a_broken_array_gives_what_came_before_and_says_where_it_ends(text: str) -> None:
    found = list(iter_records(text))
    assert found[0].value == {"a": 1}
    assert [record.code for record in found] == [None, "ERR_SOURCE_SYNTAX"]


def test_a_file_with_an_array_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps([{"id": 1}, {"id": 2}]), "utf-8")
    assert [record.value for record in iter_records(str(path))] == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("path", ["nowhere.ndjson", "", "a\0b", "x" * 5000])
def test_a_path_that_does_not_exist_is_told_at_once(path: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        iter_records(path)
    assert raised.value.code == "ERR_SOURCE_NOT_FOUND"


@pytest.mark.parametrize("source", [{"id": 1}, 5, None])
def test_something_else_is_no_source(source: object) -> None:
    with pytest.raises(UsageError):
        iter_records(source)  # type: ignore[arg-type]
