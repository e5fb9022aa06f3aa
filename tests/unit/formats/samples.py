"""Small documents of every family, in words of our own; tests change one thing and look what follows."""

from __future__ import annotations

import copy
import json
from typing import Any

from convstore.formats import parse
from convstore.model import Draft, ParsedFile, Rejection

Json = Any


def encode(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def encode_lines(rows: list[Json]) -> bytes:
    return b"".join(encode(row) + b"\n" for row in rows)


def parsed(document: Json, name: str = "sample.json") -> ParsedFile:
    result = parse(document if isinstance(document, bytes) else encode(document), name=name)
    assert isinstance(result, ParsedFile), result
    return result


def only_draft(document: Json, name: str = "sample.json") -> Draft:
    (conversation,) = parsed(document, name).conversations
    assert isinstance(conversation, Draft), conversation
    return conversation


def only_refusal(document: Json) -> Rejection:
    (conversation,) = parsed(document).conversations
    assert isinstance(conversation, Rejection), conversation
    return conversation


def messages_of(draft: Draft) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in draft.turns]


def codes(draft: Draft | ParsedFile) -> set[str]:
    return {warning.code for warning in draft.warnings}


def emotions(primary: str, intensity: float) -> Json:
    detected = {"primary": primary, "primary_confidence": 0.8, "secondary": "doubt", "intensity": intensity}
    return {"detected_emotions": detected}


def training(quality: float = 3, **criteria: Json) -> Json:
    standard = {"empathy_score": 3, "clarity_score": 2.9, "appropriateness_score": 3.1, "brand_voice_alignment": 3.2}
    return {"quality_score": quality, "quality_criteria": {**standard, **criteria}}


def exchange(number: int, asked: str, answered: str | None) -> Json:
    return {
        "id": f"garden_turn{number}",
        "conversation_id": "garden_001",
        "turn_number": number,
        "conversation_metadata": {
            "client_persona": "Ida Lund - The Patient Gardener",
            "client_background": "grows tomatoes on a balcony",
            "session_context": "asks about a dry summer",
        },
        "system_prompt": "You advise gardeners.",
        "conversation_history": [],
        "current_user_input": asked,
        "emotional_context": emotions("worry" if number == 1 else "relief", 0.9 - number / 10),
        "response_strategy": {"primary_strategy": "reassure", "tone_selection": "warm"},
        "target_response": answered,
        "training_metadata": training(5, empathy_score=4, soil_knowledge=5),
    }


def message(number: int, text: str, before: str = "") -> Json:
    is_user = number % 2 == 1
    return {
        "id": f"botanical_turn{number}",
        "conversation_id": "botanical",
        "turn_number": number,
        "conversation_metadata": {
            "client_persona": "Ida Lund - The Patient Gardener",
            "session_context": "asks about a dry summer",
            "persona_archetype": "patient_gardener",
            "emotional_arc_key": "worry_to_calm",
            "training_topic_key": "dry_summer",
        },
        "system_prompt": "You advise gardeners.",
        "conversation_history": [],
        "current_user_input": text if is_user else before,
        "emotional_context": emotions("worry" if is_user else "calm", 0.6),
        "target_response": None if is_user else text,
        "training_metadata": training(3),
    }


def message_pairs() -> list[Json]:
    return [
        message(1, "Why do the leaves curl?"),
        message(2, "They save water — as 人 do.", "Why do the leaves curl?"),
        message(3, "Should I water more?"),
    ]


MESSAGE_TURNS = [
    ("user", "Why do the leaves curl?"),
    ("assistant", "They save water — as 人 do."),
    ("user", "Should I water more?"),
]
EXCHANGE_TURNS = [
    ("user", "My soil is dry."),
    ("assistant", "Water at dawn."),
    ("user", "And at noon?"),
    ("assistant", "Never at noon."),
]


def exchange_pairs() -> list[Json]:
    return [exchange(1, "My soil is dry.", "Water at dawn."), exchange(2, "And at noon?", "Never at noon.")]


def v3_single() -> Json:
    return {
        "dataset_metadata": {
            "dataset_name": "gardening_one",
            "version": "9.9",
            "created_date": "2025-01-02",
            "vertical": "gardening",
            "quality_tier": "seed_dataset",
            "total_conversations": 1,
            "total_turns": 2,
            "notes": "a dry balcony",
        },
        "consultant_profile": {"name": "Ole Berg"},
        "training_pairs": exchange_pairs(),
    }


def v3_multi() -> Json:
    second = [{**pair, "conversation_id": "garden_002"} for pair in exchange_pairs()[:1]]
    return {
        "dataset_metadata": {"dataset_name": "gardening", "quality_tier": "seed_dataset_first_batch"},
        "consultant_profile": {"name": "Ole Berg"},
        "conversations": [
            {
                "conversation_metadata": {"conversation_id": "garden_001", "scenario": "Dry soil", "total_turns": 2},
                "training_pairs": exchange_pairs(),
            },
            {
                "conversation_metadata": {"conversation_id": "garden_002", "scenario": "Noon", "total_turns": 1},
                "training_pairs": second,
            },
        ],
    }


def enriched() -> Json:
    return {
        "dataset_metadata": {
            "dataset_name": "fp_conversation_77aa",
            "vertical": "gardening",
            "quality_tier": "experimental",
            "total_turns": 3,
            "notes": "generated",
        },
        "consultant_profile": {"name": "Ole Berg"},
        "training_pairs": message_pairs(),
        "input_parameters": {"persona_key": "calm_gardener", "emotional_arc_key": "", "persona_id": "no-such-row"},
    }


def v4_full() -> Json:
    def conversation(identity: str, pairs: list[Json]) -> Json:
        return {
            "conversation_metadata": {
                "conversation_id": identity,
                "source_file": f"fp_conversation_{identity}.json",
                "total_turns": len(pairs),
                "quality_tier": "production",
                "scaffolding": {
                    "persona_key": "",
                    "persona_name": "Ida Lund",
                    "emotional_arc_key": "drought_to_rain",
                    "training_topic_key": "",
                    "training_topic": "Dry summers",
                },
            },
            "training_pairs": pairs,
        }

    return {
        "training_file_metadata": {"vertical": "gardening", "total_conversations": 2, "total_training_pairs": 5},
        "consultant_profile": {"name": "Ole Berg"},
        "conversations": [conversation("c-1", message_pairs()), conversation("c-2", message_pairs()[:2])],
    }


def v5_rows() -> list[Json]:
    history: list[Json] = [
        {
            "turn": 1,
            "role": "user",
            "content": "Why do the leaves curl?",
            "emotional_state": {"primary": "worry", "intensity": 0.7},
        }
    ]
    second = [
        *history,
        {"turn": 2, "role": "assistant", "content": "They save water — as 人 do."},
        {"turn": 3, "role": "user", "content": "Should I water more?", "emotional_state": {"primary": "doubt"}},
    ]
    rows = [
        {**message(2, "They save water — as 人 do.", "Why do the leaves curl?"), "conversation_history": history},
        {**message(4, "Only at dawn.", "Should I water more?"), "conversation_history": second},
    ]
    return [{**row, "conversation_id": "c-1"} for row in rows]


def v5_jsonl() -> list[Json]:
    first, second = v5_rows()
    other = {**copy.deepcopy(first), "conversation_id": "c-2"}
    return [{"_meta": {"total_pairs": 3, "format_spec": "whatever"}}, first, other, second]


def mp_pair(number: int) -> Json:
    return {
        "turn_number": number,
        "user_input": f"Question {number}?",
        "synthesized_output": {"response_to_user": f"Answer {number}.", "quality_score": 1.0},
        "training_metadata": {"turn_type": "advice"},
    }


def mp_single() -> Json:
    return {
        "conversation_id": "shop_001",
        "conversation_metadata": {"domain": "retail", "quality_tier": "seed_dataset", "total_turns": 2},
        "purpose_framework": {"purpose_type": "open_a_shop"},
        "training_pairs": [mp_pair(1), mp_pair(2)],
    }


def mp_full() -> Json:
    first, second = mp_single(), {**mp_single(), "conversation_id": "shop_002"}
    return {
        "dataset_metadata": {"schema_version": "brightrun-multi-lora-pipeline-v7", "conversation_count": 2},
        "conversations": [first, second],
    }


def raw() -> Json:
    return {
        "conversation_metadata": {
            "client_persona": "Ida Lund - The Patient Gardener",
            "session_context": "asks about a dry summer",
        },
        "turns": [
            {
                "turn_number": number,
                "role": role,
                "content": content,
                "emotional_context": {"primary_emotion": "worry", "secondary_emotion": "doubt", "intensity": 0.5},
            }
            for number, (role, content) in enumerate(MESSAGE_TURNS, start=1)
        ],
    }


def flat() -> list[Json]:
    rows = []
    for number, pair in enumerate(exchange_pairs(), start=1):
        rows.append(
            {
                "id": f"row-{number}",
                "conversation_id": f"garden_001_turn{number}",
                "title": f"Title {number}",
                "tier": "edge_case",
                "status": "approved" if number == 1 else "generated",
                "category": ["soil", "water"],
                "turn_count": 1,
                "created_at": f"2025-01-0{3 - number}T00:00:00Z",
                "parameters": pair,
            }
        )
    return rows


def messages_row(system: bool = True) -> Json:
    turns = [{"role": role, "content": content} for role, content in MESSAGE_TURNS]
    return {"messages": [{"role": "system", "content": "You advise gardeners."}, *turns] if system else turns}


def sharegpt_row() -> Json:
    names = {"user": "human", "assistant": "gpt"}
    spoken = [{"from": names[role], "value": content} for role, content in MESSAGE_TURNS]
    return {"conversations": spoken, "system": "You advise gardeners.", "tools": ""}


def own() -> Json:
    return {
        "convstore_conversation": {
            "conversation_id": "own-1",
            "conversation_name": "A letter that came late",
            "tier": "scenario",
            "scores": {"quality": 4.5, "empathy": 3.0},
            "persona_key": "careful_saver",
            "starting_emotion": "dread",
            "emotional_intensity_start": 0.8,
            "system_prompt": "Be plain.",
            "extra": {"file_metadata": {"version": "1"}},
        },
        "turns": [
            {"role": "user", "content": "What now?", "detected_emotion": "dread", "emotional_intensity": 0.8},
            {"role": "assistant", "content": "One step first.", "primary_strategy": "slow down", "tone": "warm"},
        ],
    }


def every_family() -> dict[str, Json]:
    return {
        "v4-full": v4_full(),
        "mp-full": mp_full(),
        "v3-multi": v3_multi(),
        "mp-single": mp_single(),
        "v3-single": v3_single(),
        "enriched": enriched(),
        "raw": raw(),
        "flat": flat(),
        "v5-jsonl": v5_jsonl(),
        "messages": [messages_row(), messages_row(system=False)],
        "sharegpt": [sharegpt_row(), sharegpt_row()],
        "convstore": own(),
    }
