"""Commands that let slices out and account for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.release.reports import ReleaseReport

release = typer.Typer(help="What went out: every export is a release.", no_args_is_help=True)
app.add_typer(release, name="release")

Identifier = Annotated[str, typer.Argument(metavar="RELEASE", help="Name or id.")]


@command(app, "export", filters=True)
def export(
    call: Call,
    wanted: Filter,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            help="messages, prompt-completion, sharegpt, alpaca, axolotl, "
            "anthropic, brightrun-v4, brightrun-v5, csv, markdown, parquet or hf.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="File or folder to write.")],
    name: Annotated[str | None, typer.Option("--name", metavar="RELEASE", help="Name of the release.")] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="train=0.9,…", help="Names and shares.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Fixes whatever is left to chance.")] = 0,
    keep_trailing_user: Annotated[
        bool, typer.Option("--keep-trailing-user", help="Keep a last user message that nobody answered.")
    ] = False,
    lint: Annotated[
        Literal["fail", "drop", "keep"] | None, typer.Option("--lint", help="Rows that a trainer refuses.")
    ] = None,
    min_score: Annotated[
        str | None, typer.Option("--min-score", help="Least score, file scores where there is no human one.")
    ] = None,
    without_finding: Annotated[
        list[str] | None, typer.Option("--without-finding", help="Leave out what has this finding.")
    ] = None,
    best_of_duplicates: Annotated[
        bool, typer.Option("--best-of-duplicates", help="One of each duplicate group.")
    ] = False,
    most_per_cell: Annotated[
        int | None, typer.Option("--most-per-cell", min=1, help="At most N a persona, arc and topic.")
    ] = None,
    sample: Annotated[int | None, typer.Option("--sample", min=1, help="At most N, by chance.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write a slice that a trainer accepts, as a release."""
    from convstore.release.rows import ReleaseOptions
    from convstore.release.selection import SliceRules, SplitPlan
    from convstore.release.splits import parse_splits

    rules = SliceRules(
        min_score=min_score,  # type: ignore[arg-type]
        without_findings=tuple(without_finding or ()),
        best_of_duplicates=best_of_duplicates,
        most_per_cell=most_per_cell,
        sample=sample,
    )
    plan = SplitPlan(shares=parse_splits(split)) if split else SplitPlan()
    with call.store() as store, call.progress("Exporting") as progress:
        report = store.export(
            format_name,
            out,
            wanted,
            name=name,
            rules=rules,
            plan=plan,
            options=ReleaseOptions(keep_trailing_user=keep_trailing_user),
            seed=seed,
            lint=lint,
            force=force,
            progress=progress,
        )
    call.answer(report.as_dict(), lambda: _print_report(report))


def _print_report(report: ReleaseReport) -> None:
    for info in report.files:
        console().print(f"{info.path}: {plural(info.rows, 'row')}, {info.bytes:,} bytes")
    if report.left_out:
        console().print(f"{plural(len(report.left_out), 'conversation')} left out:")
        for item in report.left_out[:20]:
            console().print(f"  {item.conversation_id}: {item.rule}")
        if len(report.left_out) > 20:
            console().print(f"  first 20 of {len(report.left_out):,}; --json lists all")
    console().print(f"release {report.name or report.release}: {plural(report.conversations, 'conversation')}")
