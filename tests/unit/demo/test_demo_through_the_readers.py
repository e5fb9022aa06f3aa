"""The demonstration set as the product itself sees it: its readers find every word, its checks every planted defect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convstore.checks import ArcPromise, CheckInput, check_conversation
from convstore.demo import DemoConversation, defects, generate
from convstore.demo.documents import enriched_document, v4_document
from convstore.demo.voices import load_voices
from convstore.formats.enriched import ENRICHED
from convstore.formats.family import Source
from convstore.formats.v4_full import V4_FULL
from convstore.model import Draft, Rejection

_FOUND_AS = {
    defects.TRUNCATED_BACKSLASH: {"truncated_reply"},
    defects.TRUNCATED_SENTENCE: {"truncated_reply"},
    defects.ENDS_ON_USER: {"ends_on_user"},
    defects.PERSONAL_DATA: {"personal_data"},
    defects.REPEATS: {"repeated_message"},
    defects.ARC_MISSED: {"arc_missed"},
    # Seen only beside its twin.
    defects.NEAR_DUPLICATE: set(),
}


@pytest.fixture(scope="module")
def made() -> list[DemoConversation]:
    return list(generate(160))


def as_read(document: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(document))
    return read


def agree(draft: Draft | Rejection, made: DemoConversation) -> None:
    assert isinstance(draft, Draft)
    assert draft.warnings == ()
    assert draft.conversation_id == made.conversation_id
    assert [(turn.role, turn.content, turn.detected_emotion, turn.emotional_intensity) for turn in draft.turns] == [
        (turn.role, turn.content, turn.emotion, turn.intensity) for turn in made.turns
    ]
    assert (draft.scores, draft.tier, draft.category) == (made.scores, made.tier, made.category)
    keys = (draft.persona_key, draft.emotional_arc_key, draft.topic_key)
    assert keys == (made.persona_key, made.arc_key, made.topic_key)


def test_enriched_documents_are_read_back_whole(made: list[DemoConversation]) -> None:
    for one in made[:40]:
        parsed = ENRICHED.read(as_read(enriched_document(one)), Source(name="demo.json"))
        agree(parsed.conversations[0], one)


def test_v4_documents_are_read_back_whole_and_well_named(made: list[DemoConversation]) -> None:
    work = [one for one in made if one.category == "work"]
    parsed = V4_FULL.read(as_read(v4_document(work, file_name="work.json")), Source(name="work.json"))
    assert parsed.warnings == ()
    for draft, one in zip(parsed.conversations, work, strict=True):
        agree(draft, one)
        assert isinstance(draft, Draft)
        assert draft.conversation_name == one.name


def test_checks_find_what_was_planted_and_nothing_else(made: list[DemoConversation]) -> None:
    arcs = {arc.key: arc for arc in load_voices().arcs}
    for one in made:
        draft = ENRICHED.read(as_read(enriched_document(one)), Source(name="demo.json")).conversations[0]
        assert isinstance(draft, Draft)
        arc = arcs[one.arc_key]
        promise = ArcPromise(
            starting_emotion=arc.emotions[0],
            ending_emotion=arc.emotions[-1],
            intensity_start=arc.intensity[0],
            intensity_end=arc.intensity[1],
        )
        found = {finding.code for finding in check_conversation(CheckInput(turns=draft.turns, promise=promise))}
        expected = set().union(*(_FOUND_AS[kind] for kind in one.planted))
        assert (one.conversation_id, found) == (one.conversation_id, expected)
