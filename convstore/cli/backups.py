"""Commands that save a whole store and bring it back. `restore` also serves conversations in the trash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.conversations import answer_batch
from convstore.cli.tables import console, plural
from convstore.errors import UsageError

if TYPE_CHECKING:
    from convstore.backup import BackupReport, Manifest, RestoreReport


@command(app, "backup")
def backup(
    call: Call,
    path: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="In a folder, the file is named by the time.")],
) -> int:
    """Save the whole store, rows and files of every workspace, in one file that is read back before it counts."""
    from convstore.backup import back_up

    with call.resources(sets_up=False) as resources, call.progress("Saving") as progress:
        report = back_up(resources.database, resources.files, path, pg_bin=call.settings.pg_bin, progress=progress)
    document = {"path": report.path, "bytes": report.bytes, **_shape(report.manifest)}
    call.answer(document, lambda: _print_backup(report))
    return 0 if report.is_complete else 1


@command(app, "restore")
def restore(
    call: Call,
    what: Annotated[list[str], typer.Argument(metavar="ID…|BACKUP", help="Conversations, or one file of `backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="From a backup: even if the store holds something; all of it goes.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="From a backup: check it, and whether it can be restored here.")
    ] = False,
) -> int:
    """Bring conversations back from the trash, or a whole store from a backup."""
    if len(what) == 1 and (what[0].endswith(".tar") or Path(what[0]).is_file()):
        _restore_store(call, Path(what[0]), replace=replace, dry_run=dry_run)
        return 0
    if replace or dry_run:
        raise UsageError(
            f"{what[0]} is no file, and --replace and --dry-run are for backups", hint="Name a file of `backup`."
        )
    with call.store() as store:
        result = store.restore(what)
    return answer_batch(call, result)


def _restore_store(call: Call, path: Path, *, replace: bool, dry_run: bool) -> None:
    from convstore.backup import restore

    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="Name a file that `convstore backup` wrote.")
    with call.resources(sets_up=False) as resources, call.progress("Restoring") as progress:
        report = restore(
            resources.database,
            resources.files,
            path,
            pg_bin=call.settings.pg_bin,
            replace=replace,
            dry_run=dry_run,
            progress=progress,
        )
    document = {
        "path": report.path,
        **_shape(report.manifest),
        "schema_now": report.schema,
        "removed_files": report.removed_files,
        "dry_run": report.dry_run,
    }
    call.answer(document, lambda: _print_restore(report))


def _shape(manifest: Manifest) -> dict[str, Any]:
    return {
        "created_at": manifest.created_at,
        "convstore": manifest.convstore,
        "schema": manifest.schema,
        "tables": dict(manifest.tables),
        "files": manifest.files,
        "file_bytes": manifest.file_bytes,
        "missing": list(manifest.missing),
        "damaged": list(manifest.damaged),
    }


def _print_backup(report: BackupReport) -> None:
    console().print(f"{report.path}: {report.bytes:,} bytes, {_contents(report.manifest)}; read back and whole")
    for kind in ("missing", "damaged"):
        for path in getattr(report.manifest, kind):
            console().print(f"{path}: {kind} in the store itself")
    if not report.is_complete:
        console().print("The backup is what the store is; `convstore reconcile` tells more, an older backup may help.")


def _print_restore(report: RestoreReport) -> None:
    verb = "would be restored" if report.dry_run else "restored"
    console().print(f"{_contents(report.manifest)} {verb}, as of {report.manifest.created_at}")
    if report.schema != report.manifest.schema:
        console().print(f"The schema is brought from version {report.manifest.schema} to {report.schema}.")
    if not report.dry_run:
        console().print("Next: convstore doctor, convstore reconcile")


def _contents(manifest: Manifest) -> str:
    conversations = plural(manifest.tables.get("public.conversations", 0), "conversation")
    return f"{conversations} and {plural(manifest.files, 'file')}"
