"""Commands that let slices out and account for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural, print_table
from convstore.errors import UsageError
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.release.reports import ReleaseReport
    from convstore.release.specification import Slice

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
    options = ReleaseOptions(system=system, system_text=system_text, rows=rows, keep_trailing_user=keep_trailing_user)
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


@command(release, "list")
def release_list(
    call: Call, limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most that are listed.")] = 100
) -> None:
    """List releases, newest first."""
    with call.store() as store:
        releases = store.list_releases(limit=limit)
    rows = [
        (
            one.name or str(one.id),
            one.format,
            one.status,
            f"{one.conversation_count:,}",
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
        for one in releases
    ]
    columns = ("Release", "Format", "Status", "Conversations", "Created")
    call.answer({"items": releases}, lambda: print_table(columns, rows, numbers=("Conversations",)))


@command(release, "show")
def release_show(call: Call, identifier: Identifier) -> None:
    """Show a release: its filter, rules, files, counts and what it left out."""
    with call.store() as store:
        found = store.get_release(identifier)

    def human() -> None:
        console().print(
            f"{found.name or found.id}: {found.format}, {found.status}, {found.conversation_count:,} conversations"
        )
        for file in found.files:
            console().print(f"{file['path']}: {plural(file['rows'], 'row')}, sha256 {file['sha256']}")
        if found.left_out:
            console().print(f"{plural(len(found.left_out), 'conversation')} left out")

    call.answer(found, human)


@command(release, "verify")
def release_verify(
    call: Call,
    identifier: Identifier,
    path: Annotated[Path | None, typer.Option("--path", help="Where its files are now.")] = None,
) -> int:
    """Compare a release with its files and with the stored conversations that it names."""
    with call.store() as store, call.progress("Verifying") as progress:
        found = store.verify_release(identifier, path=path, progress=progress)

    def human() -> None:
        for fault in found.files:
            console().print(f"{fault.path}: {fault.fault}")
        for item in found.items:
            console().print(", ".join(str(value) for value in item.as_dict().values()))
        state = "as it went out" if found.is_clean else "not as it went out"
        looked_at = f"{plural(found.files_checked, 'file')}, {plural(found.items_checked, 'conversation')} checked"
        console().print(f"{found.name or found.release}: {state}; {looked_at}")

    call.answer(found.as_dict(), human)
    return 0 if found.is_clean else 1


@command(release, "diff")
def release_diff(
    call: Call,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="Name or id.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Name or id.")],
) -> None:
    """Say what changed from one release to another."""
    with call.store() as store:
        found = store.diff_releases(before, after)

    def human() -> None:
        for change, number in found.counts.items():
            console().print(f"{number:,} {change}")
        for name, shift in {**found.scores, **found.lengths}.items():
            console().print(f"{name}: {shift.before} to {shift.after}")

    call.answer(found.as_dict(), human)


@command(release, "export")
def release_export(
    call: Call,
    identifier: Identifier,
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="File or folder to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
) -> None:
    """Write the rows of a release again, as they went out."""
    with call.store() as store, call.progress("Exporting") as progress:
        report = store.export_release(identifier, out, force=force, progress=progress)
    call.answer(report.as_dict(), lambda: _print_report(report))
