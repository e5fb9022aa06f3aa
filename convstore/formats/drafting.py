"""The draft of a conversation that is made of pairs: what every such family maps in the same way.

A family says where its id, names and keys stand; turns, scores, emotions, prompts and extras follow from the pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from convstore.formats.metadata import (
    check_background,
    extra_criteria,
    first_key,
    persona_from_name,
    scores_of,
    system_prompt_of,
    tier_of,
)
from convstore.formats.node import Node
from convstore.formats.pairs import Pair
from convstore.formats.turns import turns_of_pairs
from convstore.model import Draft, Scores, Turn

__all__ = [
    "LONGEST_CATEGORY_CHARS",
    "PairedConversation",
    "clipped_name",
    "draft_of_pairs",
    "emotion_bounds",
    "present",
]

LONGEST_CATEGORY_CHARS = 100
_LONGEST_NAME_CHARS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedConversation:
    """What a family knows of a conversation before its pairs are read into turns.

    `node` is where the conversation stands; `keys` are the objects that may hold `persona_key`, `emotional_arc_key`
    and `training_topic_key`, best first; `persona_names` may end on " - The <persona>".
    `has_scores` is False where the family's scores are on another scale.
    """

    conversation_id: str
    node: Node
    pairs: Sequence[Pair]
    document: Any
    pairs_path: str
    name: str | None = None
    description: str | None = None
    category: str | None = None
    quality_tier: str | None = None
    keys: Sequence[Node] = ()
    persona_names: Sequence[tuple[Node, str]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    assistants_only: bool = False
    has_scores: bool = True


def draft_of_pairs(conversation: PairedConversation) -> Draft:
    """The draft; raises `Refused` where a message cannot be stored."""
    pairs, node = conversation.pairs, conversation.node
    turns = turns_of_pairs(
        pairs, node.notes, path=conversation.pairs_path, assistants_only=conversation.assistants_only
    )
    check_background(pairs)
    metadata = [pair.metadata for pair in pairs]
    extra = {
        "quality_tier": conversation.quality_tier,
        "extra_criteria": extra_criteria(pairs),
        "pair_metadata": dict(metadata[0].value),
        **conversation.extra,
    }
    names = [*conversation.persona_names, *((pair_metadata, "client_persona") for pair_metadata in metadata)]
    return Draft(
        conversation_id=conversation.conversation_id,
        turns=turns,
        document=conversation.document,
        conversation_name=clipped_name(conversation.name or conversation.conversation_id, node),
        description=conversation.description,
        category=conversation.category,
        tier=tier_of(conversation.quality_tier),
        scores=scores_of(pairs) if conversation.has_scores else Scores(),
        persona_key=_key(conversation.keys, "persona_key", metadata, "persona_archetype") or persona_from_name(names),
        emotional_arc_key=_key(conversation.keys, "emotional_arc_key", metadata, "emotional_arc_key"),
        topic_key=_key(conversation.keys, "training_topic_key", metadata, "training_topic_key"),
        system_prompt=system_prompt_of(pairs),
        extra=present(extra),
        **emotion_bounds(turns),
        warnings=node.notes.warnings,
    )


def emotion_bounds(turns: Sequence[Turn]) -> dict[str, Any]:
    """The emotions and intensities with which a conversation starts and ends."""
    felt = [turn for turn in turns if turn.detected_emotion is not None]
    if not felt:
        return {}
    return {
        "starting_emotion": felt[0].detected_emotion,
        "emotional_intensity_start": felt[0].emotional_intensity,
        "ending_emotion": felt[-1].detected_emotion,
        "emotional_intensity_end": felt[-1].emotional_intensity,
    }


def clipped_name(name: str, node: Node) -> str:
    """A conversation's name that fits its column."""
    if len(name) > _LONGEST_NAME_CHARS:
        message = f"the name has {len(name)} characters, cut to the first {_LONGEST_NAME_CHARS}"
        node.notes.warn("WARN_TEXT_CUT", node.path, message)
    return name[:_LONGEST_NAME_CHARS]


def present(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The extras that say something: unknown and empty ones are left out."""
    return {name: value for name, value in extra.items() if value is not None and value not in ({}, [])}


def _key(places: Sequence[Node], name: str, metadata: Sequence[Node], pair_name: str) -> str | None:
    return first_key([*((place, name) for place in places), *((node, pair_name) for node in metadata)])
