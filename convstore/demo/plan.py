"""The demonstration set as files, and what reviewers are to decide about it. Touches no database.

The files go in through the ordinary import and the decisions through the ordinary review, so that a store with
demonstration data is a store like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import orjson

from convstore.demo import defects
from convstore.demo.documents import enriched_document, v4_document
from convstore.demo.generator import DemoConversation, generate
from convstore.demo.scaffolding import scaffold_document
from convstore.model import Scores, Status

__all__ = ["DemoDecision", "DemoPlan", "write_demo"]

#: Shares of the whole; what is left waits for review.
_SHARES: Mapping[Status, float] = {"rejected": 0.08, "needs_revision": 0.05, "archived": 0.02, "approved": 0.40}

_MOVES: Mapping[Status, tuple[Status, ...]] = {
    "approved": ("approved",),
    "rejected": ("rejected",),
    "needs_revision": ("needs_revision",),
    "archived": ("approved", "archived"),
}

_REASONS: Mapping[str, str] = {
    defects.TRUNCATED_BACKSLASH: "Cut off",
    defects.TRUNCATED_SENTENCE: "Cut off",
    defects.NEAR_DUPLICATE: "Near duplicate",
    defects.ENDS_ON_USER: "Ends on the user",
    defects.PERSONAL_DATA: "Personal data",
    defects.REPEATS: "Repeats",
    defects.ARC_MISSED: "Arc missed",
}
_OTHER_REASONS = ("Does not answer", "Too hurried", "Advice too general")

_NOTES: Mapping[Status, tuple[str, ...]] = {
    "approved": (
        "The first reply names the feeling before it names a figure. A model to follow.",
        "Good pace, and the step at the end has a date.",
        "I would have asked one question more, but it holds.",
    ),
    "rejected": (
        "Not worth mending, the same case is told better elsewhere.",
        "I would not want a model to learn this ending.",
    ),
    "needs_revision": (
        "The opening is strong. Please rewrite the last reply.",
        "Close to good: take out the detail in the first message and it can go in.",
    ),
    "archived": ("Good, but the guidance in it is out of date.",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDecision:
    """What a reviewer says of one conversation; `moves` are the statuses to pass through, in order."""

    conversation_id: str
    moves: tuple[Status, ...]
    scores: Scores
    reasons: tuple[str, ...] = ()
    note: str | None = None
    seconds: int

    @property
    def status(self) -> Status:
        """The status at the end."""
        return self.moves[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What was written, and what to do with it.

    Attributes
    ----------
    scaffold
        The file for the scaffold import; it comes before the conversations.
    conversations
        The folder for the import; `files` lists what is in it.
    names
        Better names by conversation id, where the file's family leaves only the id as a name.
    decisions
        In the order in which they are taken. Conversations that are not among them wait for review.
    """

    scaffold: Path
    conversations: Path
    files: tuple[Path, ...]
    conversation_ids: tuple[str, ...]
    names: Mapping[str, str]
    decisions: tuple[DemoDecision, ...]


def write_demo(folder: Path, count: int = 240, seed: int = 7) -> DemoPlan:
    """Write the demonstration set below a folder: every tenth conversation alone, the others by category."""
    made = list(generate(count, seed=seed))
    target = folder / "conversations"
    target.mkdir(parents=True, exist_ok=True)
    alone = made[5::10]
    chosen = {one.conversation_id for one in alone}
    files = [_write(target / f"{one.conversation_id}.json", enriched_document(one)) for one in alone]
    for category in sorted({one.category for one in made}):
        members = [one for one in made if one.category == category and one.conversation_id not in chosen]
        if members:
            files.append(_write(target / f"{category}.json", v4_document(members, file_name=f"{category}.json")))
    return DemoPlan(
        scaffold=_write(folder / "scaffold.json", scaffold_document()),
        conversations=target,
        files=tuple(sorted(files)),
        conversation_ids=tuple(one.conversation_id for one in made),
        names={one.conversation_id: one.name for one in alone},
        decisions=_decide(made, seed),
    )


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return path


def _decide(made: Sequence[DemoConversation], seed: int) -> tuple[DemoDecision, ...]:
    rng = Random(seed)
    # What is flawed is sent back more often than the rest, though some of it always waits to be found.
    worst_first = sorted(made, key=lambda one: rng.random() + (0.6 if one.planted else 0.0), reverse=True)
    sent_back = [round(share * len(made)) for share in _SHARES.values()]
    decisions = []
    position = 0
    for status, number in zip(_SHARES, sent_back, strict=True):
        if status == "archived":
            # From here on the sound ones come first, so that little that is flawed is approved.
            worst_first[position:] = sorted(
                worst_first[position:], key=lambda one: rng.random() + (1.2 if one.planted else 0.0)
            )
        decisions += [_decision(one, status, rng) for one in worst_first[position : position + number]]
        position += number
    rng.shuffle(decisions)
    return tuple(decisions)


def _decision(conversation: DemoConversation, status: Status, rng: Random) -> DemoDecision:
    reasons: tuple[str, ...] = ()
    if status in ("rejected", "needs_revision"):
        reasons = tuple(_REASONS[kind] for kind in conversation.planted) or (rng.choice(_OTHER_REASONS),)
    noted = rng.random() < (0.6 if reasons else 0.15) or status == "archived"
    return DemoDecision(
        conversation_id=conversation.conversation_id,
        moves=_MOVES[status],
        scores=_human_scores(conversation.scores, status, rng),
        reasons=reasons,
        note=rng.choice(_NOTES[status]) if noted else None,
        seconds=rng.randint(35, 260),
    )


def _human_scores(file: Scores, status: Status, rng: Random) -> Scores:
    """Scores in halves, as people give them: near the file's, drawn towards what they decide."""
    aim = {"approved": 42, "archived": 40, "needs_revision": 30, "rejected": 20}[status]

    def half(score: Decimal | None) -> Decimal:
        believed = aim if score is None else 0.45 * float(score) * 10 + 0.55 * aim
        halves = round(rng.gauss(believed, 4) / 5)
        return Decimal(min(10, max(2, halves))) / 2

    return Scores(
        quality=half(file.quality),
        empathy=half(file.empathy),
        clarity=half(file.clarity),
        appropriateness=half(file.appropriateness),
        brand_voice=half(file.brand_voice),
    )
