"""The demonstration set on disk: the families' rules, the scaffolding and the plan of decisions."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from convstore.demo import DemoPlan, conversation_at, generate, write_demo
from convstore.demo.documents import enriched_document, v4_document
from convstore.demo.scaffolding import scaffold_document
from convstore.lifecycle import allowed
from convstore.model import Status

COUNT = 240


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> DemoPlan:
    return write_demo(tmp_path_factory.mktemp("demo"), count=COUNT, seed=7)


def check_pairs(pairs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Read pairs of a message family by hand, checking what the family promises."""
    messages: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs, start=1):
        assert pair["turn_number"] == number
        assert [(entry["role"], entry["content"]) for entry in pair["conversation_history"]] == messages
        assert {"primary", "intensity"} <= pair["emotional_context"]["detected_emotions"].keys()
        if number % 2:
            assert pair["target_response"] is None
            messages.append(("user", pair["current_user_input"]))
        else:
            assert pair["current_user_input"] == messages[-1][1]
            messages.append(("assistant", pair["target_response"]))
    return messages


def test_enriched_document_holds_one_message_a_pair() -> None:
    one = conversation_at(2)
    document = enriched_document(one)
    assert document["dataset_metadata"]["dataset_name"] == f"fp_conversation_{one.conversation_id}"
    assert document["input_parameters"]["training_topic_key"] == one.topic_key
    assert check_pairs(document["training_pairs"]) == [(turn.role, turn.content) for turn in one.turns]


def test_v4_document_holds_its_conversations_in_order() -> None:
    some = list(generate(12))
    document = v4_document(some, file_name="some.json")
    assert document["training_file_metadata"]["total_training_pairs"] == sum(len(one.turns) for one in some)
    for one, entry in zip(some, document["conversations"], strict=True):
        metadata = entry["conversation_metadata"]
        assert metadata["conversation_id"] == one.conversation_id
        assert len(metadata["scaffolding"]) == 6
        assert f"{metadata['scaffolding']['persona_name']}: {metadata['scaffolding']['training_topic']}" == one.name
        assert check_pairs(entry["training_pairs"]) == [(turn.role, turn.content) for turn in one.turns]


def test_unscored_stays_unscored() -> None:
    unscored = next(one for one in generate(200) if one.scores.quality is None)
    metadata = enriched_document(unscored)["training_pairs"][1]["training_metadata"]
    assert metadata["quality_score"] is None
    assert metadata["quality_criteria"] == {}


def test_same_seed_writes_the_same_bytes(plan: DemoPlan, tmp_path: Path) -> None:
    again = write_demo(tmp_path, count=COUNT, seed=7)
    assert [file.name for file in again.files] == [file.name for file in plan.files]
    for first, second in zip(plan.files, again.files, strict=True):
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    assert again.decisions == plan.decisions


def test_files_hold_every_conversation_once(plan: DemoPlan) -> None:
    assert sorted(plan.conversations.iterdir()) == list(plan.files)
    found = []
    for file in plan.files:
        document = json.loads(file.read_bytes())
        if "conversations" in document:
            found += [one["conversation_metadata"]["conversation_id"] for one in document["conversations"]]
        else:
            found.append(document["dataset_metadata"]["dataset_name"].removeprefix("fp_conversation_"))
    assert sorted(found) == sorted(plan.conversation_ids)
    assert len(plan.names) == COUNT // 10
    assert plan.names.keys() <= set(found)


def test_scaffold_file_names_every_key_that_is_used(plan: DemoPlan) -> None:
    document = json.loads(plan.scaffold.read_bytes())
    assert document == json.loads(json.dumps(scaffold_document()))
    made = list(generate(COUNT))
    assert {one.persona_key for one in made} <= {entry["persona_key"] for entry in document["personas"]}
    assert {one.arc_key for one in made} <= {entry["arc_key"] for entry in document["emotional_arcs"]}
    assert {one.topic_key for one in made} <= {entry["topic_key"] for entry in document["training_topics"]}
    assert document["prompt_templates"]


def test_decisions_have_realistic_shares_and_allowed_moves(plan: DemoPlan) -> None:
    assert Counter(decision.status for decision in plan.decisions) == {
        "approved": 96, "rejected": 19, "needs_revision": 12, "archived": 5,
    }  # fmt: skip
    assert len({decision.conversation_id for decision in plan.decisions}) == len(plan.decisions)
    for decision in plan.decisions:
        before: Status = "pending_review"
        for after in decision.moves:
            assert allowed(before, after)
            before = after
        assert bool(decision.reasons) == (decision.status in ("rejected", "needs_revision"))
    assert 20 < sum(decision.note is not None for decision in plan.decisions) < 80


def test_people_differ_from_the_file_and_some_defects_wait_to_be_found(plan: DemoPlan) -> None:
    made = {one.conversation_id: one for one in generate(COUNT)}
    pairs = [(decision.scores.quality, made[decision.conversation_id].scores.quality) for decision in plan.decisions]
    assert all(human is not None and 1 <= human <= 5 and human * 2 % 1 == 0 for human, _ in pairs)
    differing = [abs(human - file) for human, file in pairs if human is not None and file is not None]
    assert sum(difference >= 1 for difference in differing) > 10
    assert sum(difference <= 0.5 for difference in differing) > 40
    decided = {decision.conversation_id for decision in plan.decisions}
    assert sum(bool(one.planted) for one in made.values() if one.conversation_id not in decided) > 10
