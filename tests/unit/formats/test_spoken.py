"""Messages with explicit roles: raw turns, `messages` rows and ShareGPT rows."""

from __future__ import annotations

from typing import Any

import pytest

from convstore.formats import parse
from convstore.model import Draft, ParsedFile, Rejection
from tests.unit.formats.samples import (
    MESSAGE_TURNS,
    codes,
    encode,
    encode_lines,
    messages_of,
    messages_row,
    only_draft,
    only_refusal,
    parsed,
    raw,
    sharegpt_row,
)


@pytest.mark.parametrize("row", [messages_row(), sharegpt_row()])
def test_rows_are_named_after_the_file_and_the_row(row: Any) -> None:
    found = parsed(encode_lines([row, row]), "data/My Chats.train.jsonl").conversations
    assert [each.conversation_id for each in found] == ["my-chats-train-1", "my-chats-train-2"]
    for draft in found:
        assert isinstance(draft, Draft)
        assert draft.id_is_derived
        assert draft.system_prompt == "You advise gardeners."
        assert messages_of(draft) == MESSAGE_TURNS


def test_a_name_without_letters_and_a_very_long_one_still_give_ids() -> None:
    assert only_draft(messages_row(), "....").conversation_id == "conversation-1"
    assert len(only_draft(messages_row(), "n" * 300 + ".json").conversation_id) <= 100


def test_a_row_that_says_its_id_keeps_it() -> None:
    draft = only_draft({**messages_row(), "conversation_id": "c-9"})
    assert (draft.conversation_id, draft.id_is_derived) == ("c-9", False)
    assert only_refusal({**messages_row(), "conversation_id": 9}).path == "$.conversation_id"
    assert only_refusal({**messages_row(), "conversation_id": "i" * 101}).code == "ERR_ID_LONG"


def test_other_members_are_kept_as_extras() -> None:
    row = messages_row(system=False)
    row["messages"][1]["weight"] = 0
    row["messages"][2]["train"] = True
    draft = only_draft({**row, "source": "forum", "system": "Be brief."})
    assert draft.system_prompt == "Be brief."
    assert draft.extra["row"] == {"source": "forum"}
    assert draft.extra["messages"] == [{"turn_number": 2, "weight": 0}, {"turn_number": 3, "train": True}]


@pytest.mark.parametrize(
    ("messages", "code", "path"),
    [
        ([], "ERR_NO_TURNS", "$.messages"),
        ([{"role": "system", "content": "x"}], "ERR_NO_TURNS", "$.messages"),
        ([{"role": "tool", "content": "x"}], "ERR_ROLE_UNKNOWN", "$.messages[0].role"),
        ([{"role": 5, "content": "x"}], "ERR_ROLE_UNKNOWN", "$.messages[0].role"),
        ([{"content": "x"}], "ERR_ROLE_UNKNOWN", "$.messages[0].role"),
        (
            [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}],
            "ERR_ROLE_UNKNOWN",
            "$.messages[1].role",
        ),
        ([{"role": "user", "content": " "}], "ERR_CONTENT_BLANK", "$.messages[0].content"),
        ([{"role": "user", "content": None}], "ERR_CONTENT_BLANK", "$.messages[0].content"),
        ([{"role": "user", "content": [{"type": "text"}]}], "ERR_CONTENT_TYPE", "$.messages[0].content"),
        ([{"role": "user", "content": "x"}, "y"], "ERR_FIELD_TYPE", "$.messages[1]"),
    ],
)
def test_messages_that_cannot_be_stored(messages: list[Any], code: str, path: str) -> None:
    refusal = only_refusal({"messages": messages})
    assert (refusal.code, refusal.path, refusal.conversation_id) == (code, path, "sample-1")


def test_a_bad_row_leaves_its_neighbours_and_their_numbers_alone() -> None:
    found = parsed([messages_row(), {"note": "nothing"}, 7, messages_row()]).conversations
    assert [type(each) for each in found] == [Draft, Rejection, Rejection, Draft]
    assert found[3].conversation_id == "sample-4"


def test_roles_that_do_not_alternate_are_kept_and_noted() -> None:
    draft = only_draft({"messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hi."}]})
    assert messages_of(draft) == [("assistant", "Hello."), ("user", "Hi.")]
    assert codes(draft) == {"WARN_ROLE_ORDER"}


def test_raw_takes_the_callers_id() -> None:
    result = parse(encode(raw()), name="a.json", conversation_id="given")
    assert isinstance(result, ParsedFile)
    assert result.conversations[0].conversation_id == "given"
    refused = parse(encode(raw()), name="a.json", conversation_id="i" * 101)
    assert isinstance(refused, ParsedFile)
    assert isinstance(refused.conversations[0], Rejection)


def test_raw_turns_follow_their_numbers_or_else_the_file() -> None:
    document = raw()
    document["turns"].reverse()
    assert messages_of(only_draft(document)) == MESSAGE_TURNS
    document = raw()
    document["turns"][1]["turn_number"] = 1
    draft = only_draft(document)
    assert messages_of(draft) == MESSAGE_TURNS
    assert "WARN_TURN_NUMBERS" in codes(draft)
    document["turns"][0]["role"] = "narrator"
    assert only_refusal(document).path == "$.turns[0].role"
