"""Syntax: what is accepted, what is refused, and where exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.formats import parse
from convstore.formats.decode import decode
from convstore.formats.diagnosis import find_fault
from convstore.model import Rejection
from tests.unit.formats.samples import encode, encode_lines, enriched, messages_row, only_draft, parsed

BOM = b"\xef\xbb\xbf"


def refused(data: bytes) -> Rejection:
    result = parse(data, name="bad.json")
    assert isinstance(result, Rejection), result
    return result


@pytest.mark.parametrize("data", [b"", b" \r\n\t", BOM, BOM + b"\n"])
def test_empty_and_blank(data: bytes) -> None:
    assert refused(data) == Rejection(code="ERR_FILE_EMPTY", reason="empty file")


def test_syntax_error_names_line_column_and_byte() -> None:
    found = refused('{"é": 1,\r\n "ü": [1 2]}'.encode())
    assert found.code == "ERR_JSON_SYNTAX"
    assert found.reason == "invalid JSON, line 2 column 10"
    assert (found.line, found.column, found.byte, found.path) == (2, 10, 21, None)


def test_byte_offset_counts_the_byte_order_mark() -> None:
    assert refused(BOM + b"[1,]").byte == 6
    assert refused(BOM + b"[1,]").column == 4


@pytest.mark.parametrize(
    ("data", "code", "path", "column"),
    [
        (b'{"a": [1, {"b": NaN}]}', "ERR_JSON_NAN", "$.a[1].b", 17),
        (b'{"a": -Infinity}', "ERR_JSON_NAN", "$.a", 7),
        (b'{"a": {"b": 1, "b": 2}}', "ERR_JSON_DUPLICATE_KEY", "$.a.b", 16),
        (b'{"\\u0061": 1, "a": 2}', "ERR_JSON_DUPLICATE_KEY", "$.a", 15),
        (b'{"a\\u003a": 1, "b": {}, "b": {}}', "ERR_JSON_DUPLICATE_KEY", "$.b", 25),
        (b'{"a": ["x\\u0000"]}', "ERR_TEXT_NUL", "$.a[0]", 8),
        (b'{"a": "x\x00"}', "ERR_TEXT_NUL", "$.a", 9),
        (b'{"a\\u0000": 1}', "ERR_TEXT_NUL", '$["a\\u0000"]', 2),
        (b'{"a": "\\ud83d"}', "ERR_TEXT_SURROGATE", "$.a", 7),
        (b'{"a": 123456789012345678901}', "ERR_JSON_NUMBER", "$.a", 7),
        (b'{"a": -9223372036854775809}', "ERR_JSON_NUMBER", "$.a", 7),
        (b'{"a": 1e999}', "ERR_JSON_NUMBER", "$.a", 7),
        (b'{"a": "\xff"}', "ERR_TEXT_UTF8", None, 8),
        (b'{"a": "\xed\xa0\x80"}', "ERR_TEXT_UTF8", None, 8),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(data: bytes, code: str, path: str | None, column: int) -> None:
    found = refused(data)
    assert (found.code, found.path, found.line, found.column) == (code, path, 1, column)
    found.reason.encode()


def test_nesting_up_to_the_limit() -> None:
    assert not isinstance(decode(b"[" * 100 + b"]" * 100), Rejection)
    for depth in (101, 300, 2_000, 200_000):
        found = refused(b"[" * depth + b"]" * depth)
        assert (found.code, found.column) == ("ERR_JSON_DEPTH", 101)
    assert refused(b'{"a":' * 5_000).code == "ERR_JSON_DEPTH"


@pytest.mark.parametrize(
    "text", ["a \\u0000 is no NUL", "a:b::c", "😀", "\\", '"', "12345678901234567890123", "\u2028\x7f"]
)
def test_texts_that_only_look_suspicious_are_kept(text: str) -> None:
    document = {"a": {"b:": [text, 1.5, True, None]}}
    assert decode(json.dumps(document).encode()) == document
    assert decode(encode(document)) == document


def test_integers_of_64_bits_and_large_floats_are_kept() -> None:
    document = {"a": [2**64 - 1, -(2**63), 1e300, -0.0]}
    assert decode(json.dumps(document).encode()) == document


def test_bom_and_crlf_change_nothing() -> None:
    plain = encode(enriched())
    pretty = json.dumps(enriched(), indent=1, ensure_ascii=False).replace("\n", "\r\n").encode()
    assert only_draft(BOM + plain).turns == only_draft(pretty).turns == only_draft(plain).turns
    lines = BOM + encode_lines([messages_row()] * 2).replace(b"\n", b"\r\n") + b"\r\n"
    assert len(parsed(lines).conversations) == 2


def test_lines_are_read_only_if_every_line_is_an_object() -> None:
    first = encode(messages_row())
    for second in (b"[1]", b"3", b"{}{}"):
        found = refused(first + b"\n" + second)
        assert (found.code, found.line) == ("ERR_JSON_SYNTAX", 2)
    broken = refused(BOM + first + b'\n\n{"messages": [}\n' + first)
    assert (broken.line, broken.column, broken.byte) == (3, 15, 3 + len(first) + 2 + 14)


def test_faults_inside_lines_have_the_row_in_their_path() -> None:
    first = encode(messages_row())
    assert refused(first + b'\n{"a": NaN}').path == "$[1].a"
    assert refused(first + b'\n{"a": 1, "a": 2}').path == "$[1].a"
    deep = refused(first + b"\n" + b'{"a":' + b"[" * 99 + b"]" * 99 + b"}")
    assert deep.code == "ERR_JSON_DEPTH"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc:\"\\é", max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values, st.booleans())
def test_sound_json_is_decoded_exactly(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert find_fault(text) is None
    assert decode(text.encode()) == value


@given(st.text(alphabet='{}[],:"\\ \n0-1.eEtrufalsn/', max_size=30))
def test_the_scanner_and_the_standard_library_agree_about_syntax(text: str) -> None:
    fault = find_fault(text)
    known_fault = syntax_error_index(text)
    if known_fault is None:
        assert fault is None or fault.code in ("ERR_JSON_DUPLICATE_KEY", "ERR_JSON_NUMBER")
    else:
        assert fault is not None
        assert fault.code != "ERR_JSON_SYNTAX" or fault.index == known_fault


def syntax_error_index(text: str) -> int | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as exc:
        return exc.pos
    return None


@given(st.binary(max_size=60))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    result = parse(data, name="x")
    assert not isinstance(result, Rejection) or (result.code and result.reason)
