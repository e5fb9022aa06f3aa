"""A filter in the address of a page, in words: both ways. Knows no widget and no store.

Widgets that are bound to the address write the word of an option, so a code travels as its word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from convstore.model import Filter, ScoreRange
from convstore.ui.status import FINDINGS, STATUSES, TIERS

__all__ = ["EXTRAS", "WIDGETS", "Vocabulary", "extra_params", "filter_of", "params_of"]

#: Parameters without a widget of their own: other screens and people set them, each with the field it fills.
EXTRAS: Mapping[str, str] = {
    "category": "categories",
    "source": "sources",
    "score": "scores",
    "emotion": "emotions",
    "reviewer": "reviewers",
    "processing": "processing",
    "id": "ids",
    "unscored": "unscored",
    "since": "since",
    "until": "until",
    "group": "group",
    "release": "release",
}
_LISTS = ("category", "source", "emotion", "reviewer", "processing", "id")
#: Parameters that widgets of the filter form write, each with its field.
WIDGETS = {"status": "statuses", "persona": "personas", "arc": "arcs", "topic": "topics", "tier": "tiers",
           "finding": "findings"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The word of every code, by the parameter that it appears in."""

    words: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, names: Mapping[str, Mapping[str, str]]) -> Vocabulary:
        """The fixed words, and the names of this workspace's personas, arcs and topics; the empty code is none."""
        return cls(
            {
                "status": {code: look.word for code, look in STATUSES.items()},
                "tier": TIERS,
                "finding": FINDINGS,
                **{axis: _distinct({**named, "": f"No {axis}"} if named else {}) for axis, named in names.items()},
            }
        )

    def word(self, name: str, code: str) -> str:
        """The word of a code; the code itself where none is known."""
        return self.words[name].get(code, code)

    def codes(self, name: str, words: Sequence[str]) -> tuple[str, ...]:
        """The codes of words; unknown words are left out."""
        by_word = {word: code for code, word in self.words[name].items()}
        return tuple(by_word[word] for word in words if word in by_word)


def _distinct(names: Mapping[str, str]) -> dict[str, str]:
    # Two rows may share a name; the address must still tell them apart.
    shared = {name for name, times in Counter(names.values()).items() if times > 1}
    return {key: f"{name} ({key})" if name in shared else name for key, name in names.items()}


def params_of(wanted: Filter, vocabulary: Vocabulary) -> dict[str, list[str]]:
    """The address of a filter."""
    params: dict[str, list[str]] = {}
    for name, attribute in WIDGETS.items():
        params[name] = [vocabulary.word(name, code) for code in getattr(wanted, attribute)]
    if wanted.min_quality is not None or wanted.max_quality is not None:
        params["quality"] = [str(float(wanted.min_quality or 1)), str(float(wanted.max_quality or 5))]
    if wanted.text:
        params["text"] = [wanted.text]
    for name in _LISTS:
        params[name] = list(getattr(wanted, EXTRAS[name]))
    params["score"] = [f"{limits.dimension}:{limits.minimum}..{limits.maximum}" for limits in wanted.scores]
    params["unscored"] = ["yes"] if wanted.unscored else []
    for name in ("since", "until"):
        at = getattr(wanted, name)
        params[name] = [at.isoformat()] if at else []
    for name in ("group", "release"):
        params[name] = [getattr(wanted, name)] if getattr(wanted, name) else []
    return {name: values for name, values in params.items() if values}


def filter_of(params: Mapping[str, Sequence[str]], vocabulary: Vocabulary) -> Filter:
    """The filter of an address; what cannot be understood is left out."""
    fields: dict[str, Any] = {
        attribute: vocabulary.codes(name, params.get(name, ())) for name, attribute in WIDGETS.items()
    }
    limits = [value for text in params.get("quality", ()) if (value := _decimal(text)) is not None]
    if len(limits) == 2:
        fields["min_quality"] = limits[0] if limits[0] > 1 else None
        fields["max_quality"] = limits[1] if limits[1] < 5 else None
    fields["text"] = next(iter(params.get("text", ())), None) or None
    return Filter(**fields, **extra_params(params))


def extra_params(params: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The fields of a filter that have no widget."""
    fields: dict[str, Any] = {EXTRAS[name]: tuple(params.get(name, ())) for name in _LISTS}
    fields["scores"] = tuple(limits for text in params.get("score", ()) if (limits := _score_range(text)) is not None)
    fields["unscored"] = bool(params.get("unscored"))
    for name in ("since", "until"):
        fields[name] = next((at for text in params.get(name, ()) if (at := _moment(text)) is not None), None)
    for name in ("group", "release"):
        fields[name] = next(iter(params.get(name, ())), None)
    return fields


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _score_range(text: str) -> ScoreRange | None:
    dimension, _, limits = text.partition(":")
    low, _, high = limits.partition("..")
    minimum, maximum = _decimal(low), _decimal(high)
    return None if minimum is None or maximum is None else ScoreRange(dimension, minimum, maximum)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
