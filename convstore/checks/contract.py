"""What a check is given and what it gives back. Knows no single check, no file and no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from convstore.model import Finding, Severity, Turn

__all__ = [
    "CONVERSATIONS_READ",
    "MAX_FINDINGS",
    "ArcPromise",
    "Check",
    "CheckInput",
    "Hit",
    "Measured",
    "SetContext",
    "replies",
]

#: Most findings that one check reports of one conversation; a page of addresses is one problem, not ten thousand rows.
MAX_FINDINGS = 100

#: Distinct real conversations over which every check was run, and read where it found something; docs/findings.md.
CONVERSATIONS_READ = 39

_ARC_KEY = re.compile(r"_to_|→|->")
_INTENSITY = re.compile(r"\((\d(?:\.\d+)?)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcPromise:
    """Where a conversation was meant to start and to end; None is unknown."""

    starting_emotion: str | None = None
    ending_emotion: str | None = None
    intensity_start: float | None = None
    intensity_end: float | None = None

    @classmethod
    def parse(cls, text: str) -> ArcPromise | None:
        """Read `shame_to_acceptance`, `Shame → Acceptance` or `shame(0.8) → acceptance(0.5)`; None if it is neither."""
        sides = _ARC_KEY.split(text)
        if len(sides) != 2:
            return None
        (start, intensity_start), (end, intensity_end) = map(_emotion_and_intensity, sides)
        if not start or not end:
            return None
        return cls(
            starting_emotion=start, ending_emotion=end, intensity_start=intensity_start, intensity_end=intensity_end
        )


def _emotion_and_intensity(side: str) -> tuple[str, float | None]:
    intensity = _INTENSITY.search(side)
    label = _INTENSITY.sub("", side).strip().lower().replace(" ", "_")
    return label, float(intensity.group(1)) if intensity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetContext:
    """What is known of the set that a conversation belongs to.

    Attributes
    ----------
    conversations
        Number of conversations in the set.
    gram_count
        Number of conversations that carry an opening or closing gram, by its key (`boilerplate_grams`).
    reply_chars_q1, reply_chars_q3
        Quartiles of the length of replies.
    """

    conversations: int
    gram_count: Callable[[int], int]
    reply_chars_q1: float
    reply_chars_q3: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """A conversation as the checks see it. `language` is the set's, as an ISO 639-1 code."""

    turns: tuple[Turn, ...]
    promise: ArcPromise | None = None
    language: str = "en"
    context: SetContext | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a check points at. `severity` overrides the check's own where this case is milder.

    `explanation` is our own sentence and never quotes the conversation.
    """

    explanation: str
    turn_number: int | None = None
    span: tuple[int, int] | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a check found in the `CONVERSATIONS_READ`, and how much of it a reader would not want to see."""

    findings: int = 0
    conversations: int = 0
    false_findings: int = 0
    false_conversations: int = 0

    @property
    def false_alarm_rate(self) -> float:
        """The share of conversations in which it gave a false alarm."""
        return self.false_conversations / CONVERSATIONS_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its name in the store (`code`), its word on screen (`label`) and how it finds.

    `severity` is that of its gravest hit: error breaks training, warning wants a look, notice is good to know.
    `version` grows whenever the same conversation may give other findings; `measured` is None until somebody did.
    """

    code: str
    label: str
    severity: Severity
    version: int
    explanation: str
    hits: Callable[[CheckInput], Iterable[Hit]]
    measured: Measured | None = None

    def findings(self, conversation: CheckInput) -> tuple[Finding, ...]:
        """Run this check alone; at most `MAX_FINDINGS`."""
        return tuple(
            Finding(
                code=self.code,
                severity=hit.severity or self.severity,
                explanation=hit.explanation,
                check_version=self.version,
                turn_number=hit.turn_number,
                span=hit.span,
            )
            for hit in islice(self.hits(conversation), MAX_FINDINGS)
        )


def replies(conversation: CheckInput) -> Iterator[Turn]:
    """The assistant's turns."""
    return (turn for turn in conversation.turns if turn.role == "assistant")
