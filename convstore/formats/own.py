"""convstore's own family: a conversation as the rows of a store have it, for when the file that it came in is lost.

Every other family is somebody else's. This one holds whatever a draft holds, so that writing and reading lose nothing.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from convstore.formats.drafting import clipped_name
from convstore.formats.family import Family, Source, file_node, read_conversation
from convstore.formats.identity import conversation_id_of, find_id
from convstore.formats.node import Node, Refused
from convstore.formats.pairs import Text
from convstore.formats.turns import numbered
from convstore.model import DIMENSIONS, Draft, ParsedFile, Scores, Tier, Turn
from convstore.scores import HIGHEST, LOWEST

__all__ = ["OWN", "document_of"]

_KEY = "convstore_conversation"
_TIERS: dict[str, Tier] = {"template": "template", "scenario": "scenario", "edge_case": "edge_case"}
_KEY_CHARS = 100
_STRATEGY_CHARS = 255
_TURN_FIELDS = tuple(field.name for field in fields(Turn) if field.name != "turn_number")


def document_of(draft: Draft) -> dict[str, Any]:
    """The document of this family that reads back as the draft."""
    texts = (
        "conversation_id", "conversation_name", "description", "category", "tier", "persona_key", "emotional_arc_key",
        "topic_key", "starting_emotion", "ending_emotion", "system_prompt",
    )  # fmt: skip
    scores = {name: float(score) for name in DIMENSIONS if (score := getattr(draft.scores, name)) is not None}
    conversation = {
        **{name: getattr(draft, name) for name in texts},
        "emotional_intensity_start": draft.emotional_intensity_start,
        "emotional_intensity_end": draft.emotional_intensity_end,
        "scores": scores,
        "extra": dict(draft.extra),
    }
    turns = [{name: getattr(turn, name) for name in _TURN_FIELDS} for turn in draft.turns]
    return {
        _KEY: _without_nulls(conversation),
        "turns": [_without_nulls(turn) for turn in turns],
    }


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _recognises(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get(_KEY), dict) and "turns" in document


def _read(document: Any, _source: Source) -> ParsedFile:
    file = file_node(document)
    conversation = read_conversation(document, file.path, find_id(document[_KEY].get("conversation_id")), _draft)
    return ParsedFile(family=OWN.name, conversations=[conversation])


def _draft(file: Node) -> Draft:
    node = file.node(_KEY)
    conversation_id = conversation_id_of(node, "conversation_id")
    nodes = file.required_nodes("turns")
    if not nodes:
        raise Refused("ERR_NO_TURNS", "a conversation without messages", file.at("turns"))
    scores = node.node("scores")

    def score(name: str) -> Decimal | None:
        value = scores.number(name, int(LOWEST), int(HIGHEST), "WARN_SCORE_RANGE")
        return None if value is None else Decimal(str(value))

    return Draft(
        conversation_id=conversation_id,
        turns=numbered([_turn(each) for each in nodes], file.notes, file.at("turns")),
        document=dict(file.value),
        conversation_name=clipped_name(node.text("conversation_name") or conversation_id, node),
        description=node.text("description"),
        category=node.text("category", limit=_KEY_CHARS),
        tier=_TIERS.get(node.text("tier") or "", "template"),
        scores=Scores(**{name: score(name) for name in DIMENSIONS}),
        persona_key=node.text("persona_key", limit=_KEY_CHARS),
        emotional_arc_key=node.text("emotional_arc_key", limit=_KEY_CHARS),
        topic_key=node.text("topic_key", limit=_KEY_CHARS),
        starting_emotion=node.text("starting_emotion", limit=_KEY_CHARS),
        ending_emotion=node.text("ending_emotion", limit=_KEY_CHARS),
        emotional_intensity_start=node.number("emotional_intensity_start", 0, 1, "WARN_INTENSITY_RANGE"),
        emotional_intensity_end=node.number("emotional_intensity_end", 0, 1, "WARN_INTENSITY_RANGE"),
        system_prompt=node.text("system_prompt"),
        extra=dict(node.node("extra").value),
        warnings=file.notes.warnings,
    )


def _turn(node: Node) -> Turn:
    role = node.value.get("role")
    if role not in ("user", "assistant"):
        raise Refused("ERR_ROLE_UNKNOWN", "the role of a message is neither user nor assistant", node.at("role"))
    return Turn(
        turn_number=0,
        role=role,
        content=Text(node, "content").content(),
        detected_emotion=node.text("detected_emotion", limit=_KEY_CHARS),
        emotion_confidence=node.number("emotion_confidence", 0, 1, "WARN_CONFIDENCE_RANGE"),
        emotional_intensity=node.number("emotional_intensity", 0, 1, "WARN_INTENSITY_RANGE"),
        primary_strategy=node.text("primary_strategy", limit=_STRATEGY_CHARS),
        tone=node.text("tone", limit=_KEY_CHARS),
    )


OWN = Family("convstore", _recognises, _read)
