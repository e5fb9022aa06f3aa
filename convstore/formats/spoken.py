"""Messages that say their own role: raw turns and the rows of the two field standards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convstore.formats.emotion import NO_EMOTION, read_stated
from convstore.formats.node import Node, Refused
from convstore.formats.pairs import Text
from convstore.formats.turns import make_turn, numbered
from convstore.model import Turn

__all__ = ["Dialect", "Spoken", "read_spoken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where the members of a message stand and what its roles are called.

    `roles` maps to "user", "assistant" or "system"; a system message may only come first.
    """

    role_key: str
    content_key: str
    roles: Mapping[str, str]
    emotion_key: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """The turns, the system prompt, and whatever else the messages held, by turn number."""

    turns: tuple[Turn, ...]
    system_prompt: str | None
    extras: list[dict[str, Any]]


def read_spoken(parent: Node, key: str, dialect: Dialect, *, are_numbered: bool = False) -> Spoken:
    """The messages of the list in a member; raises `Refused` where one cannot be stored.

    `are_numbered` is True if messages have a `turn_number`, which orders them where the numbers run 1..N.
    """
    path = parent.at(key)
    nodes: Sequence[Node] = parent.required_nodes(key)
    if are_numbered:
        nodes = _in_order(nodes, path)
    system_prompt = None
    if nodes and _role(nodes[0], dialect) == "system":
        system_prompt = Text(nodes[0], dialect.content_key).content()
        nodes = nodes[1:]
    if not nodes:
        raise Refused("ERR_NO_TURNS", "a conversation without messages", path)
    turns = [_turn(node, dialect, number) for number, node in enumerate(nodes, start=1)]
    known = {dialect.role_key, dialect.content_key, dialect.emotion_key, "turn_number"}
    extras = [
        {"turn_number": number, **rest}
        for number, node in enumerate(nodes, start=1)
        if (rest := {name: value for name, value in node.value.items() if name not in known})
    ]
    return Spoken(numbered(turns, parent.notes, path), system_prompt, extras)


def _in_order(nodes: Sequence[Node], path: str) -> Sequence[Node]:
    numbers = [number for node in nodes if (number := node.whole("turn_number")) is not None]
    if len(numbers) == len(nodes) and sorted(numbers) == list(range(1, len(nodes) + 1)):
        return [node for _, node in sorted(zip(numbers, nodes, strict=True), key=lambda numbered: numbered[0])]
    if nodes:
        message = "turn numbers are missing or repeated; the order of the file is kept"
        nodes[0].notes.warn("WARN_TURN_NUMBERS", path, message)
    return nodes


def _role(node: Node, dialect: Dialect) -> str | None:
    role = node.value.get(dialect.role_key)
    return dialect.roles.get(role) if isinstance(role, str) else None


def _turn(node: Node, dialect: Dialect, number: int) -> Turn:
    role = _role(node, dialect)
    if role is None or role == "system":
        reason = "a system message after the first place" if role else "the role of a message is unknown"
        raise Refused("ERR_ROLE_UNKNOWN", reason, node.at(dialect.role_key))
    text = Text(node, dialect.content_key)
    emotion = NO_EMOTION
    if dialect.emotion_key is not None:
        emotion = read_stated(node.node(dialect.emotion_key), "primary_emotion")
    return make_turn(role, text, emotion, number)
