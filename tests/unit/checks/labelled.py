"""Conversations for the checks' tests, written for them."""

from __future__ import annotations

from collections.abc import Iterable

from convstore.checks import CHECKS, ArcPromise, CheckInput, SetContext
from convstore.model import Finding, Turn

FILLER = (
    "It makes sense that this feels like a lot, and we can take it one step at a time.",
    "What would you like to look at first, the letter from the bank or the plan for the summer?",
)


def dialogue(*contents: str, roles: str = "ua") -> tuple[Turn, ...]:
    """Turns whose roles repeat the pattern: u user, a assistant, s system."""
    names = {"u": "user", "a": "assistant", "s": "system"}
    return tuple(
        Turn(turn_number=number, role=names[roles[(number - 1) % len(roles)]], content=content)
        for number, content in enumerate(contents, start=1)
    )


def emotions(*labels: tuple[str, str, float | None]) -> tuple[Turn, ...]:
    """Turns with a role, an emotion and its intensity each."""
    return tuple(
        Turn(turn_number=number, role=role, content=FILLER[0], detected_emotion=emotion, emotional_intensity=intensity)
        for number, (role, emotion, intensity) in enumerate(labels, start=1)
    )


def run(
    code: str,
    turns: Iterable[Turn],
    *,
    promise: ArcPromise | None = None,
    context: SetContext | None = None,
    language: str = "en",
) -> tuple[Finding, ...]:
    """The findings of one check."""
    conversation = CheckInput(turns=tuple(turns), promise=promise, context=context, language=language)
    return CHECKS[code].findings(conversation)


def reply_places(code: str, reply: str, *, language: str = "en") -> list[tuple[str, str]]:
    """Severity and exact text of what a check finds in one reply; the whole reply where it gives no span."""
    findings = run(code, dialogue("", reply), language=language)
    assert all(finding.turn_number == 2 for finding in findings)
    return [(finding.severity, reply[slice(*finding.span)] if finding.span else reply) for finding in findings]
