"""What each score means, in words. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RUBRIC", "Rubric"]


@dataclass(frozen=True, slots=True)
class Rubric:
    """One dimension: its name, the question it asks, and what 1 to 5 say."""

    name: str
    question: str
    steps: tuple[str, str, str, str, str]


#: In the order of every screen; the keys are those of `convstore.model.DIMENSIONS`.
RUBRIC: Mapping[str, Rubric] = {
    "quality": Rubric(
        "Quality",
        "Should a model learn from it?",
        ("Harmful to learn from", "More wrong than right", "Usable", "Good, one weak spot", "An example to follow"),
    ),
    "empathy": Rubric(
        "Empathy",
        "Does the person feel understood?",
        ("Cold or dismissive", "Notices little", "Names the feeling", "Meets the feeling", "Meets it and eases it"),
    ),
    "clarity": Rubric(
        "Clarity",
        "Can the person act on it after one reading?",
        (
            "Lost after one reading",
            "Needs several readings",
            "Clear enough",
            "Clear, one loose end",
            "Could act on it at once",
        ),
    ),
    "appropriateness": Rubric(
        "Appropriateness",
        "Is it right to say this here?",
        ("Unsafe or out of place", "Oversteps", "Nothing wrong", "Careful", "Exactly what fits"),
    ),
    "brand_voice": Rubric(
        "Brand voice",
        "Does it sound like us?",
        ("Somebody else's voice", "Slips often", "Neutral", "Ours, one slip", "Ours throughout"),
    ),
}
