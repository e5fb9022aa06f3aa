"""Conversations in any number, the same for the same seed. Knows no file format and no database.

Conversation k depends on the seed and on k alone, so a set of 240 is the beginning of a set of a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import NamedTuple, TypeVar

from convstore.demo import defects
from convstore.demo.voices import Arc, Exchange, Persona, Situation, Topic, load_voices
from convstore.errors import UsageError
from convstore.model import Scores, Tier

__all__ = ["DemoConversation", "DemoTurn", "conversation_at", "generate"]

T = TypeVar("T")

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SOON = ("tomorrow evening", "after supper tonight", "before the weekend", "first thing tomorrow", "next week")
_SMALL = tuple(f"£{pounds}" for pounds in range(180, 960, 10))
_PAIRS = (2, 3, 3, 3, 4, 4, 4, 4, 5, 5)
_TIERS: tuple[Tier, ...] = ("template",) * 7 + ("scenario",) * 2 + ("edge_case",)
_TENTHS = tuple(Decimal(tenth) / 10 for tenth in range(51))
_FIRST_DAY = date(2026, 1, 5)

_GUIDE_EMOTIONS = ("compassion", "warmth", "reassurance", "encouragement", "patience")
_OPENING = (("name_the_feeling", "warm"), ("normalise_first", "gentle"), ("slow_down", "calm"))
_MIDDLE = (("one_small_step", "plain"), ("explain_in_plain_words", "patient"), ("weigh_both_sides", "even"))
_CLOSING = (("affirm_the_plan", "warm"), ("hand_it_back", "confident"), ("look_back_and_on", "calm"))


class DemoTurn(NamedTuple):
    """One message."""

    role: str
    content: str
    emotion: str
    intensity: float
    strategy: str | None
    tone: str | None


@dataclass(frozen=True, slots=True)
class DemoConversation:
    """One conversation with everything that a file or a row needs.

    `planted` names its defects; `duplicate_of` the conversation that a near duplicate repeats.
    """

    conversation_id: str
    name: str
    title: str
    first_name: str
    persona_key: str
    arc_key: str
    topic_key: str
    tier: Tier
    category: str
    created_on: date
    scores: Scores
    turns: tuple[DemoTurn, ...]
    planted: tuple[str, ...]
    duplicate_of: str | None

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotion of every turn, in order."""
        return tuple(turn.emotion for turn in self.turns)


class _Draft(NamedTuple):
    persona: Persona
    arc: Arc
    topic: Topic
    situation: Situation
    facts: dict[str, str]
    messages: list[str]


def generate(count: int, *, seed: int = 7, messages: int | None = None) -> Iterator[DemoConversation]:
    """Yield `count` conversations of 4 to 10 messages, or of exactly `messages`, an even number from 4."""
    if messages is not None and (messages < 4 or messages % 2):
        raise UsageError(f"A conversation can't have {messages} messages.", hint="Ask for an even number, 4 or more.")
    return (conversation_at(index, seed=seed, messages=messages) for index in range(count))


def conversation_at(index: int, *, seed: int = 7, messages: int | None = None) -> DemoConversation:
    """The conversation at one position, counted from 0."""
    defect = defects.defect_at(index)
    rng = _stream(seed, index)
    if defect == defects.NEAR_DUPLICATE:
        draft = _draft(_stream(seed, index - 1), messages, arc_missed=False)
        # The same words on other dates and with another good-bye: what a fixed template produces.
        draft.facts.update(day=_pick(rng, _DAYS), month=_pick(rng, _MONTHS))
        reply, farewell = draft.messages[-1].rsplit("\n\n", 1)
        others = [one for one in load_voices().guide.farewells if one != farewell]
        draft.messages[-1] = f"{reply}\n\n{_pick(rng, others)}"
    else:
        draft = _draft(rng, messages, arc_missed=defect == defects.ARC_MISSED)
    persona, arc, topic = draft.persona, draft.arc, draft.topic
    contents = [message.format_map(draft.facts) for message in draft.messages]
    _plant(defect, contents, index, draft.facts["you"], rng)
    title = draft.situation.title.format_map(draft.facts)
    return DemoConversation(
        conversation_id=_identity(topic.key, seed, index),
        name=f"{persona.name}: {title}",
        title=title,
        first_name=draft.facts["you"],
        persona_key=persona.key,
        arc_key=arc.key,
        topic_key=topic.key,
        tier=_pick(rng, _TIERS),
        category=topic.category,
        created_on=_FIRST_DAY + timedelta(days=int(rng.random() * 150)),
        scores=_scores(rng, arc, flawed=defect is not None),
        turns=_turns(rng, arc, contents, arc_missed=defect == defects.ARC_MISSED),
        planted=(defect,) if defect else (),
        duplicate_of=_identity(topic.key, seed, index - 1) if defect == defects.NEAR_DUPLICATE else None,
    )


def _identity(topic_key: str, seed: int, index: int) -> str:
    return f"{topic_key.replace('_', '-')}-{seed}-{index:06d}"


def _stream(seed: int, index: int) -> Random:
    # Far apart for neighbouring seeds, so that seed 8 is not seed 7 moved by one.
    return Random(seed * 1_000_000_007 + index)


def _pick(rng: Random, values: Sequence[T]) -> T:
    return values[int(rng.random() * len(values))]


def _draft(rng: Random, messages: int | None, *, arc_missed: bool) -> _Draft:
    """Choose who speaks about what, and the sentences with their slots still open."""
    voices = load_voices()
    # The exponents favour what comes first: a set without thin places would have nothing to show under coverage.
    persona = voices.personas[int(rng.random() ** 1.2 * len(voices.personas))]
    arc = voices.arcs[int(rng.random() ** 1.3 * len(voices.arcs))]
    topic, situations = _pick(rng, _matters(persona.key))
    situation = _pick(rng, situations)
    facts = _facts(rng, persona, topic)
    guide = voices.guide
    pairs = messages // 2 if messages else _pick(rng, _PAIRS)

    texts = [
        f"{_pick(rng, persona.greetings)} {_pick(rng, situation.openings)} {_pick(rng, arc.person['start'])}",
        f"{_pick(rng, arc.guide['start'])}\n\n{_pick(rng, situation.replies)}\n\n{_pick(rng, guide.invitations)}",
    ]
    asked = _questions(rng, topic.exchanges, guide.exchanges, pairs - 2)
    reactions, leads = _several(rng, arc.person["middle"], len(asked)), _several(rng, guide.leads, len(asked))
    encouragements = _several(rng, arc.guide["middle"], len(asked))
    for exchange, reaction, lead, encouragement in zip(asked, reactions, leads, encouragements, strict=True):
        answer = " ".join([_pick(rng, part) for part in exchange.answers])
        texts.append(f"{reaction} {_pick(rng, exchange.questions)}")
        texts.append(f"{lead} {answer}\n\n{encouragement}")
    feeling = "start" if arc_missed else "end"
    texts.append(f"{_pick(rng, arc.person[feeling])} {_pick(rng, topic.steps)} {_pick(rng, guide.thanks)}")
    texts.append(f"{_pick(rng, arc.guide[feeling])} {_pick(rng, topic.reminders)}\n\n{_pick(rng, guide.farewells)}")
    return _Draft(persona, arc, topic, situation, facts, texts)


@cache
def _matters(persona_key: str) -> tuple[tuple[Topic, tuple[Situation, ...]], ...]:
    """The topics and situations that fit a persona."""
    return tuple(
        (topic, tuple(one for one in topic.situations if not one.personas or persona_key in one.personas))
        for topic in load_voices().topics
        if persona_key in topic.personas
    )


def _questions(
    rng: Random, about_topic: Sequence[Exchange], about_anything: Sequence[Exchange], count: int
) -> list[Exchange]:
    """So many exchanges: about the topic first, the last one or all that are still wanting about anything."""
    if count == 0:
        return []
    general = 1 if rng.random() < 0.6 else 0
    asked = _several(rng, about_topic, min(count - general, len(about_topic)))
    return asked + _several(rng, about_anything, count - len(asked))


def _several(rng: Random, values: Sequence[T], count: int) -> list[T]:
    """So many of the values in any order, none twice while there are others, from a starting point on."""
    start, size = int(rng.random() * len(values)), len(values)
    # Every odd step visits all of 4 or 8 values before the first comes back.
    step = 1 if rng.random() < 0.5 else 3
    return [values[(start + step * position) % size] for position in range(count)]


def _facts(rng: Random, persona: Persona, topic: Topic) -> dict[str, str]:
    facts = {}
    for slot, values in topic.facts.items():
        value = facts[slot] = _pick(rng, values)
        facts[f"{slot}_cap"] = value[0].upper() + value[1:]
    lost = _pick(rng, persona.lost)
    facts.update(
        you=_pick(rng, persona.you),
        ally=_pick(rng, persona.ally),
        day=_pick(rng, _DAYS),
        month=_pick(rng, _MONTHS),
        small=_pick(rng, _SMALL),
        soon=_pick(rng, _SOON),
        lost=lost,
        lost_cap=lost[0].upper() + lost[1:],
        your_lost="your " + (lost[3:] if lost.startswith("my ") else lost.lower()),
        their="her" if facts.get("elder") == "Mum" else "his",
    )
    facts["soon_cap"] = facts["soon"].capitalize()
    return facts


def _plant(defect: str | None, contents: list[str], index: int, name: str, rng: Random) -> None:
    """Damage the messages in place."""
    if defect == defects.TRUNCATED_BACKSLASH:
        contents[-1] = defects.cut_off(contents[-1], rng, backslash=True)
    elif defect == defects.TRUNCATED_SENTENCE:
        contents[-1] = defects.cut_off(contents[-1], rng, backslash=False)
    elif defect == defects.ENDS_ON_USER:
        contents.pop()
    elif defect == defects.PERSONAL_DATA:
        contents[0] = f"{contents[0]} {defects.personal_data(index, name, rng)}"
    elif defect == defects.REPEATS:
        contents[-1] = f"{contents[-3]}\n\n{contents[-1]}"


def _turns(rng: Random, arc: Arc, contents: Sequence[str], *, arc_missed: bool) -> tuple[DemoTurn, ...]:
    """Give every message its feeling: the person's moves along the arc, the guide's last one arrives with it."""
    start, end = arc.intensity
    if arc_missed:
        end = start
    last = len(contents) - 1
    steps = max(1, last // 2)
    turns = []
    for position, content in enumerate(contents):
        share = min(1.0, (position // 2) / steps)
        jitter = (rng.random() - 0.5) * 0.08
        if position % 2 == 0:
            emotion = arc.emotions[0 if arc_missed else int(share * (len(arc.emotions) - 1))]
            intensity = round(start + (end - start) * share + jitter, 2)
            turns.append(DemoTurn("user", content, emotion, intensity, None, None))
            continue
        plan = _OPENING if position == 1 else _CLOSING if position == last else _MIDDLE
        strategy, tone = _pick(rng, plan)
        if position < last:
            emotion, intensity = _pick(rng, _GUIDE_EMOTIONS), round(0.5 + jitter, 2)
        else:
            emotion = arc.emotions[0 if arc_missed else -1]
            intensity = round(end + jitter / 2, 2)
        turns.append(DemoTurn("assistant", content, emotion, intensity, strategy, tone))
    return tuple(turns)


def _scores(rng: Random, arc: Arc, *, flawed: bool) -> Scores:
    """The file's scores in tenths around 3.6; some are missing, and what is flawed scores lower."""
    missing = rng.random()
    if missing < 0.08:
        return Scores()
    quality = rng.gauss(30 if flawed else 37, 9)
    if missing < 0.13:
        return Scores(quality=_score(quality))
    return Scores(
        quality=_score(quality),
        # Replies to shame read colder than the rest: something for the quality page to notice.
        empathy=_score(quality + rng.gauss(-6 if arc.key == "shame_to_acceptance" else 2, 4)),
        clarity=_score(quality + rng.gauss(0, 4)),
        appropriateness=_score(quality + rng.gauss(3, 3)),
        brand_voice=_score(quality + rng.gauss(-1, 5)),
    )


def _score(tenths: float) -> Decimal:
    return _TENTHS[min(50, max(10, round(tenths)))]
