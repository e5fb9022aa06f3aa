"""The last message is the user's: nobody answers it, and most trainer formats drop it."""

from __future__ import annotations

from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured

__all__ = ["CHECK"]


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    if conversation.turns and conversation.turns[-1].role == "user":
        yield Hit("The last message is the user's and has no reply.", conversation.turns[-1].turn_number)


CHECK = Check(
    code="ends_on_user",
    label="No reply",
    severity="notice",
    version=1,
    explanation="The conversation ends on a user message; trainer formats drop it.",
    hits=_hits,
    measured=Measured(findings=9, conversations=9),
)
