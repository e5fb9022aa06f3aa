"""The command that lets a slice out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.release_reports import print_report
from convstore.cli.tables import console
from convstore.errors import UsageError
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.release.specification import Slice


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
    out: Annotated[Path | None, typer.Option("--out", metavar="PATH", help="File or folder to write.")] = None,
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
    stratified: Annotated[bool, typer.Option("--stratified", help="The sample has every cell in proportion.")] = False,
    stratify_by: Annotated[
        list[str] | None, typer.Option("--stratify-by", metavar="persona|arc|topic", help="Split each in proportion.")
    ] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option("--hold-out", metavar="ID=SPLIT", help="Fix a conversation to a split.")
    ] = None,
    human: Annotated[bool, typer.Option("--human-score", help="--min-score means human scores alone.")] = False,
    system: Annotated[
        Literal["file", "own", "none"], typer.Option("--system", help="System prompt: the file's, own or none.")
    ] = "file",
    system_text: Annotated[
        str | None, typer.Option("--system-text", help="The system prompt with --system own.")
    ] = None,
    rows: Annotated[
        Literal["conversation", "turn", "last"],
        typer.Option("--rows", help="A row a conversation, a reply, or the last."),
    ] = "conversation",
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Alpaca without earlier exchanges, as plain trainers of it read.")
    ] = False,
    later: Annotated[bool, typer.Option("--later", help="Leave it to a worker; answers with the job.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write a slice that a trainer accepts, as a release."""
    from convstore.release.rows import ReleaseOptions
    from convstore.release.selection import SliceRules, SplitPlan
    from convstore.release.splits import parse_held_out, parse_splits

    rules = SliceRules(
        min_score=min_score,  # type: ignore[arg-type]
        without_findings=tuple(without_finding or ()),
        best_of_duplicates=best_of_duplicates,
        most_per_cell=most_per_cell,
        sample=sample,
        stratified=stratified,
        score="human" if human else "effective",
    )
    plan = SplitPlan(
        shares=parse_splits(split) if split else {},
        stratify_by=tuple(stratify_by or ()),  # type: ignore[arg-type]
        held_out=parse_held_out(hold_out or ()),
    )
    options = ReleaseOptions(
        system=system,
        system_text=system_text,
        rows=rows,
        keep_trailing_user=keep_trailing_user,
        alpaca_history=not no_history,
    )
    asked: Slice = {
        "name": name,
        "rules": rules,
        "plan": plan,
        "options": options,
        "seed": seed,
        "lint": lint,
    }
    if later:
        with call.store() as store:
            job = store.export_later(format_name, wanted, **asked)
        call.answer(
            {"job": job, "release": job},
            lambda: console().print(f"job {job}; then `convstore release export {name or job} --out PATH`"),
        )
        return
    if out is None:
        raise UsageError("where to?", hint="Name a file or a folder with --out, or leave it to a worker with --later.")
    with call.store() as store, call.progress("Exporting") as progress:
        report = store.export(format_name, out, wanted, force=force, progress=progress, **asked)
    call.answer(report.as_dict(), lambda: print_report(report))
