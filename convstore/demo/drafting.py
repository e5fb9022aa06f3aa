"""Who speaks about what, in which sentences, their slots still open. Knows no score, emotion or defect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

from convstore.demo.voices import Arc, Exchange, Persona, Situation, Topic, load_voices

__all__ = ["DAYS", "MONTHS", "Draft", "Draw", "draft_conversation", "pick"]

T = TypeVar("T")
#: A source of numbers from 0 up to 1, as `Random.random`.
Draw = Callable[[], float]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SOON = ("tomorrow evening", "after supper tonight", "before the weekend", "first thing tomorrow", "next week")
_SMALL = tuple(f"£{pounds}" for pounds in range(180, 960, 10))
_PAIRS = (2, 3, 3, 3, 4, 4, 4, 4, 5, 5)


class Draft(NamedTuple):
    """A conversation before its slots are filled from `facts`."""

    persona: Persona
    arc: Arc
    topic: Topic
    situation: Situation
    facts: dict[str, str]
    messages: list[str]


def pick(draw: Draw, values: Sequence[T]) -> T:
    """One of the values, each as likely as the others."""
    return values[int(draw() * len(values))]


def draft_conversation(draw: Draw, messages: int | None, *, arc_missed: bool) -> Draft:
    """Choose who speaks about what, and the sentences with their slots still open."""
    voices = load_voices()
    # The exponents favour what comes first: a set without thin places would have nothing to show under coverage.
    persona = voices.personas[int(draw() ** 1.2 * len(voices.personas))]
    arc = voices.arcs[int(draw() ** 1.3 * len(voices.arcs))]
    topic, situations = pick(draw, _matters(persona.key))
    situation = pick(draw, situations)
    facts = _facts(draw, persona, topic)
    guide = voices.guide
    pairs = messages // 2 if messages else pick(draw, _PAIRS)

    texts = [
        f"{pick(draw, persona.greetings)} {pick(draw, situation.openings)} {pick(draw, arc.person['start'])}",
        f"{pick(draw, arc.guide['start'])}\n\n{pick(draw, situation.replies)}\n\n{pick(draw, guide.invitations)}",
    ]
    asked = _questions(draw, topic.exchanges, guide.exchanges, pairs - 2)
    reactions, leads = _several(draw, arc.person["middle"], len(asked)), _several(draw, guide.leads, len(asked))
    encouragements = _several(draw, _with_pauses(arc.key), len(asked))
    for exchange, reaction, lead, encouragement in zip(asked, reactions, leads, encouragements, strict=True):
        answer = " ".join([pick(draw, part) for part in exchange.answers])
        texts.append(f"{reaction} {pick(draw, exchange.questions)}")
        texts.append(f"{lead} {answer}\n\n{encouragement}")
    feeling = "start" if arc_missed else "end"
    texts.append(f"{pick(draw, arc.person[feeling])} {pick(draw, topic.steps)} {pick(draw, guide.thanks)}")
    texts.append(f"{pick(draw, arc.guide[feeling])} {pick(draw, topic.reminders)}\n\n{pick(draw, guide.farewells)}")
    return Draft(persona, arc, topic, situation, facts, texts)


@cache
def _with_pauses(arc_key: str) -> tuple[str, ...]:
    """The encouragements of an arc, each with every pause after it: few sentences that seldom end alike."""
    voices = load_voices()
    arc = next(one for one in voices.arcs if one.key == arc_key)
    return tuple(f"{said} {pause}".strip() for pause in voices.guide.pauses for said in arc.guide["middle"])


@cache
def _matters(persona_key: str) -> tuple[tuple[Topic, tuple[Situation, ...]], ...]:
    """The topics and situations that fit a persona."""
    return tuple(
        (topic, tuple(one for one in topic.situations if not one.personas or persona_key in one.personas))
        for topic in load_voices().topics
        if persona_key in topic.personas
    )


def _questions(
    draw: Draw, about_topic: Sequence[Exchange], about_anything: Sequence[Exchange], count: int
) -> list[Exchange]:
    """So many exchanges: about the topic first, the last one or all that are still wanting about anything."""
    if count == 0:
        return []
    general = 1 if draw() < 0.6 else 0
    asked = _several(draw, about_topic, min(count - general, len(about_topic)))
    return asked + _several(draw, about_anything, count - len(asked))


def _several(draw: Draw, values: Sequence[T], count: int) -> list[T]:
    """So many of the values in any order, none twice while there are others, from a starting point on."""
    start, size = int(draw() * len(values)), len(values)
    # Every odd step visits all of a power of two before the first comes back.
    step = 1 if draw() < 0.5 else 3
    return [values[(start + step * position) % size] for position in range(count)]


def _facts(draw: Draw, persona: Persona, topic: Topic) -> dict[str, str]:
    facts = {}
    for slot, values in topic.facts.items():
        value = facts[slot] = pick(draw, values)
        facts[f"{slot}_cap"] = value[0].upper() + value[1:]
    lost = pick(draw, persona.lost)
    facts.update(
        you=pick(draw, persona.you),
        ally=pick(draw, persona.ally),
        day=pick(draw, DAYS),
        month=pick(draw, MONTHS),
        small=pick(draw, _SMALL),
        soon=pick(draw, _SOON),
        lost=lost,
        lost_cap=lost[0].upper() + lost[1:],
        your_lost="your " + (lost[3:] if lost.startswith("my ") else lost.lower()),
        their="her" if facts.get("elder") == "Mum" else "his",
    )
    facts["soon_cap"] = facts["soon"].capitalize()
    return facts
