"""What makes a release what it is: the request as it was asked, and everything that the spelling of its files needs.

A sealed release remembers its specification, so that the same files can be made again. Asks no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict, get_args
from uuid import UUID

from convstore.checks import CHECKS
from convstore.errors import UsageError
from convstore.filtering import filter_as_json
from convstore.model import Filter
from convstore.queries.releases import Release
from convstore.release.card import CardFacts
from convstore.release.formats import FORMATS, Writer, writer_for
from convstore.release.judging import LintMode, default_lint
from convstore.release.manifest import ManifestHead
from convstore.release.rows import ReleaseOptions
from convstore.release.selection import SliceRules, SplitPlan

__all__ = ["ReleaseRequest", "ReleaseSpec", "Slice", "exporter"]


class Slice(TypedDict, total=False):
    """The optional parts of a request, as keywords."""

    name: str | None
    rules: SliceRules
    plan: SplitPlan
    options: ReleaseOptions
    seed: int
    lint: LintMode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is to be released and how. `lint` is the format's own default if left out."""

    format: str
    filter: Filter = field(default_factory=Filter)
    rules: SliceRules = field(default_factory=SliceRules)
    plan: SplitPlan = field(default_factory=SplitPlan)
    options: ReleaseOptions = field(default_factory=ReleaseOptions)
    name: str | None = None
    seed: int = 0
    lint: LintMode | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"Unknown format {self.format!r}.", hint=f"Choose one of {', '.join(FORMATS)}.")
        if self.lint_mode not in get_args(LintMode):
            raise UsageError(f"lint is fail, drop or keep, not {self.lint!r}", hint="Choose one of the three.")
        unknown = [code for code in self.rules.without_findings if code not in CHECKS]
        if unknown:
            raise UsageError(f"no check finds {unknown[0]!r}", hint=f"Checks find {', '.join(CHECKS)}.")

    @property
    def lint_mode(self) -> LintMode:
        """What happens to a conversation that a trainer refuses."""
        return self.lint or default_lint(self.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSpec:
    """A release as its files speak of it; `title` is the name of the data set inside them."""

    id: UUID
    format: str
    name: str | None
    title: str
    exporter: str
    filter: Mapping[str, Any]
    rules: Mapping[str, Any]
    splits: Mapping[str, Any]
    options: ReleaseOptions
    seed: int

    @classmethod
    def of_request(cls, release_id: UUID, request: ReleaseRequest, out: Path) -> ReleaseSpec:
        """The specification of a new release."""
        return cls(
            id=release_id,
            format=request.format,
            name=request.name,
            title=request.name or out.name.split(".")[0] or out.name,
            exporter=exporter(),
            filter=filter_as_json(request.filter),
            rules={**request.rules.as_json(), "lint": request.lint_mode},
            splits=request.plan.as_json(),
            options=request.options,
            seed=request.seed,
        )

    @classmethod
    def of_release(cls, release: Release) -> ReleaseSpec:
        """The specification that a stored release remembers."""
        options = dict(release.options)
        splits, order, title = options.pop("splits"), options.pop("split_order"), options.pop("title")
        # The database does not keep the order of names.
        splits = {**splits, "shares": {name: splits["shares"][name] for name in order}}
        return cls(
            id=release.id,
            format=release.format,
            name=release.name,
            title=title,
            exporter=release.exporter_version,
            filter=release.filter,
            rules=release.rules,
            splits=splits,
            options=ReleaseOptions(**options),
            seed=release.seed,
        )

    def as_row(self) -> dict[str, Any]:
        """The values of `releases` that hold it."""
        return {
            "id": self.id,
            "name": self.name,
            "format": self.format,
            "filter": dict(self.filter),
            "rules": dict(self.rules),
            "options": {
                **asdict(self.options),
                "splits": dict(self.splits),
                "split_order": list(self.splits["shares"]),
                "title": self.title,
            },
            "seed": self.seed,
            "exporter_version": self.exporter,
        }

    def open_writer(self, out: Path, *, force: bool, card: CardFacts | None) -> Writer:
        """A writer of its files to `out`."""
        return writer_for(
            self.format,
            out,
            options=self.options,
            splits=tuple(self.splits["shares"]),
            force=force,
            title=self.title,
            card=card,
            release={
                "release": str(self.id),
                "name": self.name,
                "format": self.format,
                "exporter": self.exporter,
                "filter": self.filter,
                "rules": self.rules,
                "seed": self.seed,
            },
        )

    def manifest_head(self, left_out: Sequence[Mapping[str, str]]) -> ManifestHead:
        """What its manifest says before it names files and rows."""
        return ManifestHead(
            format=self.format,
            exporter=self.exporter,
            release=str(self.id),
            filter=self.filter,
            rules=self.rules,
            seed=self.seed,
            splits=self.splits["shares"],
            options=self.options,
            left_out=left_out,
        )


def exporter() -> str:
    """Name and version of the program that writes."""
    try:
        return f"convstore {version('convstore')}"
    except PackageNotFoundError:
        return "convstore, a checkout"
