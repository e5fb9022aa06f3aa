"""User and assistant take turns, the user first; chat templates of many models refuse anything else."""

from __future__ import annotations

from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured

__all__ = ["CHECK"]


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    previous = "assistant"
    for position, turn in enumerate(conversation.turns):
        if turn.role == "system":
            if position:
                yield Hit("A system message stands between the others.", turn.turn_number)
        elif turn.role == previous:
            first = "The conversation does not start with the user."
            yield Hit(first if position == 0 else f"Two {turn.role} messages follow each other.", turn.turn_number)
        if turn.role != "system":
            previous = turn.role


CHECK = Check(
    code="roles_alternate",
    label="Role order",
    severity="error",
    version=1,
    explanation="User and assistant do not take turns, or the user does not start.",
    hits=_hits,
    measured=Measured(),
)
