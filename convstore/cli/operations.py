"""Commands that keep a store in order: files and rows, retention and space, background work."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural, print_table
from convstore.errors import ConflictError, UsageError
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.reconcile import ReconcileReport, VerifyReport
    from convstore.retention import RetentionReport

jobs = typer.Typer(help="Background work.", no_args_is_help=True)
app.add_typer(jobs, name="jobs")


@command(app, "verify")
def verify(
    call: Call,
    after: Annotated[
        str | None, typer.Option("--after", metavar="CURSOR", help="`next` of a run that was stopped.")
    ] = None,
) -> int:
    """Read every file again and compare its hash. Ctrl-C stops it, --after goes on."""
    from convstore.reconcile import VerifyReport

    report = VerifyReport(next=after)
    # Whoever stops it is told where to go on.
    with call.store() as store, call.progress("Verifying") as progress, suppress(KeyboardInterrupt):
        store.verify(start=report, progress=progress)
    call.answer(report.as_dict(), lambda: _print_verify(report))
    return 0 if report.is_clean and report.next is None else 1


def _print_verify(report: VerifyReport) -> None:
    for kind in ("missing", "damaged"):
        for entry in getattr(report, kind):
            console().print(f"{entry['conversation_id']}: {kind}, {entry['reason']} ({entry['path']})")
    found = f"{len(report.missing):,} missing, {len(report.damaged):,} damaged"
    console().print(f"{plural(report.checked, 'file')} checked: {found}")
    if report.next:
        console().print(f"Stopped; go on with --after {report.next}")


@command(app, "reconcile")
def reconcile(
    call: Call,
    repair: Annotated[
        bool, typer.Option("--repair", help="Derive rows again from their files; adopt, remove or quarantine orphans.")
    ] = False,
) -> int:
    """Hold every row against its file and every file against the rows."""
    with call.store() as store, call.progress("Reconciling") as progress:
        report = store.reconcile(repair=repair, progress=progress)
    call.answer(report.as_dict(), lambda: _print_reconcile(report, repair=repair))
    return 0 if report.is_clean else 1


def _print_reconcile(report: ReconcileReport, *, repair: bool) -> None:
    for kind in ("missing", "damaged", "drifted", "orphans"):
        for entry in getattr(report, kind):
            name = entry.get("conversation_id", entry["path"])
            done = f" → {entry['repair']}" if entry["repair"] else ""
            console().print(f"{name}: {kind.removesuffix('s')}, {entry['reason']}{done}")
    counts = ", ".join(
        f"{len(getattr(report, kind)):,} {kind}" for kind in ("missing", "damaged", "drifted", "orphans")
    )
    console().print(f"{counts}; {report.repaired:,} repaired")
    if not report.is_clean and not repair:
        console().print("Nothing was changed; --repair does what can be done.")
    if repair and any(entry["repair"] is None for entry in (*report.missing, *report.damaged)):
        console().print(
            "What is left of lost files is in quarantine, their conversations are in the trash: import the originals"
            " again, or bring the files back from a backup."
        )


@command(app, "retention")
def retention(
    call: Call,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would go, and change nothing.")] = False,
) -> None:
    """Move what has expired into the trash, and what its days in the trash are over for, out for good."""
    with call.store() as store, call.progress("Retention") as progress:
        report = store.apply_retention(dry_run=dry_run, progress=progress)
    call.answer(asdict(report), lambda: _print_retention(report))


def _print_retention(report: RetentionReport) -> None:
    from convstore.retention import size_in_words

    kinds = ("trashed", "archived", "deleted", "protected")
    for kind in kinds:
        for entry in getattr(report, kind):
            reason = f", {entry['reason']}" if "reason" in entry else ""
            console().print(
                f"{entry['conversation_id']}: {kind} ({entry['status']}, expired {entry['expires_at']}{reason})"
            )
    for entry in report.uploads:
        size = size_in_words(entry["bytes"])
        console().print(f"{entry['files']} uploaded files of a {entry['status']} import, {size}: not kept any longer")
    verb = "would be " if report.dry_run else ""
    console().print(", ".join(f"{len(getattr(report, kind)):,} {verb}{kind}" for kind in kinds))


@command(app, "archive")
def archive(call: Call) -> None:
    """Move conversations older than a year into the archive; `restore` brings them back."""
    with call.store() as store, call.progress("Archiving") as progress:
        report = store.archive(progress=progress)
    call.answer(
        asdict(report),
        lambda: console().print(
            f"{plural(len(report.archived), 'conversation')} archived, {len(report.protected):,} stay in releases"
        ),
    )


@command(app, "storage")
def storage(
    call: Call,
    quota: Annotated[
        str | None, typer.Option("--quota", metavar="BYTES", help="Limit the workspace's files; `none` for no limit.")
    ] = None,
) -> None:
    """Show what takes how much space, and set its limit."""
    with call.store() as store:
        if quota is not None:
            store.set_quota(_bytes(quota))
        use = store.storage_use()
    document = {
        "bytes": use.bytes_by_kind,
        "items": use.items_by_kind,
        "used_bytes": use.used_bytes,
        "quota_bytes": use.quota_bytes,
        "level": use.level,
    }

    def human() -> None:
        rows = [(kind, f"{use.items_by_kind[kind]:,}", f"{size:,}") for kind, size in use.bytes_by_kind.items()]
        print_table(("Kind", "Items", "Bytes"), rows, numbers=("Items", "Bytes"))
        limit = "no limit" if use.quota_bytes is None else f"{use.quota_bytes:,} allowed: {use.level}"
        console().print(f"{use.used_bytes:,} bytes used, {limit}")

    call.answer(document, human)


def _bytes(given: str) -> int | None:
    if given == "none":
        return None
    try:
        return int(given.replace("_", ""))
    except ValueError:
        raise UsageError(f"{given!r} is no number of bytes", hint="Give one, or none.") from None


@command(app, "download", filters=True)
def download(
    call: Call, wanted: Filter, out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The zip to write.")]
) -> None:
    """Write the stored files of a selection into a zip."""
    size = 0
    try:
        with call.store() as store, out.open("xb") as file:
            for piece in store.download(wanted):
                size += file.write(piece)
    except FileExistsError:
        raise ConflictError(f"{out} exists", hint="Choose another path, or remove it.") from None
    call.answer({"path": out, "bytes": size}, lambda: console().print(f"{out}: {size:,} bytes"))


@command(app, "worker")
def worker(
    call: Call,
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
) -> None:
    """Do background work until stopped. Any number of workers share it, on any number of machines."""
    from convstore.worker import run_worker

    with call.resources() as resources:
        run_worker(resources, once=once)
    call.answer({"stopped": True}, lambda: None)


@command(jobs, "list")
def list_jobs(
    call: Call,
    task: Annotated[str | None, typer.Option("--task", help="Only this kind.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most that are listed.")] = 50,
) -> None:
    """List background jobs, newest first."""
    with call.store() as store:
        found = store.jobs(task=task, limit=limit)

    def human() -> None:
        rows = [
            (
                job.id,
                job.task,
                job.status,
                f"{job.done:,}/{job.total:,}" if job.total else None,
                job.asked_by,
                _why(job.error),
            )
            for job in found
        ]
        print_table(("Job", "Task", "Status", "Progress", "Asked by", "Error"), rows, wrapped=("Error",))

    call.answer({"items": [asdict(job) for job in found]}, human)


def _why(error: Any) -> str | None:
    return None if error is None else str(error.get("message"))


@command(jobs, "start")
def start(
    call: Call,
    task: Annotated[str, typer.Argument(metavar="TASK", help="verify, reconcile, retention, archive, …")],
    repair: Annotated[bool, typer.Option("--repair", help="For reconcile.")] = False,
) -> None:
    """Queue a task; a worker does it in your name."""
    with call.store() as store:
        job_id = store.defer(task, {"repair": True} if repair else None)
    call.answer({"job": job_id}, lambda: console().print(f"Queued as {job_id}"))


@command(jobs, "cancel")
def cancel(call: Call, job: Annotated[UUID, typer.Argument(metavar="JOB")]) -> None:
    """Take a job out of the queue, or ask it to stop."""
    with call.store() as store:
        store.cancel_job(job)
    call.answer({"job": job}, lambda: console().print("Cancelled; a running one stops at its next step."))


@command(jobs, "retry")
def retry(call: Call, job: Annotated[UUID, typer.Argument(metavar="JOB")]) -> None:
    """Queue a failed or cancelled job again; it goes on where it was."""
    with call.store() as store:
        store.retry_job(job)
    call.answer({"job": job}, lambda: console().print("Queued again."))
