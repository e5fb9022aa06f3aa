"""What a file says about a conversation besides its messages: scores, keys, tier, extra criteria. Knows no family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from convstore.formats.identity import slug
from convstore.formats.node import Node
from convstore.formats.pairs import Pair
from convstore.model import Scores, Tier
from convstore.scores import HIGHEST, LOWEST, mean

__all__ = [
    "check_background",
    "extra_criteria",
    "first_key",
    "persona_from_name",
    "scores_of",
    "session_context",
    "system_prompt_of",
    "tier_of",
]

_LONGEST_KEY_CHARS = 100
#: The four dimensions that stand in `quality_criteria`, with their names there.
_CRITERIA = {
    "empathy": "empathy_score",
    "clarity": "clarity_score",
    "appropriateness": "appropriateness_score",
    "brand_voice": "brand_voice_alignment",
}
_TIERS: dict[str, Tier] = {
    "seed_dataset": "template",
    "template": "template",
    "scenario": "scenario",
    "edge_case": "edge_case",
}


def scores_of(pairs: Sequence[Pair]) -> Scores:
    """Means over the pairs that carry an assistant's message."""
    found: dict[str, list[Decimal]] = {"quality": [], **{dimension: [] for dimension in _CRITERIA}}
    for pair in pairs:
        places = [("quality", pair.training, "quality_score")]
        places += [(dimension, pair.criteria, name) for dimension, name in _CRITERIA.items()]
        for dimension, node, name in places:
            # A score out of range is worth a warning on every pair, though only the replies' are counted.
            score = node.number(name, int(LOWEST), int(HIGHEST), "WARN_SCORE_RANGE")
            if score is not None and pair.reply.value is not None:
                found[dimension].append(Decimal(str(score)))
    return Scores(**{dimension: mean(scores) for dimension, scores in found.items()})


def extra_criteria(pairs: Sequence[Pair]) -> dict[str, list[Any]]:
    """The criteria that have no column, each with its values in the order of the pairs that carry a reply."""
    extra: dict[str, list[Any]] = {}
    for pair in pairs:
        if pair.reply.value is None:
            continue
        for name, value in pair.criteria.value.items():
            if name not in _CRITERIA.values():
                extra.setdefault(name, []).append(value)
    return extra


def tier_of(quality_tier: str | None) -> Tier:
    """The tier for a file's own word; unknown words mean template."""
    return _TIERS.get(quality_tier or "", "template")


def first_key(places: Iterable[tuple[Node, str]]) -> str | None:
    """The first key that is there; an empty text is missing."""
    for node, name in places:
        if (key := node.text(name, limit=_LONGEST_KEY_CHARS)) is not None:
            return key
    return None


def persona_from_name(places: Iterable[tuple[Node, str]]) -> str | None:
    """The key in a name such as "Ada Byron - The Careful Saver": the slug after " - The "."""
    for node, name in places:
        text = node.text(name) or ""
        if key := slug(text.partition(" - The ")[2], "_"):
            return node.cut(key, _LONGEST_KEY_CHARS, name)
    return None


def system_prompt_of(pairs: Sequence[Pair]) -> str | None:
    """The system prompt of a conversation: the first one, with a warning if it changes on the way."""
    first: str | None = None
    for pair in pairs:
        if first is None:
            first = pair.system_prompt
        elif pair.system_prompt is not None and pair.system_prompt != first:
            pair.node.notes.warn(
                "WARN_SYSTEM_PROMPT", pair.node.at("system_prompt"), "differs from the first, which is kept"
            )
            break
    return first


def session_context(pairs: Sequence[Pair]) -> str | None:
    """What the first pair that says so tells of the session."""
    return next((context for pair in pairs if (context := pair.metadata.text("session_context"))), None)


def check_background(pairs: Sequence[Pair]) -> None:
    """Note backgrounds in which a program wrote "[object Object]" instead of what it meant."""
    for pair in pairs:
        if "[object Object]" in (pair.metadata.text("client_background") or ""):
            path = pair.metadata.at("client_background")
            pair.node.notes.warn("WARN_OBJECT_OBJECT", path, 'contains "[object Object]"; kept as it is')
