"""Exchange or message, and what becomes of each: turns, emotions, scores, keys, names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from convstore.model import Draft, Rejection, Scores
from tests.unit.formats.samples import (
    EXCHANGE_TURNS,
    MESSAGE_TURNS,
    codes,
    encode_lines,
    enriched,
    every_family,
    exchange,
    exchange_pairs,
    flat,
    message,
    message_pairs,
    messages_of,
    messages_row,
    mp_full,
    mp_single,
    only_draft,
    only_refusal,
    parsed,
    raw,
    v3_multi,
    v3_single,
    v4_full,
    v5_jsonl,
    v5_rows,
)


def drafts(document: Any) -> list[Draft]:
    conversations = parsed(document).conversations
    assert all(isinstance(each, Draft) for each in conversations)
    return [each for each in conversations if isinstance(each, Draft)]


# --- exchange or message -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [v3_single, enriched])
def test_pairs_are_read_by_what_they_hold_not_by_family(wrap: Any) -> None:
    with_messages = {**wrap(), "training_pairs": message_pairs()}
    assert messages_of(only_draft({**with_messages, "dataset_metadata": {"dataset_name": "x"}})) == MESSAGE_TURNS
    without_strategy = [{k: v for k, v in pair.items() if k != "response_strategy"} for pair in exchange_pairs()]
    as_exchanges = {"dataset_metadata": {"dataset_name": "x"}, "training_pairs": without_strategy}
    assert messages_of(only_draft(as_exchanges)) == EXCHANGE_TURNS


@pytest.mark.parametrize("wrap", [v4_full, v3_multi])
@pytest.mark.parametrize(("pairs", "turns"), [(message_pairs(), MESSAGE_TURNS), (exchange_pairs(), EXCHANGE_TURNS)])
def test_aggregates_hold_either_kind(wrap: Any, pairs: list[Any], turns: Any) -> None:
    document = wrap()
    document["conversations"][0]["training_pairs"] = pairs
    assert messages_of(drafts(document)[0]) == turns


def test_a_null_strategy_is_no_strategy() -> None:
    pairs = [{**pair, "response_strategy": None} for pair in message_pairs()]
    assert messages_of(only_draft({**enriched(), "training_pairs": pairs})) == MESSAGE_TURNS


def test_a_null_reply_in_an_exchange_yields_the_user_alone() -> None:
    draft = only_draft({**v3_single(), "training_pairs": [*exchange_pairs(), exchange(3, "Thanks?", None)]})
    assert messages_of(draft) == [*EXCHANGE_TURNS, ("user", "Thanks?")]
    assert [turn.turn_number for turn in draft.turns] == [1, 2, 3, 4, 5]


def test_even_numbers_alone_take_the_users_from_the_history() -> None:
    draft = only_draft({**enriched(), "training_pairs": v5_rows()})
    assert messages_of(draft) == [*MESSAGE_TURNS, ("assistant", "Only at dawn.")]
    assert draft.turns[0].detected_emotion == "worry"
    assert draft.turns[0].emotional_intensity == 0.7


def test_the_history_of_an_exchange_is_never_read() -> None:
    pairs = exchange_pairs()
    pairs[1]["conversation_history"] = [{"turn": 1, "role": "narrator", "content": ""}, 5]
    assert messages_of(only_draft({**v3_single(), "training_pairs": pairs})) == EXCHANGE_TURNS


def test_pairs_in_any_order_are_sorted_by_their_numbers() -> None:
    assert messages_of(only_draft({**enriched(), "training_pairs": message_pairs()[::-1]})) == MESSAGE_TURNS
    assert messages_of(only_draft({**v3_single(), "training_pairs": exchange_pairs()[::-1]})) == EXCHANGE_TURNS


@pytest.mark.parametrize("numbers", [[1, 1, 3], [3, 2, 5], [None, 2, 3], ["1", 2, 3], [True, 2, 3], [1.5, 2, 3]])
def test_missing_or_repeated_numbers_keep_the_order_of_the_file(numbers: list[Any]) -> None:
    pairs = [{**pair, "turn_number": number} for pair, number in zip(message_pairs(), numbers, strict=True)]
    draft = only_draft({**enriched(), "training_pairs": pairs})
    assert messages_of(draft) == MESSAGE_TURNS
    assert [turn.turn_number for turn in draft.turns] == [1, 2, 3]
    assert "WARN_TURN_NUMBERS" in codes(draft)


# --- v5 ------------------------------------------------------------------------------------------------------------


def test_v5_rows_are_gathered_by_id_wherever_they_stand() -> None:
    first, second = drafts(encode_lines(v5_jsonl()))
    assert first.conversation_id == "c-1"
    assert messages_of(first) == [*MESSAGE_TURNS, ("assistant", "Only at dawn.")]
    assert messages_of(second) == MESSAGE_TURNS[:2]
    assert (first.starting_emotion, first.ending_emotion) == ("worry", "calm")


def test_v5_without_history_repeats_the_input() -> None:
    rows = [{**row, "conversation_history": []} for row in v5_rows()]
    assert messages_of(only_draft(rows)) == [*MESSAGE_TURNS, ("assistant", "Only at dawn.")]


def test_v5_with_a_row_of_a_user_at_the_end() -> None:
    rows = [*v5_rows(), {**message(5, "And in autumn?"), "conversation_id": "c-1"}]
    assert messages_of(only_draft(rows))[-2:] == [("assistant", "Only at dawn."), ("user", "And in autumn?")]


def test_v5_with_useless_numbers_asks_before_each_answer() -> None:
    rows = [{**row, "turn_number": 2} for row in v5_rows()]
    draft = only_draft(rows)
    assert messages_of(draft) == [*MESSAGE_TURNS, ("assistant", "Only at dawn.")]
    assert "WARN_TURN_NUMBERS" in codes(draft)


def test_v5_header_is_optional_and_its_count_is_checked() -> None:
    assert parsed(v5_jsonl()).warnings == ()
    assert codes(parsed([{"_meta": {"total_pairs": 4}}, *v5_rows()])) == {"WARN_TOTAL_DIFFERS"}
    assert parsed([{"_meta": "x"}]).conversations == ()


# --- mapping -------------------------------------------------------------------------------------------------------


def test_v3_mapping() -> None:
    draft = only_draft(v3_single())
    assert draft.conversation_id == "garden_001"
    assert (draft.conversation_name, draft.description, draft.category) == (
        "gardening_one",
        "a dry balcony",
        "gardening",
    )
    assert draft.tier == "template"
    assert draft.extra["quality_tier"] == "seed_dataset"
    assert draft.extra["extra_criteria"] == {"soil_knowledge": [5, 5]}
    assert (draft.persona_key, draft.emotional_arc_key, draft.topic_key) == ("patient_gardener", None, None)
    assert draft.system_prompt == "You advise gardeners."
    assert [turn.detected_emotion for turn in draft.turns] == ["worry", "worry", "relief", "relief"]
    assert [turn.primary_strategy for turn in draft.turns] == [None, "reassure", None, "reassure"]
    assert [turn.tone for turn in draft.turns] == [None, "warm", None, "warm"]
    assert (draft.emotional_intensity_start, draft.emotional_intensity_end) == (0.8, 0.7)
    assert draft.scores.quality == 5
    assert draft.scores.empathy == 4
    assert draft.scores.brand_voice == Decimal("3.2")


def test_v3_multi_mapping() -> None:
    first, second = drafts(v3_multi())
    assert (first.conversation_id, first.conversation_name) == ("garden_001", "Dry soil")
    assert (second.conversation_id, second.extra["quality_tier"]) == ("garden_002", "seed_dataset_first_batch")
    assert messages_of(second) == EXCHANGE_TURNS[:2]


def test_several_conversations_in_a_v3_single_file() -> None:
    other = {**exchange(1, "Roses?", "In March."), "conversation_id": "garden_009"}
    first, second = drafts({**v3_single(), "training_pairs": [exchange_pairs()[0], other, exchange_pairs()[1]]})
    assert messages_of(first) == EXCHANGE_TURNS
    assert (second.conversation_id, messages_of(second)) == (
        "garden_009",
        [("user", "Roses?"), ("assistant", "In March.")],
    )


def test_enriched_id_comes_from_the_dataset_name_and_keys_from_the_first_that_is_not_empty() -> None:
    draft = only_draft(enriched())
    assert (draft.conversation_id, draft.conversation_name) == ("77aa", "fp_conversation_77aa")
    assert (draft.persona_key, draft.emotional_arc_key, draft.topic_key) == (
        "calm_gardener",
        "worry_to_calm",
        "dry_summer",
    )
    assert draft.tier == "template"
    assert [turn.detected_emotion for turn in draft.turns] == ["worry", "calm", "worry"]
    assert draft.turns[1].emotion_confidence == 0.8


def test_v4_mapping() -> None:
    first, second = drafts(v4_full())
    assert (first.conversation_id, second.conversation_id) == ("c-1", "c-2")
    assert first.conversation_name == "Ida Lund: Dry summers"
    assert first.description == "asks about a dry summer"
    assert (first.persona_key, first.emotional_arc_key, first.topic_key) == (
        "patient_gardener", "drought_to_rain", "dry_summer",
    )  # fmt: skip
    assert first.extra["quality_tier"] == "production"
    assert first.extra["consultant_profile"] == {"name": "Ole Berg"}
    assert first.category == "gardening"


def test_v4_conversation_may_have_a_category_of_its_own() -> None:
    document = v4_full()
    document["conversations"][0]["conversation_metadata"]["domain"] = "balconies"
    assert [draft.category for draft in drafts(document)] == ["balconies", "gardening"]


def test_v4_name_falls_back_to_the_source_file_and_to_the_id() -> None:
    document = v4_full()
    metadata = document["conversations"][0]["conversation_metadata"]
    metadata["scaffolding"] = {}
    assert drafts(document)[0].conversation_name == "fp_conversation_c-1"
    metadata["source_file"] = ""
    assert drafts(document)[0].conversation_name == "c-1"


def test_mp_quality_is_never_taken_over() -> None:
    draft = only_draft(mp_single())
    assert draft.scores == Scores()
    assert "WARN_SCORE_SCALE" in codes(draft)
    assert (draft.conversation_id, draft.conversation_name, draft.category) == ("shop_001", "shop_001", "retail")
    assert messages_of(draft)[2:] == [("user", "Question 2?"), ("assistant", "Answer 2.")]
    assert draft.starting_emotion is None
    assert [each.conversation_id for each in drafts(mp_full())] == ["shop_001", "shop_002"]


def test_raw_mapping() -> None:
    draft = only_draft(raw(), "Mein Gespräch (3)-RAW.json")
    assert draft.conversation_id == "mein-gespräch-3-raw"
    assert not draft.id_is_derived
    assert draft.conversation_name == "asks about a dry summer"
    assert draft.persona_key == "patient_gardener"
    assert (draft.scores, draft.starting_emotion, draft.turns[0].emotional_intensity) == (Scores(), "worry", 0.5)


def test_flat_mapping() -> None:
    draft = only_draft(flat())
    assert (draft.conversation_id, draft.conversation_name, draft.category) == ("garden_001", "Title 1", "soil")
    assert draft.tier == "edge_case"
    assert messages_of(draft) == EXCHANGE_TURNS
    assert draft.extra["status"] == ["approved", "generated"]
    assert "WARN_STATUS_IGNORED" in codes(draft)
    assert draft.turns[1].tone == "warm"


def test_flat_rows_without_turn_number_are_numbered_by_their_id() -> None:
    rows = flat()[::-1]
    for row in rows:
        del row["parameters"]["turn_number"]
    assert messages_of(only_draft(rows)) == EXCHANGE_TURNS


def test_scores_are_means_over_replies_rounded_half_up() -> None:
    pairs = exchange_pairs()
    pairs[0]["training_metadata"]["quality_score"] = 3
    pairs[1]["training_metadata"]["quality_score"] = 3.5
    assert only_draft({**v3_single(), "training_pairs": pairs}).scores.quality == Decimal("3.3")
    as_messages = message_pairs()
    as_messages[0]["training_metadata"]["quality_score"] = 5
    assert only_draft({**enriched(), "training_pairs": as_messages}).scores.quality == Decimal("3.0")


# --- limits and odd values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", [0, 0.9, 5.1, -1, "5", True, [], {}])
def test_scores_out_of_range_or_of_another_type_are_unknown(score: Any) -> None:
    document = v3_single()
    document["training_pairs"] = document["training_pairs"][:1]
    document["training_pairs"][0]["training_metadata"]["quality_score"] = score
    draft = only_draft(document)
    assert draft.scores.quality is None
    assert draft.scores.empathy == 4
    assert "$.training_pairs[0].training_metadata.quality_score" in {warning.path for warning in draft.warnings}


@pytest.mark.parametrize("intensity", [-0.1, 1.01, "0.5", False])
def test_intensity_outside_its_range_is_unknown_and_zero_is_a_value(intensity: Any) -> None:
    document = v3_single()
    detected = document["training_pairs"][0]["emotional_context"]["detected_emotions"]
    detected["intensity"] = intensity
    draft = only_draft(document)
    assert (draft.starting_emotion, draft.emotional_intensity_start) == ("worry", None)
    assert codes(draft) & {"WARN_INTENSITY_RANGE", "WARN_FIELD_TYPE"}
    detected["intensity"] = 0
    assert only_draft(document).emotional_intensity_start == 0


def test_over_limit_names_are_cut_with_a_warning_and_over_limit_ids_are_errors() -> None:
    document = enriched()
    document["dataset_metadata"]["vertical"] = "v" * 101
    document["input_parameters"]["persona_key"] = "p" * 101
    document["training_pairs"][0]["emotional_context"]["detected_emotions"]["primary"] = "e" * 101
    result = parsed(document)
    (draft,) = result.conversations
    assert isinstance(draft, Draft)
    assert (draft.category, draft.persona_key, draft.starting_emotion) == ("v" * 100, "p" * 100, "e" * 100)
    assert codes(draft) == codes(result) == {"WARN_TEXT_CUT"}
    document["dataset_metadata"]["dataset_name"] = "fp_conversation_" + "i" * 101
    refusal = only_refusal(document)
    assert (refusal.code, refusal.path) == ("ERR_ID_LONG", "$.dataset_metadata.dataset_name")
    document["dataset_metadata"]["dataset_name"] = "fp_conversation_" + "i" * 100
    assert only_draft(document).conversation_id == "i" * 100


def test_long_names_strategies_and_tones_are_cut() -> None:
    document = v3_single()
    document["dataset_metadata"]["dataset_name"] = "n" * 256
    document["training_pairs"][0]["response_strategy"] = {"primary_strategy": "s" * 256, "tone_selection": "t" * 101}
    draft = only_draft(document)
    assert draft.conversation_name == "n" * 255
    assert (draft.turns[1].primary_strategy, draft.turns[1].tone) == ("s" * 255, "t" * 100)
    assert "WARN_TEXT_CUT" in codes(draft)


def test_one_bad_conversation_never_fails_its_neighbours() -> None:
    document = v4_full()
    good = document["conversations"][0]
    blank = {**good, "training_pairs": [{**message(1, " \n")}]}
    nameless = {**good, "conversation_metadata": {}}
    empty = {**good, "training_pairs": []}
    listless = {**good, "training_pairs": None}
    number = {**good, "training_pairs": [{**message(1, "x"), "current_user_input": 7}]}
    document["conversations"] = [blank, good, 5, nameless, empty, listless, number]
    found = parsed(document).conversations
    assert [type(each) for each in found] == [Rejection, Draft, *[Rejection] * 5]
    assert [(each.code, each.path) for each in found if isinstance(each, Rejection)] == [
        ("ERR_CONTENT_BLANK", "$.conversations[0].training_pairs[0].current_user_input"),
        ("ERR_FIELD_TYPE", "$.conversations[2]"),
        ("ERR_ID_MISSING", "$.conversations[3].conversation_metadata.conversation_id"),
        ("ERR_NO_TURNS", "$.conversations[4].training_pairs"),
        ("ERR_FIELD_TYPE", "$.conversations[5].training_pairs"),
        ("ERR_CONTENT_TYPE", "$.conversations[6].training_pairs[0].current_user_input"),
    ]
    assert found[0].conversation_id == "c-1"


def test_the_same_id_twice_is_noted_on_the_later_one() -> None:
    document = v4_full()
    document["conversations"][1]["conversation_metadata"]["conversation_id"] = "c-1"
    first, second = drafts(document)
    assert "WARN_ID_REPEATED" not in codes(first)
    (warning,) = (warning for warning in second.warnings if warning.code == "WARN_ID_REPEATED")
    assert (warning.path, "other turns" in warning.message) == ("$.conversations[1]", True)
    row = {**messages_row(), "conversation_id": "c-1"}
    _, again = drafts([row, row])
    assert [(warning.code, warning.path) for warning in again.warnings] == [("WARN_ID_REPEATED", "$[1]")]


def test_declared_totals_are_checked_and_not_believed() -> None:
    document = v4_full()
    document["training_file_metadata"] = {"total_conversations": 18, "total_training_pairs": 128}
    document["conversations"][0]["conversation_metadata"]["total_turns"] = 40
    result = parsed(document)
    assert {warning.path for warning in result.warnings} == {
        "$.training_file_metadata.total_conversations",
        "$.training_file_metadata.total_training_pairs",
    }
    assert [len(draft.turns) for draft in drafts(document)] == [3, 2]
    assert "WARN_TOTAL_DIFFERS" in codes(drafts(document)[0])


def test_a_background_that_a_program_spoiled_is_kept_and_noted() -> None:
    document = v3_single()
    document["training_pairs"][0]["conversation_metadata"]["client_background"] = "[object Object]; balcony"
    draft = only_draft(document)
    assert "WARN_OBJECT_OBJECT" in codes(draft)
    assert draft.extra["pair_metadata"]["client_background"] == "[object Object]; balcony"


@pytest.mark.parametrize("family", sorted(every_family()))
def test_content_is_kept_character_by_character(family: str) -> None:
    expected = {"enriched": MESSAGE_TURNS, "raw": MESSAGE_TURNS, "messages": MESSAGE_TURNS, "sharegpt": MESSAGE_TURNS}
    document = every_family()[family]
    assert messages_of(drafts(document)[0]) == expected.get(family, messages_of(drafts(document)[0]))
    assert [turn.turn_number for turn in drafts(document)[0].turns] == list(
        range(1, len(drafts(document)[0].turns) + 1)
    )
