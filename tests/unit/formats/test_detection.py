"""Families are told by content, in order; names, extensions and versions say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from convstore.formats import FAMILIES, parse
from convstore.model import Rejection
from tests.unit.formats.samples import (
    encode,
    encode_lines,
    enriched,
    every_family,
    flat,
    messages_row,
    mp_full,
    parsed,
    raw,
    sharegpt_row,
    v3_single,
    v4_full,
    v5_jsonl,
    v5_rows,
)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["a.csv", "b.txt", "messages.jsonl", "noextension"])
def test_every_family_by_content_alone(family: str, name: str) -> None:
    assert parsed(every_family()[family], name).family == family


def test_every_known_family_has_a_sample() -> None:
    assert set(every_family()) == set(FAMILIES)


@pytest.mark.parametrize("family", ["flat", "v5-jsonl", "messages", "sharegpt"])
def test_rows_as_lines_and_as_a_single_row(family: str) -> None:
    rows = every_family()[family]
    assert parsed(encode_lines(rows)).family == family
    assert parsed(encode_lines(rows)).conversations == parsed(rows).conversations
    assert parsed(encode(rows[-1])).family == family


@pytest.mark.parametrize(
    ("document", "family"),
    [
        ({**v4_full(), "dataset_metadata": {}}, "v4-full"),
        ({**mp_full(), "purpose_framework": {}}, "mp-full"),
        ({**mp_full(), "dataset_metadata": {"schema_version": "other-v1"}}, "v3-multi"),
        ({**mp_full(), "dataset_metadata": {"schema_version": 7}}, "v3-multi"),
        ({**v3_single(), "purpose_framework": {}}, "mp-single"),
        ({**enriched(), "turns": [], "conversation_metadata": {}}, "enriched"),
        ({**raw(), "messages": []}, "raw"),
        ({**messages_row(), "$schema": "https://example.org/rows"}, "messages"),
        (v5_rows(), "v5-jsonl"),
        ([{"_meta": {}}], "v5-jsonl"),
        ([{**flat()[0], "target_response": "x", "current_user_input": "y"}], "flat"),
        ([messages_row(), 7], "messages"),
        ({"conversations": [{"from": "human", "value": "x"}]}, "sharegpt"),
    ],
)
def test_the_order_of_the_rules(document: Any, family: str) -> None:
    assert parsed(document).family == family


@pytest.mark.parametrize("key", ["properties", "$defs", "dataset_structure"])
def test_a_schema_is_no_data(key: str) -> None:
    document = {**v4_full(), "$schema": "https://json-schema.org/draft/2020-12/schema", key: {}}
    result = parse(encode(document), name="a.json")
    assert isinstance(result, Rejection)
    assert (result.code, result.reason) == ("ERR_IS_SCHEMA", "a JSON Schema, not data")


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ({"prompt": "x", "completion": "y"}, "prompt, completion"),
        ({f"k{i}": 0 for i in range(40)}, "28 more"),
        ({}, "no keys"),
        ([], "a list of 0"),
        ([{"a": 1}], "a"),
        ("text", "a text"),
        (None, "null"),
        (3, "a number"),
        ({"conversations": [{"role": "user", "content": "x"}]}, "conversations"),
        ({"messages": [{"from": "human", "value": "x"}]}, "messages"),
        ({"messages": "text"}, "messages"),
    ],
)
def test_anything_else_is_refused_with_what_was_seen_and_what_is_known(document: Any, seen: str) -> None:
    result = parse(encode(document), name="a.json")
    assert isinstance(result, Rejection)
    assert result.code == "ERR_FAMILY_UNKNOWN"
    assert seen in result.reason
    assert all(family in result.reason for family in FAMILIES)


@pytest.mark.parametrize("document", [{**v4_full(), "conversations": {}}, {**enriched(), "training_pairs": "none"}])
def test_a_file_whose_backbone_has_the_wrong_type_is_refused_with_the_path(document: Any) -> None:
    result = parse(encode(document), name="a.json")
    assert isinstance(result, Rejection)
    assert result.code == "ERR_FIELD_TYPE"
    assert result.path in ("$.conversations", "$.training_pairs")


def test_sharegpt_and_messages_rows_have_their_own_keys() -> None:
    assert parsed([sharegpt_row()]).family == "sharegpt"
    assert parsed(v5_jsonl()[1:]).family == "v5-jsonl"
