"""Conversations in any number, the same for the same seed. Knows no file format and no database.

Conversation k depends on the seed and on k alone, so a set of 240 is the beginning of a set of a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from convstore.demo import defects
from convstore.demo.drafting import DAYS, MONTHS, Draw, draft_conversation, pick
from convstore.demo.voices import Arc, load_voices
from convstore.errors import UsageError
from convstore.model import Scores, Tier

__all__ = ["DemoConversation", "DemoTurn", "conversation_at", "generate"]


_TIERS: tuple[Tier, ...] = ("template",) * 7 + ("scenario",) * 2 + ("edge_case",)
_TENTHS = tuple(Decimal(tenth).scaleb(-1) for tenth in range(51))
_FIRST_DAY = date(2026, 1, 5)
# Standard normal deviates to pick from: several times as fast as drawing each.
_DEVIATES = tuple(NormalDist().inv_cdf((position + 0.5) / 400) for position in range(400))

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


def generate(count: int, *, seed: int = 7, messages: int | None = None) -> Iterator[DemoConversation]:
    """Yield `count` conversations of 4 to 10 messages, or of exactly `messages`, an even number from 4."""
    if messages is not None and (messages < 4 or messages % 2):
        raise UsageError(f"A conversation can't have {messages} messages.", hint="Ask for an even number, 4 or more.")
    return (conversation_at(index, seed=seed, messages=messages) for index in range(count))


def conversation_at(index: int, *, seed: int = 7, messages: int | None = None) -> DemoConversation:
    """The conversation at one position, counted from 0."""
    defect = defects.defect_at(index)
    rng = _stream(seed, index)
    draw = rng.random
    if defect == defects.NEAR_DUPLICATE:
        draft = draft_conversation(_stream(seed, index - 1).random, messages, arc_missed=False)
        # The same words on other dates and with another good-bye: what a fixed template produces.
        draft.facts.update(day=pick(draw, DAYS), month=pick(draw, MONTHS))
        reply, farewell = draft.messages[-1].rsplit("\n\n", 1)
        others = [one for one in load_voices().guide.farewells if one != farewell]
        draft.messages[-1] = f"{reply}\n\n{pick(draw, others)}"
    else:
        draft = draft_conversation(draw, messages, arc_missed=defect == defects.ARC_MISSED)
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
        tier=pick(draw, _TIERS),
        category=topic.category,
        created_on=_FIRST_DAY + timedelta(days=int(draw() * 150)),
        scores=_scores(draw, arc, flawed=defect is not None),
        turns=_turns(draw, arc, contents, arc_missed=defect == defects.ARC_MISSED),
        planted=(defect,) if defect else (),
        duplicate_of=_identity(topic.key, seed, index - 1) if defect == defects.NEAR_DUPLICATE else None,
    )


def _identity(topic_key: str, seed: int, index: int) -> str:
    return f"{topic_key.replace('_', '-')}-{seed}-{index:06d}"


def _stream(seed: int, index: int) -> Random:
    # Far apart for neighbouring seeds, so that seed 8 is not seed 7 moved by one.
    return Random(seed * 1_000_000_007 + index)


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
        contents[-1] = contents[-3]


def _turns(draw: Draw, arc: Arc, contents: Sequence[str], *, arc_missed: bool) -> tuple[DemoTurn, ...]:
    """Give every message its feeling: the person's moves along the arc, the guide's last one arrives with it."""
    start, end = arc.intensity
    if arc_missed:
        end = start
    last = len(contents) - 1
    steps = max(1, last // 2)
    turns = []
    for position, content in enumerate(contents):
        share = min(1.0, (position // 2) / steps)
        jitter = (draw() - 0.5) * 0.08
        if position % 2 == 0:
            emotion = arc.emotions[0 if arc_missed else int(share * (len(arc.emotions) - 1))]
            intensity = round(start + (end - start) * share + jitter, 2)
            turns.append(DemoTurn("user", content, emotion, intensity, None, None))
            continue
        plan = _OPENING if position == 1 else _CLOSING if position == last else _MIDDLE
        strategy, tone = pick(draw, plan)
        if position < last:
            emotion, intensity = pick(draw, _GUIDE_EMOTIONS), round(0.5 + jitter, 2)
        else:
            emotion = arc.emotions[0 if arc_missed else -1]
            intensity = round(end + jitter / 2, 2)
        turns.append(DemoTurn("assistant", content, emotion, intensity, strategy, tone))
    return tuple(turns)


def _scores(draw: Draw, arc: Arc, *, flawed: bool) -> Scores:
    """The file's scores in tenths around 3.6; some are missing, and what is flawed scores lower."""
    missing = draw()
    if missing < 0.08:
        return Scores()
    quality = (30 if flawed else 37) + 9 * pick(draw, _DEVIATES)
    if missing < 0.13:
        return Scores(quality=_score(quality))
    return Scores(
        quality=_score(quality),
        # Replies to shame read colder than the rest: something for the quality page to notice.
        empathy=_score(quality + (-6 if arc.key == "shame_to_acceptance" else 2) + 4 * pick(draw, _DEVIATES)),
        clarity=_score(quality + 4 * pick(draw, _DEVIATES)),
        appropriateness=_score(quality + 3 + 3 * pick(draw, _DEVIATES)),
        brand_voice=_score(quality - 1 + 5 * pick(draw, _DEVIATES)),
    )


def _score(tenths: float) -> Decimal:
    return _TENTHS[min(50, max(10, round(tenths)))]
