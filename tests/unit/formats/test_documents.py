"""The document of a draft is a file of its own: reading it gives the same id and the same turns, for every family."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstore.formats import FAMILIES, document_of, parse
from convstore.model import Draft, FormatWarning, ParsedFile, Rejection
from tests.unit.formats.samples import encode, every_family, parsed


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stored_document_reads_back_to_the_same_conversation(family: str) -> None:
    for draft in parsed(every_family()[family], "first.json").conversations:
        assert isinstance(draft, Draft)
        again = parsed(orjson.dumps(draft.document), "second.json")
        assert again.family == family
        (reread,) = again.conversations
        assert isinstance(reread, Draft)
        assert (reread.conversation_id, reread.turns) == (draft.conversation_id, draft.turns)
        for name in ("conversation_name", "tier", "scores", "persona_key", "emotional_arc_key", "topic_key",
                     "starting_emotion", "ending_emotion", "system_prompt", "description", "category"):  # fmt: skip
            if family not in ("messages", "sharegpt") or name != "conversation_name":
                assert getattr(reread, name) == getattr(draft, name), name
        assert reread.document == draft.document


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_of_any_family_is_written_again_from_what_is_known_of_it(family: str) -> None:
    for draft in parsed(every_family()[family], "first.json").conversations:
        assert isinstance(draft, Draft)
        document = document_of(draft)
        (again,) = parsed(orjson.dumps(document)).conversations
        assert isinstance(again, Draft)
        kept = {"id_is_derived": draft.id_is_derived, "document": draft.document, "warnings": draft.warnings}
        assert replace(again, **kept) == draft


def test_the_document_of_an_aggregate_holds_one_conversation_and_what_belongs_to_the_file() -> None:
    document = every_family()["v4-full"]
    _, second = parsed(document).conversations
    assert isinstance(second, Draft)
    assert second.document == {**document, "conversations": [document["conversations"][1]]}


strange: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**63, 1e308, "", " ", "x", "x" * 400, "[object Object]", [], {}, [[]], [None], {"a": {}}]
).map(copy.deepcopy)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def check(result: ParsedFile | Rejection) -> None:
    """Whatever the content: every result is whole, every complaint has a place, every text can be stored."""
    if isinstance(result, Rejection):
        assert result.path
        return
    warnings: list[FormatWarning] = list(result.warnings)
    for conversation in result.conversations:
        if isinstance(conversation, Rejection):
            assert conversation.path
            assert conversation.path.startswith("$")
            continue
        warnings += conversation.warnings
        assert 0 < len(conversation.conversation_id) <= 100
        assert conversation.conversation_name
        assert len(conversation.conversation_name) <= 255
        assert [turn.turn_number for turn in conversation.turns] == list(range(1, len(conversation.turns) + 1))
        assert conversation.turns
        assert all(turn.content.strip() and turn.role in ("user", "assistant") for turn in conversation.turns)
        again = parse(orjson.dumps(conversation.document), name="again.json")
        assert isinstance(again, ParsedFile)
        (reread,) = again.conversations
        assert isinstance(reread, Draft)
        assert (reread.conversation_id, reread.turns) == (conversation.conversation_id, conversation.turns)
        json.dumps(conversation.extra, allow_nan=False)
    assert all(warning.path.startswith("$") and warning.code and warning.message for warning in warnings)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_no_wrong_type_anywhere_crashes_or_is_stored_half(data: st.DataObject) -> None:
    document = every_family()[data.draw(st.sampled_from(FAMILIES))]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(document)))
        if not place:
            document = data.draw(strange)
            continue
        parent = document
        for key in place[:-1]:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[place[-1]] = data.draw(strange)
        else:
            del parent[place[-1]]
    check(parse(encode(document), name="mutated.json"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 6) | st.sampled_from(["user", "gpt", "x", ""]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["training_file_metadata", "dataset_metadata", "conversations", "training_pairs", "purpose_framework",
             "turns", "conversation_metadata", "parameters", "messages", "_meta", "role", "content", "from", "value",
             "conversation_id", "dataset_name", "turn_number", "current_user_input", "target_response", "$schema"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(anything)
def test_json_of_something_else_is_a_value_never_an_exception(document: Any) -> None:
    check(parse(encode(document), name="anything.json"))
