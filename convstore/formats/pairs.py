"""One element of `training_pairs`, one JSONL row or one flat row, in the terms that all families share.

A pair is an exchange in some families and a single message in others; which one is decided in `turns`, from content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convstore.formats.emotion import Emotion, read_detected
from convstore.formats.node import Node, Refused, kind_of

__all__ = ["Pair", "Text", "read_pair", "read_pairs"]

_LONGEST_STRATEGY_CHARS = 255
_LONGEST_TONE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Text:
    """Something that should be the content of a message: the member `key` of an object."""

    node: Node
    key: str

    @property
    def value(self) -> object:
        """What stands there."""
        return self.node.value.get(self.key)

    def content(self) -> str:
        """The content of a message; anything but a text with characters in it refuses the conversation."""
        value = self.value
        if value is None:
            raise Refused("ERR_CONTENT_BLANK", "a message without content", self.node.at(self.key))
        if not isinstance(value, str):
            raise Refused("ERR_CONTENT_TYPE", f"the content of a message is {kind_of(value)}", self.node.at(self.key))
        if not value or value.isspace():
            raise Refused("ERR_CONTENT_BLANK", "a message with blank content", self.node.at(self.key))
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A pair as it stands in the file, before it is known how many messages it holds."""

    node: Node
    number: int | None
    user: Text
    reply: Text
    emotion: Emotion
    strategy: str | None
    tone: str | None
    has_strategy: bool
    metadata: Node
    training: Node
    criteria: Node
    system_prompt: str | None


def read_pair(node: Node, *, number: int | None = None) -> Pair:
    """A pair with the names of v3, enriched, v4, v5 and flat; `number` stands in for a missing `turn_number`."""
    strategy = node.node("response_strategy")
    training = node.node("training_metadata")
    declared = node.whole("turn_number")
    return Pair(
        node=node,
        number=number if declared is None else declared,
        user=Text(node, "current_user_input"),
        reply=Text(node, "target_response"),
        emotion=read_detected(node.node("emotional_context")),
        strategy=strategy.text("primary_strategy", limit=_LONGEST_STRATEGY_CHARS),
        tone=strategy.text("tone_selection", limit=_LONGEST_TONE_CHARS),
        has_strategy=node.value.get("response_strategy") is not None,
        metadata=node.node("conversation_metadata"),
        training=training,
        criteria=training.node("quality_criteria"),
        system_prompt=node.text("system_prompt"),
    )


def read_pairs(parent: Node) -> Sequence[Pair]:
    """The `training_pairs` of an object."""
    return [read_pair(node) for node in parent.required_nodes("training_pairs")]
