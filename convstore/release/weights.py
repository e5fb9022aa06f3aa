"""How much a conversation counts in training: its rows in a format, and how often its replies are learned there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.samples import Sample, samples

__all__ = ["FLAGGED", "ConversationWeight", "learned", "weigh"]

#: Formats that say of each message whether it is trained.
FLAGGED = frozenset({"messages", "axolotl"})


class ConversationWeight(NamedTuple):
    """Rows of a conversation, and replies that a trainer learns in them, counted as often as they are learned."""

    rows: int
    learned_replies: int


def learned(format_name: str, sample: Sample, options: ReleaseOptions) -> Sequence[bool]:
    """For each message of a sample, whether a trainer of this format learns it."""
    if format_name in FLAGGED:
        return sample.trained
    if format_name == "prompt-completion" or (format_name == "alpaca" and not options.alpaca_history):
        return [*([False] * (len(sample.roles) - 1)), sample.roles[-1] == "assistant"]
    return [role == "assistant" for role in sample.roles]


def weigh(format_name: str, row: ReleaseRow, options: ReleaseOptions) -> ConversationWeight:
    """The weight of one conversation in a trainer format."""
    shaped = samples(row, options)
    return ConversationWeight(len(shaped), sum([sum(learned(format_name, sample, options)) for sample in shaped]))
