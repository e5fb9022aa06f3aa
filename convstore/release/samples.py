"""Shapes a conversation into training samples: which messages, under which system prompt, which of them are trained.

The one place that drops a trailing user message or multiplies a conversation; formats only spell the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convstore.model import Turn
from convstore.release.rows import ReleaseOptions, ReleaseRow

__all__ = ["Sample", "samples", "system_prompt"]


class Sample(NamedTuple):
    """One training row. `trained[i]` is True where message i is to be learned; user messages never are."""

    system: str | None
    turns: Sequence[Turn]
    trained: Sequence[bool]


def system_prompt(row: ReleaseRow, options: ReleaseOptions) -> str | None:
    """The system prompt that goes with a conversation; None if there is none or it is blank."""
    if options.system == "none":
        return None
    text = options.system_text if options.system == "own" else row.conversation.system_prompt
    return text if text and text.strip() else None


def samples(row: ReleaseRow, options: ReleaseOptions) -> list[Sample]:
    """The training samples of a conversation, possibly none.

    With a row a reply, earlier replies are context and only the last one is trained, so that each reply counts
    once; a reply that a reviewer excluded gets no row of its own.
    """
    turns = row.turns
    end = len(turns)
    if not options.keep_trailing_user:
        while end and turns[end - 1].role == "user":
            end -= 1
    turns = turns[:end]
    if not turns:
        return []
    system = system_prompt(row, options)
    excluded = row.excluded_turns
    if options.rows == "conversation":
        trained = [turn.role == "assistant" and turn.turn_number not in excluded for turn in turns]
        return [Sample(system, turns, trained)]
    replies = [i for i, turn in enumerate(turns) if turn.role == "assistant"]
    if options.rows == "last":
        replies = replies[-1:]
    return [
        Sample(system, turns[: i + 1], [False] * i + [True]) for i in replies if turns[i].turn_number not in excluded
    ]
