"""Which conversations go out: the filter, then the rules, then the splits. Says of each that stays behind why.

Reads light rows only; what is wrong with a text is asked of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from convstore.errors import UsageError
from convstore.queries.release_rows import CandidateRow
from convstore.release.sampling import (
    Candidate,
    at_most_per_cell,
    best_of_groups,
    random_sample,
    stratified_sample,
)
from convstore.release.splits import SplitItem, assign_splits

__all__ = ["Cell", "LeftOut", "Selection", "SliceRules", "SplitPlan", "select_slice"]

Cell = Literal["persona", "arc", "topic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRules:
    """Rules that thin out what a filter means, applied in the order of their names here.

    Attributes
    ----------
    min_score
        Least quality: the effective one, or the human one alone. Unscored conversations stay behind.
    without_findings
        Codes of checks; a conversation with one that nobody dismissed stays behind.
    best_of_duplicates
        One conversation of each duplicate group.
    most_per_cell
        At most so many of each persona, arc and topic.
    sample
        At most so many, by chance; with `stratified` in proportion to the cells.
    """

    min_score: Decimal | None = None
    score: Literal["effective", "human"] = "effective"
    without_findings: tuple[str, ...] = ()
    best_of_duplicates: bool = False
    most_per_cell: int | None = None
    sample: int | None = None
    stratified: bool = False

    def __post_init__(self) -> None:
        if self.min_score is not None:
            object.__setattr__(self, "min_score", Decimal(str(self.min_score)))
        object.__setattr__(self, "without_findings", tuple(sorted(set(self.without_findings))))
        if self.score not in ("effective", "human"):
            raise UsageError(f"there is no score {self.score!r}", hint="Choose effective or human.")
        if self.stratified and self.sample is None:
            raise UsageError("a stratified sample needs its size", hint="Give the size of the sample.")
        for what, number in (("sample", self.sample), ("number per cell", self.most_per_cell)):
            if number is not None and number < 1:
                raise UsageError(f"a {what} of {number} holds nothing", hint="Give a number of at least 1.")

    @property
    def is_empty(self) -> bool:
        """True if everything that the filter means goes out."""
        return self == SliceRules()

    def as_json(self) -> dict[str, Any]:
        """The rules that are set, as JSON values."""
        found = {name: value for name, value in asdict(self).items() if value not in (None, False, (), "effective")}
        return {name: str(v) if isinstance(v, Decimal) else list(v) if isinstance(v, tuple) else v
                for name, v in found.items()}  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SliceRules:
        """The rules of `as_json`."""
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How the slice is divided. `held_out` fixes conversations, by their public id, to a split."""

    shares: Mapping[str, Decimal] = field(default_factory=dict)
    stratify_by: tuple[Cell, ...] = ()
    held_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.shares and (self.stratify_by or self.held_out):
            raise UsageError("there are no splits", hint="Name them: train=0.9,validation=0.1.")
        unknown = sorted(set(self.held_out.values()) - set(self.shares))
        if unknown:
            raise UsageError(
                f"held out for {unknown[0]!r}, which is no split", hint=f"The splits are {', '.join(self.shares)}."
            )
        wrong = sorted(set(self.stratify_by) - {"persona", "arc", "topic"})
        if wrong:
            raise UsageError(f"cannot stratify by {wrong[0]!r}", hint="Choose some of persona, arc and topic.")

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {
            "shares": {name: str(share) for name, share in self.shares.items()},
            "stratify_by": list(self.stratify_by),
            "held_out": dict(self.held_out),
        }


class LeftOut(NamedTuple):
    """A conversation that the filter means and that does not go out."""

    conversation_id: str
    rule: str

    def as_dict(self) -> dict[str, str]:
        """As reports show it."""
        return {"conversation_id": self.conversation_id, "rule": self.rule}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What goes out: row id -> split, in the order of a release; and what stays behind."""

    splits: Mapping[UUID, str | None]
    left_out: tuple[LeftOut, ...]
    not_sampled: int


def select_slice(
    candidates: Sequence[CandidateRow],
    rules: SliceRules,
    plan: SplitPlan,
    *,
    seed: int,
    refused: Callable[[Collection[UUID]], Mapping[UUID, str]],
) -> Selection:
    """Apply the rules and divide what is left.

    Parameters
    ----------
    refused
        Given row ids, those that the trainer would refuse, each with the rule that it breaks. Asked before anything
        is counted or drawn, so that a cell, a sample and a split have the size they were given.
    """
    left_out: list[LeftOut] = []

    def keep(rows: Iterable[CandidateRow], rule: str, stays: Callable[[CandidateRow], bool]) -> list[CandidateRow]:
        kept = []
        for row in rows:
            if stays(row):
                kept.append(row)
            else:
                left_out.append(LeftOut(row.conversation_id, rule))
        return kept

    rows = list(candidates)
    least = rules.min_score
    if least is not None:
        rows = keep(rows, "min-score", lambda row: (_score(row, rules) or Decimal(0)) >= least)
    if rules.without_findings:
        rows = keep(rows, "finding", lambda row: not row.has_finding)
    faults = refused([row.id for row in rows])
    left_out += [LeftOut(row.conversation_id, faults[row.id]) for row in rows if row.id in faults]
    rows = [row for row in rows if row.id not in faults]
    if rules.best_of_duplicates:
        best = _ids(best_of_groups(_candidates(rows, rules)))
        rows = keep(rows, "duplicate", lambda row: row.conversation_id in best)
    if rules.most_per_cell is not None:
        chosen = _ids(at_most_per_cell(_candidates(rows, rules), rules.most_per_cell, seed=seed))
        rows = keep(rows, "most-per-cell", lambda row: row.conversation_id in chosen)
    before = len(rows)
    if rules.sample is not None:
        draw = stratified_sample if rules.stratified else random_sample
        drawn = _ids(draw(_candidates(rows, rules), rules.sample, seed=seed))
        rows = [row for row in rows if row.conversation_id in drawn]
    splits = _divide(rows, plan, seed) if plan.shares else {}
    return Selection(
        splits={row.id: splits.get(row.conversation_id) for row in rows},
        left_out=tuple(left_out),
        not_sampled=before - len(rows),
    )


def _divide(rows: Sequence[CandidateRow], plan: SplitPlan, seed: int) -> dict[str, str]:
    def stratum(row: CandidateRow) -> str:
        values = {"persona": row.persona_key, "arc": row.arc_key, "topic": row.topic_key}
        return repr([values[name] for name in plan.stratify_by])

    items = (SplitItem(row.conversation_id, row.group, stratum(row)) for row in rows)
    return assign_splits(items, plan.shares, seed=seed, held_out=plan.held_out)


def _candidates(rows: Iterable[CandidateRow], rules: SliceRules) -> list[Candidate]:
    return [
        Candidate(
            row.conversation_id,
            (row.persona_key, row.arc_key, row.topic_key),
            row.group,
            None if (score := _score(row, rules)) is None else float(score),
        )
        for row in rows
    ]


def _score(row: CandidateRow, rules: SliceRules) -> Decimal | None:
    return row.human_quality if rules.score == "human" else row.quality


def _ids(candidates: Iterable[Candidate]) -> set[str]:
    return {candidate.id for candidate in candidates}
