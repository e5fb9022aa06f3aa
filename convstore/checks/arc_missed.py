"""The emotional arc that a conversation was generated for, against where the client ends.

Labels are free text with many spellings and near synonyms, so they are compared by direction: another settled feeling
than the promised one counts as reached, distress does not, and nor does the feeling that the conversation began with.
A label of unknown direction is never held against a conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Literal

from convstore.checks.contract import ArcPromise, Check, CheckInput, Hit, Measured
from convstore.model import Turn

__all__ = ["CHECK"]

Direction = Literal["settled", "distress"]

#: "reduced_fear" and "validated_shame" are fear and shame on the way out.
_EASED = re.compile(r"\b(?:reduced|validated|accepted|lessened|less|eas(?:ing|ed)|released|resolved)\b")
_DISTRESS = re.compile(
    r"\b(?:afraid|agitat|alarm|ang(?:er|ry)|anguish|anxi|asham|avoid|bitter|burden|conflict|confus|concern|contempt"
    r"|defeat|denial|despair|desperat|disappoint|dismay|distress|doubt|dread|embarrass|exhaust|fear|frustrat|grie[fv]"
    r"|guilt|helpless|hesita|hopeless|humiliat|hurt|insecur|isolat|jealous|lonel|lost|miser|nervous|overwhelm|panic"
    r"|paraly|pessimis|pressure|regret|resent|resign|sad|scared|shame|skeptic|stress|stuck|suspici|tens(?:e|ion)"
    r"|terr[io]|trapped|uncertain|upset|vulnerab|worr)"
)
_SETTLED = re.compile(
    r"\b(?:accept|agree|align|appreciat|assur|balance|calm|celebrat|clarity|clear|comfort|commit|confiden|content(?!ious)"
    r"|courag|curio|determin|eager|empower|encourag|energi|engag|enthus|excit|forgiv|free|grat(?:eful|itude)|happ|harmon"
    r"|hope(?!less)|joy|motivat|open|optimis|partner|peace|pride|proud|read[iy]|reassur|reconcil|relie[fv]|relax|resol"
    r"|satisf|secur|seren|strength|support|trust|understanding|understood|united|unity)"
)
#: Intensities are estimates of a model: a difference below this says nothing.
_INTENSITY_TOLERANCE = 0.2
_SAME_PREFIX_CHARS = 5


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    promise = conversation.promise
    if promise is None:
        return
    closing = _closing_turn(conversation.turns)
    if closing is None:
        return
    if promise.ending_emotion and closing.detected_emotion and not _reached(promise, closing.detected_emotion):
        yield Hit("The client ends in another feeling than the arc promises.", closing.turn_number)
    elif _missed_intensity(promise, closing.emotional_intensity):
        yield Hit("The intensity did not move as far as the arc promises.", closing.turn_number)


def _closing_turn(turns: tuple[Turn, ...]) -> Turn | None:
    """The last labelled message of the client: the assistant's labels describe its own stance."""
    labelled = [turn for turn in turns if turn.detected_emotion]
    by_client = [turn for turn in labelled if turn.role == "user"]
    return next(reversed(by_client or labelled), None)


def _reached(promise: ArcPromise, label: str) -> bool:
    found, promised, start = map(_words, (label, promise.ending_emotion or "", promise.starting_emotion or ""))
    if {_direction(found), _direction(promised)} == {"settled", "distress"}:
        return False
    return not _same(found, start) or _same(found, promised) or _same(start, promised)


def _words(label: str) -> str:
    return label.strip().lower().replace("_", " ").replace("-", " ")


def _direction(words: str) -> Direction | None:
    if _EASED.search(words):
        return "settled"
    distress, settled = _DISTRESS.search(words), _SETTLED.search(words)
    if bool(distress) == bool(settled):
        # Of "hopeful but anxious" nobody can say where it points.
        return None
    return "distress" if distress else "settled"


def _same(one: str, other: str) -> bool:
    """True of "empowered" and "empowerment", "hope" and "hopeful"."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return bool(one and other) and shared >= min(_SAME_PREFIX_CHARS, len(one), len(other))


def _missed_intensity(promise: ArcPromise, intensity: float | None) -> bool:
    start, end = promise.intensity_start, promise.intensity_end
    # Without a promised change there is no direction in which it could fall short.
    if intensity is None or start is None or end is None or abs(end - start) < _INTENSITY_TOLERANCE:
        return False
    shortfall = intensity - end if end < start else end - intensity
    return shortfall > _INTENSITY_TOLERANCE


CHECK = Check(
    code="arc_missed",
    label="Arc missed",
    severity="warning",
    version=1,
    explanation="The conversation does not reach the emotion, or the intensity, that its arc promises.",
    hits=_hits,
    measured=Measured(findings=3, conversations=3),
)
