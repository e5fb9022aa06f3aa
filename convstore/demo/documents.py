"""Demonstration conversations as the enriched and v4-full documents that an import reads. Writes no file.

In both families a training pair is one message: a user pair has no target_response, an assistant pair repeats
the user's message before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from convstore.demo.generator import DemoConversation, DemoTurn
from convstore.demo.scaffolding import SYSTEM_PROMPT
from convstore.demo.voices import Arc, Persona, Topic, load_voices

__all__ = ["enriched_document", "v4_document"]

_GUIDE_PROFILE: dict[str, Any] = {
    "name": "Rowan Ashby",
    "business": "Clear Table Money Guidance",
    "expertise": "money worries and life admin for people who would rather not look",
    "years_experience": 11,
    "core_philosophy": {
        "principle_1": "The person first, the paper second",
        "principle_2": "One small step that is really taken",
        "principle_3": "Ordinary words, and no hurry",
    },
    "communication_style": {
        "tone": "calm, plain, warm",
        "techniques": ["name the feeling", "shrink the question", "offer one step with a date"],
        "avoid": ["blame", "promises", "words that need a dictionary"],
    },
}

_PHASES = ("first_look", "questions", "agreement")
_PLEASANT = frozenset(
    {"resolve", "focus", "steadiness", "acceptance", "relief", "trust", "openness", "confidence", "clarity",
     "understanding", "calm", "compassion", "warmth", "reassurance", "encouragement", "patience"}
)  # fmt: skip


def enriched_document(conversation: DemoConversation) -> dict[str, Any]:
    """One conversation as a document of the enriched family."""
    persona, arc, topic = _scaffolding(conversation)
    return {
        "dataset_metadata": {
            "dataset_name": f"fp_conversation_{conversation.conversation_id}",
            "version": "1.0.0",
            "created_date": conversation.created_on.isoformat(),
            "vertical": conversation.category,
            "consultant_persona": f"{_GUIDE_PROFILE['name']} - {_GUIDE_PROFILE['business']}",
            "target_use": "fine-tuning of a calm guide for money worries",
            "conversation_source": "demonstration",
            "quality_tier": conversation.tier,
            "total_conversations": 1,
            "total_turns": len(conversation.turns),
            "notes": f"{conversation.name}. {arc.description}",
        },
        "consultant_profile": _GUIDE_PROFILE,
        "training_pairs": _pairs(conversation),
        "input_parameters": {
            "persona_id": _made_up_id(persona.key),
            "persona_key": persona.key,
            "persona_name": persona.name,
            "emotional_arc_id": _made_up_id(arc.key),
            "emotional_arc_key": arc.key,
            "emotional_arc_name": arc.name,
            "training_topic_id": _made_up_id(topic.key),
            "training_topic_key": topic.key,
            "training_topic_name": topic.name,
        },
    }


def v4_document(conversations: Sequence[DemoConversation], *, file_name: str) -> dict[str, Any]:
    """Conversations of one category as an aggregate of the v4-full family."""
    scores = [float(one.scores.quality) for one in conversations if one.scores.quality is not None]
    dates = [one.created_on.isoformat() for one in conversations]
    return {
        "training_file_metadata": {
            "file_name": file_name,
            "version": "4.0.0",
            "created_date": f"{min(dates)}T09:00:00.000Z",
            "last_updated": f"{max(dates)}T17:30:00.000Z",
            "format_spec": "brightrun-lora-v4",
            "vertical": conversations[0].category,
            "total_conversations": len(conversations),
            "total_training_pairs": sum(len(one.turns) for one in conversations),
            "quality_summary": {
                "avg_quality_score": round(sum(scores) / len(scores), 2) if scores else None,
                "min_quality_score": min(scores, default=None),
                "max_quality_score": max(scores, default=None),
                "human_reviewed_count": 0,
                "human_reviewed_percentage": 0,
            },
            "scaffolding_distribution": {
                "personas": _counts(conversations, lambda one: one.persona_key),
                "emotional_arcs": _counts(conversations, lambda one: one.arc_key),
                "training_topics": _counts(conversations, lambda one: one.topic_key),
            },
        },
        "consultant_profile": _GUIDE_PROFILE,
        "conversations": [_v4_conversation(one) for one in conversations],
    }


def _v4_conversation(conversation: DemoConversation) -> dict[str, Any]:
    persona, arc, topic = _scaffolding(conversation)
    return {
        "conversation_metadata": {
            "conversation_id": conversation.conversation_id,
            "source_file": f"{conversation.conversation_id}.json",
            "created_date": conversation.created_on.isoformat(),
            "total_turns": len(conversation.turns),
            "quality_tier": conversation.tier,
            "scaffolding": {
                "persona_key": persona.key,
                "persona_name": persona.name,
                "emotional_arc_key": arc.key,
                "emotional_arc": arc.name,
                "training_topic_key": topic.key,
                # An import names a conversation "<persona>: <topic>"; the title says more than the topic does.
                "training_topic": conversation.title,
            },
        },
        "training_pairs": _pairs(conversation),
    }


def _pairs(conversation: DemoConversation) -> list[dict[str, Any]]:
    persona, arc, topic = _scaffolding(conversation)
    background = {
        "client_persona": f"{conversation.first_name} - {persona.archetype}",
        "client_background": persona.background,
        "session_context": f"{conversation.first_name} asks for help: {conversation.title}.",
        "expected_outcome": arc.description,
        "persona_archetype": persona.key,
        "emotional_arc": arc.name,
        "emotional_arc_key": arc.key,
        "training_topic": topic.name,
        "training_topic_key": topic.key,
    }
    quality = _quality(conversation)
    pairs: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    question = ""
    for number, turn in enumerate(conversation.turns, start=1):
        if turn.role == "user":
            question = turn.content
        phase = _PHASES[(number - 1) * len(_PHASES) // len(conversation.turns)]
        pairs.append(
            {
                "id": f"{conversation.category}_turn{number}",
                # As in files of this family: a label that the file's pairs share, not an identity.
                "conversation_id": conversation.category,
                "turn_number": number,
                "conversation_metadata": {**background, "conversation_phase": phase},
                "system_prompt": SYSTEM_PROMPT,
                "conversation_history": list(history),
                "current_user_input": question,
                "emotional_context": {"detected_emotions": _detected(turn)},
                "target_response": turn.content if turn.role == "assistant" else None,
                "training_metadata": {
                    "difficulty_level": f"{conversation.tier}_conversation_turn_{number}",
                    "key_learning_objective": topic.key,
                    "demonstrates_skills": ["naming_feelings", "plain_words", "small_steps"],
                    "conversation_turn": number,
                    "emotional_progression_target": f"{arc.emotions[0]} to {arc.emotions[-1]}",
                    **quality,
                    "human_reviewed": False,
                    "reviewer_notes": None,
                    "use_as_seed_example": False,
                    "generate_variations_count": 0,
                },
            }
        )
        history.append(
            {
                "turn": number,
                "role": turn.role,
                "content": turn.content,
                "emotional_state": {"primary": turn.emotion, "intensity": turn.intensity},
            }
        )
    return pairs


def _detected(turn: DemoTurn) -> dict[str, Any]:
    return {
        "primary": turn.emotion,
        "primary_confidence": 0.8,
        "intensity": turn.intensity,
        "valence": "positive" if turn.emotion in _PLEASANT else "negative" if turn.intensity > 0.5 else "mixed",
    }


def _quality(conversation: DemoConversation) -> dict[str, Any]:
    """The scores under their names in these families; a criterion that was not scored is left out."""
    scores = conversation.scores
    criteria = {
        "empathy_score": scores.empathy,
        "clarity_score": scores.clarity,
        "appropriateness_score": scores.appropriateness,
        "brand_voice_alignment": scores.brand_voice,
    }
    return {
        "quality_score": None if scores.quality is None else float(scores.quality),
        "quality_criteria": {name: float(value) for name, value in criteria.items() if value is not None},
    }


def _scaffolding(conversation: DemoConversation) -> tuple[Persona, Arc, Topic]:
    voices = load_voices()
    return (
        next(persona for persona in voices.personas if persona.key == conversation.persona_key),
        next(arc for arc in voices.arcs if arc.key == conversation.arc_key),
        next(topic for topic in voices.topics if topic.key == conversation.topic_key),
    )


def _made_up_id(key: str) -> str:
    # These families carry ids of rows in the system that wrote the file; here they name nothing.
    return str(uuid5(NAMESPACE_URL, f"urn:convstore:demo:{key}"))


def _counts(conversations: Sequence[DemoConversation], key: Callable[[DemoConversation], str]) -> dict[str, int]:
    return dict(sorted(Counter(map(key, conversations)).items()))
