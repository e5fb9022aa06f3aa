"""The data set card: README.md of a Hugging Face folder. Pure text from facts that the caller has counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["CardFacts", "CardSplit", "render_card"]

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_NAMES = ("1K", "10K", "100K", "1M", "10M")


class CardSplit(NamedTuple):
    """Rows and bytes of one split."""

    name: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What the card says beyond the counts of its files.

    Attributes
    ----------
    language
        ISO 639-1 codes.
    sources
        Source name -> conversations.
    rules
        Filters and rules in the order they were applied: name -> value.
    reviewers
        How many people reviewed.
    agreement
        Mean agreement of reviewers, from 0 to 1, where more than one read the same conversation.
    reject_reasons
        Reason -> how often conversations were rejected for it.
    left_out
        Rule -> conversations that it kept out.
    limits
        Known limits, one sentence each.
    """

    title: str
    license: str = "other"
    language: Sequence[str] = ("en",)
    description: str = ""
    sources: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, object] = field(default_factory=dict)
    reviewers: int = 0
    agreement: float | None = None
    reject_reasons: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    limits: Sequence[str] = ()


def render_card(facts: CardFacts, splits: Sequence[CardSplit], features: Sequence[Mapping[str, Any]]) -> str:
    """README.md: the YAML that `datasets` reads, then the card's text."""
    total = sum(split.rows for split in splits)
    head = {
        "pretty_name": facts.title,
        "license": facts.license,
        "language": list(facts.language),
        "task_categories": ["text-generation"],
        "size_categories": [_size(total)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split.name, "path": f"data/{split.name}-*"} for split in splits],
            }
        ],
        "dataset_info": {
            "features": list(features),
            "splits": [{"name": split.name, "num_bytes": split.bytes, "num_examples": split.rows} for split in splits],
        },
    }
    # JSON values are YAML values, and JSON quotes whatever a title or a licence may hold.
    yaml = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items())
    body = [f"# {facts.title}", ""]
    if facts.description:
        body += [facts.description, ""]
    body += ["## Splits", "", "| split | conversations |", "|---|---:|"]
    body += [f"| {split.name} | {split.rows:,} |" for split in splits]
    body += ["", *_table("Sources", "source", _by_count(facts.sources))]
    body += _table("Filters and rules", "rule", dict(sorted(facts.rules.items())))
    body += _annotation(facts)
    body += _table("Left out", "rule", facts.left_out)
    if facts.limits:
        body += ["## Known limits", "", *(f"- {limit}" for limit in facts.limits), ""]
    return f"---\n{yaml}\n---\n\n" + "\n".join(body)


def _annotation(facts: CardFacts) -> list[str]:
    lines = ["## Annotation", ""]
    if facts.reviewers:
        agreement = "" if facts.agreement is None else f" Their agreement is {facts.agreement:.2f}."
        lines.append(f"Reviewed by {facts.reviewers} {'person' if facts.reviewers == 1 else 'people'}.{agreement}")
    else:
        lines.append("Nobody has reviewed these conversations.")
    return [*lines, "", *_table("Reasons for rejection", "reason", _by_count(facts.reject_reasons), level=3)]


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    # The facts of an earlier export come from the database, which forgets the order of names.
    return dict(sorted(counts.items(), key=lambda item: (item[0] == "(others)", -item[1], item[0])))


def _table(title: str, key: str, values: Mapping[str, object], *, level: int = 2) -> list[str]:
    if not values:
        return []
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in values.items()]
    return [f"{'#' * level} {title}", "", f"| {key} | |", "|---|---|", *rows, ""]


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _size(rows: int) -> str:
    if rows < _SIZES[0]:
        return "n<1K"
    for i in range(1, len(_SIZES)):
        if rows < _SIZES[i]:
            return f"{_NAMES[i - 1]}<n<{_NAMES[i]}"
    return "n>10M"
