"""Shapes a conversation into training samples: which messages, under which system prompt, which of them are trained.

The one place that drops a trailing user message or multiplies a conversation; formats only spell the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convstore.release.rows import ReleaseOptions, ReleaseRow

__all__ = ["Sample", "samples", "system_prompt"]


class Sample(NamedTuple):
    """One training row, a list for each part of its messages.

    `trained[i]` is True where message i is to be learned; user messages never are. `numbers` are those of the turns.
    """

    system: str | None
    numbers: Sequence[int]
    roles: Sequence[str]
    contents: Sequence[str]
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
    if row.shaped is None or row.shaped[0] is not options:
        row.shaped = (options, _shape(row, options))
    return row.shaped[1]


def _shape(row: ReleaseRow, options: ReleaseOptions) -> list[Sample]:
    numbers, roles, contents = row.columns.numbers, row.columns.roles, row.columns.contents
    end = len(roles)
    if not options.keep_trailing_user:
        while end and roles[end - 1] == "user":
            end -= 1
    if not end:
        return []
    if end < len(roles):
        numbers, roles, contents = numbers[:end], roles[:end], contents[:end]
    system = system_prompt(row, options)
    excluded = row.excluded_turns
    if options.rows == "conversation":
        trained = [role == "assistant" for role in roles]
        if excluded:
            trained = [flag and number not in excluded for flag, number in zip(trained, numbers, strict=True)]
        return [Sample(system, numbers, roles, contents, trained)]
    replies = [i for i, role in enumerate(roles) if role == "assistant"]
    if options.rows == "last":
        replies = replies[-1:]
    return [
        Sample(system, numbers[: i + 1], roles[: i + 1], contents[: i + 1], [False] * i + [True])
        for i in replies
        if numbers[i] not in excluded
    ]
