"""Commands that account for what went out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.release_reports import LISTED, print_left_out, print_report, print_summary
from convstore.cli.tables import console, plural, print_table

release = typer.Typer(help="What went out: every export is a release.", no_args_is_help=True)
app.add_typer(release, name="release")

#: Options that have a line of their own, or none.
_TOLD_ELSEWHERE = ("splits", "split_order", "title")

Identifier = Annotated[str, typer.Argument(metavar="RELEASE", help="Name or id.")]


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
        print_left_out(found.left_out)
        if found.status == "sealed":
            print_summary(found.summary)

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
            for identifier in found.of(change)[:LISTED]:
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
    call.answer(report.as_dict(), lambda: print_report(report))


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
