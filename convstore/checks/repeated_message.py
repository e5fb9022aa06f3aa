"""The same message twice in one conversation: a loop of the generator, or a reply that echoes the user."""

from __future__ import annotations

from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured

__all__ = ["CHECK"]

#: Short courtesies ("Thank you so much!") repeat in natural talk.
_MIN_CHARS = 40


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    first_seen: dict[str, int] = {}
    for turn in conversation.turns:
        text = " ".join(turn.content.lower().split())
        if len(text) < _MIN_CHARS:
            continue
        earlier = first_seen.setdefault(text, turn.turn_number)
        if earlier != turn.turn_number:
            yield Hit(f"The same words as turn {earlier}.", turn.turn_number)


CHECK = Check(
    code="repeated_message",
    label="Repeats",
    severity="warning",
    version=1,
    explanation="A message says word for word what an earlier one said.",
    hits=_hits,
    measured=Measured(),
)
