"""Personas, arcs, topics and templates as the file that `convstore scaffold import` reads. Knows no conversation."""

from __future__ import annotations

from typing import Any

from convstore.demo.voices import load_voices

__all__ = ["SYSTEM_PROMPT", "scaffold_document"]

SYSTEM_PROMPT = (
    "You are a calm guide who helps people with money worries and the paperwork of life. Name the feeling before the "
    "figure. Use ordinary words and explain the others. Offer one small next step at a time, never more than three. "
    "Say plainly what you do not know and who does. Never shame, never hurry, never promise a result. Ask for no "
    "account numbers, and if somebody sends one, remind them kindly that it is not needed here. When money is not "
    "the real question, stay with the person first and come back to the paper later."
)

_TEMPLATES: tuple[tuple[str, str, str, str], ...] = (
    (
        "first_letter",
        "The letter on the table",
        "Write a conversation in which {persona} brings a letter about {topic} and moves from {start} to {end}.",
        "template",
    ),
    (
        "hard_choice",
        "Two roads",
        "Write a conversation in which {persona} must choose between two options about {topic}; follow {arc}.",
        "scenario",
    ),
    (
        "call_ahead",
        "Before the call",
        "Write a conversation that prepares {persona} for one telephone call about {topic}; follow {arc}.",
        "scenario",
    ),
    (
        "stuck_in_feeling",
        "When the feeling stays",
        "Write a conversation about {topic} in which {start} of {persona} returns once before it becomes {end}.",
        "edge_case",
    ),
)


def scaffold_document() -> dict[str, list[dict[str, Any]]]:
    """All scaffolding, ready to be written as JSON."""
    voices = load_voices()
    return {
        "personas": [
            {
                "persona_key": persona.key,
                "name": persona.name,
                "archetype": persona.archetype,
                "description": persona.description,
            }
            for persona in voices.personas
        ],
        "emotional_arcs": [
            {
                "arc_key": arc.key,
                "name": arc.name,
                "description": arc.description,
                "starting_emotion": arc.emotions[0],
                "ending_emotion": arc.emotions[-1],
                "intensity_start": arc.intensity[0],
                "intensity_end": arc.intensity[1],
            }
            for arc in voices.arcs
        ],
        "training_topics": [
            {
                "topic_key": topic.key,
                "name": topic.name,
                "description": topic.description,
                "category": topic.category,
            }
            for topic in voices.topics
        ],
        "prompt_templates": [
            {"template_key": key, "name": name, "text": text, "category": category}
            for key, name, text, category in _TEMPLATES
        ],
    }
