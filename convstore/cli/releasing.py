"""Commands that let slices out and account for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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

#: Options that have a line of their own, or none.
_TOLD_ELSEWHERE = ("splits", "split_order", "title")
#: Items that are named one by one to people; `--json` names all.
_LISTED = 20

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
    call.answer(report.as_dict(), lambda: _print_report(report))


def _print_report(report: ReleaseReport) -> None:
    for info in report.files:
        console().print(f"{info.path}: {plural(info.rows, 'row')}, {info.bytes:,} bytes")
    _print_left_out([item.as_dict() for item in report.left_out])
    _print_summary(report.summary)
    console().print(f"release {report.name or report.release}: {plural(report.conversations, 'conversation')}")


def _print_left_out(items: Sequence[Mapping[str, str]]) -> None:
    if not items:
        return
    console().print(f"{plural(len(items), 'conversation')} left out:")
    for item in items[:_LISTED]:
        console().print(f"  {item['conversation_id']}: {item['rule']}")
    if len(items) > _LISTED:
        console().print(f"  first {_LISTED} of {len(items):,}; --json lists all")


def _print_summary(summary: Mapping[str, Any]) -> None:
    """What the trainer's rules found, how much is learned, and what stands in two splits."""
    lint = summary["lint"]
    for entry in lint["rules"]:
        what = f"{entry['rule']} ({entry['severity']})"
        console().print(f"{what}: {plural(entry['conversations'], 'conversation')}. {entry['fix']}")
    for note in lint["whole_file"]:
        console().print(f"{note['rule']}: {note['what']} {note['fix']}")
    if lint["trailing_user_dropped"]:
        count = plural(lint["trailing_user_dropped"], "last message")
        console().print(f"{count} that nobody answered left out (--keep-trailing-user keeps them)")
    if lint["learned_replies"]:
        console().print(f"{plural(lint['learned_replies'], 'reply', 'replies')} to learn in {summary['rows']:,} rows")
    leakage = summary["leakage"]
    if leakage is not None:
        what = plural(leakage["leaks_total"], "pair")
        console().print(f"{what} of conversations in two splits that share at least {leakage['threshold']:.0%} of text")
        for leak in leakage["leaks"][:_LISTED]:
            console().print(f"  {leak['conversation_id']}, {leak['other_id']}: {leak['share']:.0%}")


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
        made = f"{found.created_at:%Y-%m-%d %H:%M} by {found.created_by_name or found.created_by}"
        console().print(f"{made} with {found.exporter_version}, seed {found.seed}")
        options = {name: value for name, value in found.options.items() if name not in _TOLD_ELSEWHERE}
        for what, values in (("filter", found.filter), ("rules", found.rules), ("options", options)):
            console().print(f"{what}: {_said(values) or 'none'}")
        splits = found.options["splits"]
        if splits["shares"]:
            shares = {name: splits["shares"][name] for name in found.options["split_order"]}
            console().print(f"splits: {_said({**splits, 'shares': _said(shares)})}")
        for file in found.files:
            console().print(f"{file['path']}: {plural(file['rows'], 'row')}, sha256 {file['sha256']}")
        _print_left_out(found.left_out)
        if found.status == "sealed":
            _print_summary(found.summary)

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
            for identifier in found.of(change)[:_LISTED]:
                console().print(f"  {identifier}")
        means = [("mean", name, shift) for name, shift in {**found.scores, **found.lengths}.items()]
        parts = [(part, value or "none", s) for part, shifts in found.coverage.items() for value, s in shifts.items()]
        rows = [(what, name, _rounded(shift.before), _rounded(shift.after)) for what, name, shift in (*means, *parts)]
        print_table(("What", "Of", "Before", "After"), rows, numbers=("Before", "After"))

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


@command(release, "store")
def release_store(
    call: Call,
    identifier: Identifier,
    hours: Annotated[int, typer.Option("--hours", min=1, max=168, help="How long the links hold.")] = 1,
) -> None:
    """Put the files of a release into the file store, with a signed link to each."""
    with call.store() as store:
        delivered = store.store_release(identifier, expires_s=hours * 3600)

    def human() -> None:
        for file in delivered:
            console().print(f"{file.name}: {file.bytes:,} bytes, {file.url or file.path}", soft_wrap=True)

    call.answer({"files": delivered}, human)


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        said = {name: _said(one) for name, one in value.items() if one not in (None, False, {}, [])}
        return ", ".join(f"{name} {one}" for name, one in said.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:,.2f}".removesuffix(".00")
