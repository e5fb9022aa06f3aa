"""What a family of files is to the registry, and how one of its conversations is read without touching the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convstore.formats.identity import LONGEST_ID_CHARS, find_id
from convstore.formats.node import Node, Notes, Refused, element_node
from convstore.formats.paths import ROOT, item_path
from convstore.model import Draft, ParsedFile, Rejection

__all__ = [
    "Family",
    "Source",
    "check_total",
    "count_pairs",
    "file_node",
    "read_conversation",
    "read_conversations",
]


@dataclass(frozen=True, slots=True)
class Source:
    """What the caller knows about a file: its name and, for families without ids, the id to give."""

    name: str
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of files: its name in reports, how its parsed content is recognised, and how it is read.

    `read` may raise `Refused` where the file as a whole cannot be read.
    """

    name: str
    recognises: Callable[[Any], bool]
    read: Callable[[Any, Source], ParsedFile]


def file_node(document: Any) -> Node:
    """The outermost object of a file, with notes about the file as a whole."""
    return Node(document, ROOT, Notes())


def read_conversation(
    value: object, path: str, conversation_id: str | None, build: Callable[[Node], Draft]
) -> Draft | Rejection:
    """A draft of the conversation at `path`, with notes of its own, or why it is refused.

    `conversation_id` is what a refusal calls it.
    """
    try:
        return build(element_node(value, path, Notes()))
    except Refused as refused:
        name = conversation_id[:LONGEST_ID_CHARS] if conversation_id else None
        return Rejection(code=refused.code, reason=refused.reason, path=refused.path, conversation_id=name)


def read_conversations(file: Node, build: Callable[[Node], Draft]) -> list[Draft | Rejection]:
    """Each element of a file's `conversations`."""
    path = file.at("conversations")
    return [
        read_conversation(value, item_path(path, index), _declared_id(value), build)
        for index, value in enumerate(file.required_items("conversations"))
    ]


def count_pairs(file: Node) -> int:
    """How many pairs all conversations of a file have together."""
    pairs = [value.get("training_pairs") for value in file.items("conversations") if isinstance(value, dict)]
    return sum(len(each) for each in pairs if isinstance(each, list))


def _declared_id(conversation: object) -> str | None:
    if not isinstance(conversation, dict):
        return None
    metadata = conversation.get("conversation_metadata")
    in_metadata = metadata.get("conversation_id") if isinstance(metadata, dict) else None
    return find_id(conversation.get("conversation_id")) or find_id(in_metadata)


def check_total(node: Node, key: str, present: int, what: str) -> None:
    """Note where a declared total differs from what is there."""
    declared = node.whole(key)
    if declared is not None and declared != present:
        node.notes.warn("WARN_TOTAL_DIFFERS", node.at(key), f"{declared} {what} declared, {present} present")
