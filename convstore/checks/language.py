"""Messages in another language than the set's, and stray characters of a foreign script.

Most messages are cleared by their frequent words alone, which takes microseconds. Only a stretch that these do not
clear is shown to the language model (py3langid), whose loading takes about a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from convstore.checks.contract import Check, CheckInput, Hit, Measured

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

__all__ = ["CHECK"]

#: Languages that are told apart. Few and common: each rare cousin more is another false alarm.
_LATIN_CODES = "ca cs da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl sv tr vi"
_OTHER_CODES = "ar bg el fa he hi ja ko ru th uk zh"
_LANGUAGES = frozenset(f"{_LATIN_CODES} {_OTHER_CODES}".split())
_CONFIDENCE = 0.95
_SAMPLE_CHARS = 400
#: Below this many letters a guess is a coin toss.
_MIN_LETTERS = 60
#: Share of frequent words that clears a stretch; running text has 0.35 to 0.55 of them, another language under 0.08.
_CLEAR_SHARE = 0.2
_FREQUENT_WORDS = {
    "en": "the and to of a in that is you i it for on with this be are was have not your but what my so can we if do",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an ich sie wir ihr",
    "fr": "le la les de des et à en un une du que est pour qui dans ce il ne sur se pas plus par je vous nous avec au",
    "es": "el la los las de que y a en un una es por con no para se su al lo como más pero me mi del si tu usted",
    "it": "il la di che e a un una in per è non sono con mi si ho lo ma come le del della i da più anche questo al",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als je ik maar bij of uw we kan naar dit",
    "pt": "o a os as de que e do da em um uma para é com não no na se por mais como mas eu você seu ao dos isso",
}  # fmt: skip
_CLEARING = {language: frozenset(words.split()) for language, words in _FREQUENT_WORDS.items()}
#: Languages written in Latin letters, in whose text a run of any of these scripts is a slip of the generator.
_LATIN = frozenset(_LATIN_CODES.split())
_FOREIGN_SCRIPT = re.compile(
    r"[\u0400-\u052f\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    r"[\u0400-\u052f\u0590-\u06ff\u0900-\u0eff\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af ]*"
)
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    language = conversation.language
    clearing = _CLEARING.get(language, frozenset())
    for turn in conversation.turns:
        text = turn.content
        other = next((span for span in _samples(text) if _is_other(text[span[0] : span[1]], language, clearing)), None)
        if other:
            yield Hit("This stretch is in another language than the set.", turn.turn_number, other)
        elif language in _LATIN and not text.isascii():
            for run in _FOREIGN_SCRIPT.finditer(text):
                span = (run.start(), run.start() + len(run.group().rstrip()))
                yield Hit("Characters of a foreign script stand in the text.", turn.turn_number, span, "notice")


def _samples(text: str) -> list[tuple[int, int]]:
    """Beginning and end of a long text, where a change of language shows; all of a short one."""
    if len(text) <= 2 * _SAMPLE_CHARS:
        return [(0, len(text))]
    return [(0, _SAMPLE_CHARS), (len(text) - _SAMPLE_CHARS, len(text))]


def _is_other(sample: str, language: str, clearing: frozenset[str]) -> bool:
    words = sample.lower().split()
    if words and len([word for word in words if word in clearing]) >= _CLEAR_SHARE * len(words):
        return False
    prose = _CODE_BLOCK.sub(" ", sample)
    if sum(character.isalpha() for character in prose) < _MIN_LETTERS or language not in _LANGUAGES:
        return False
    guess, confidence = _identifier().classify(prose)
    return bool(guess != language and confidence >= _CONFIDENCE)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier


CHECK = Check(
    code="language",
    label="Language",
    severity="warning",
    version=1,
    explanation="A message is in another language than the set, or holds characters of a foreign script.",
    hits=_hits,
    measured=Measured(),
)
