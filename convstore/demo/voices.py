"""The sentences of the demonstration set, read from the TOML files beside this module.

Sentences hold `{slots}` that the generator fills. Nothing here knows how a conversation is put together.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

__all__ = ["Arc", "Exchange", "Guide", "Persona", "Situation", "Topic", "Voices", "load_voices"]

Sentences = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of person who asks."""

    key: str
    name: str
    archetype: str
    description: str
    background: str
    you: Sentences
    ally: Sentences
    lost: Sentences
    greetings: Sentences


@dataclass(frozen=True, slots=True)
class Arc:
    """How a feeling moves; `person` and `guide` hold sentences under start, middle and end."""

    key: str
    name: str
    description: str
    emotions: Sentences
    intensity: tuple[float, float]
    person: Mapping[str, Sentences]
    guide: Mapping[str, Sentences]


@dataclass(frozen=True, slots=True)
class Situation:
    """What happened, and the guide's first answer to it."""

    title: str
    openings: Sentences
    replies: Sentences
    personas: Sentences


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and the parts of its answer, each in several wordings."""

    questions: Sentences
    answers: tuple[Sentences, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A matter that people ask about; `facts` lists what may stand in each slot."""

    key: str
    name: str
    description: str
    category: str
    personas: Sentences
    facts: Mapping[str, Sentences]
    situations: tuple[Situation, ...]
    exchanges: tuple[Exchange, ...]
    steps: Sentences
    reminders: Sentences


@dataclass(frozen=True, slots=True)
class Guide:
    """What the guide, or anybody, says whatever the topic."""

    invitations: Sentences
    leads: Sentences
    pauses: Sentences
    farewells: Sentences
    thanks: Sentences
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Voices:
    """Everything that can be said, in the order of the files."""

    personas: tuple[Persona, ...]
    arcs: tuple[Arc, ...]
    topics: tuple[Topic, ...]
    guide: Guide


@cache
def load_voices() -> Voices:
    """Read and check all sentences, once a process."""
    folder = files("convstore.demo") / "voices"
    topic_files = sorted((folder / "topics").iterdir(), key=lambda file: file.name)
    return Voices(
        personas=tuple(Persona(key=key, **_frozen(entry)) for key, entry in _read(folder / "personas.toml").items()),
        arcs=tuple(_arc(key, entry) for key, entry in _read(folder / "arcs.toml").items()),
        topics=tuple(_topic(file) for file in topic_files if file.name.endswith(".toml")),
        guide=_guide(_read(folder / "guide.toml")),
    )


def _read(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _arc(key: str, entry: dict[str, Any]) -> Arc:
    person, guide = _frozen(entry.pop("person")), _frozen(entry.pop("guide"))
    return Arc(key=key, person=person, guide=guide, **_frozen(entry))


def _exchanges(entries: list[dict[str, Any]]) -> tuple[Exchange, ...]:
    return tuple(
        Exchange(tuple(entry["questions"]), tuple(tuple(part) for part in entry["answers"])) for entry in entries
    )


def _guide(entry: dict[str, Any]) -> Guide:
    exchanges = _exchanges(entry.pop("exchanges"))
    return Guide(exchanges=exchanges, **_frozen(entry))


def _topic(file: Traversable) -> Topic:
    entry = _read(file)
    situations = tuple(
        Situation(one["title"], tuple(one["openings"]), tuple(one["replies"]), tuple(one.get("personas", ())))
        for one in entry.pop("situations")
    )
    exchanges = _exchanges(entry.pop("exchanges"))
    facts = {slot: _values(values) for slot, values in entry.pop("facts").items()}
    return Topic(
        key=file.name.removesuffix(".toml"),
        facts=facts,
        situations=situations,
        exchanges=exchanges,
        **_frozen(entry),
    )


def _values(values: list[str] | dict[str, int]) -> Sentences:
    """A list as it stands; a range of whole pounds written out."""
    if isinstance(values, dict):
        return tuple(f"£{pounds:,}" for pounds in range(values["from"], values["to"] + 1, values["step"]))
    return tuple(values)
