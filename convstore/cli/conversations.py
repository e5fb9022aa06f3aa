"""Commands on conversations: in, list, show, edit, out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural, print_table
from convstore.model import Filter
from convstore.shapes import batch_shape, detail_shape, page_shape

if TYPE_CHECKING:
    from convstore.ingest import IngestReport
    from convstore.model import BatchResult, Conversation, ConversationDetail

scaffold = typer.Typer(help="Personas, arcs, topics and templates.", no_args_is_help=True)
app.add_typer(scaffold, name="scaffold")


@command(app, "ingest")
def ingest(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, folders and globs.")],
    on_conflict: Annotated[
        Literal["fail", "skip", "replace"],
        typer.Option("--on-conflict", help="Where an id is stored with other turns."),
    ] = "fail",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide everything, store nothing.")] = False,
) -> int:
    """Store the conversations of files, folders and globs."""
    with call.store() as store, call.progress("Importing") as progress:
        report = store.ingest(paths, on_conflict=on_conflict, dry_run=dry_run, progress=progress)
    call.answer({"files": report.files, "totals": report.totals}, lambda: _print_ingest(report, dry_run=dry_run))
    return 0 if report.is_clean else 1


def _print_ingest(report: IngestReport, *, dry_run: bool) -> None:
    totals = report.totals
    for file in report.files:
        if file.outcome == "rejected":
            place = f" (byte {file.byte})" if file.byte is not None else ""
            console().print(f"{file.file}: rejected, {file.reason}{_where(file.path)}{place}")
        for found in file.conversations:
            if found.outcome in ("conflict", "rejected"):
                who = found.conversation_id or "a conversation"
                console().print(f"{file.file}: {who}: {found.outcome}, {found.reason}{_where(found.path)}")
    verb = "would be stored" if dry_run else "stored"
    others = {"unchanged": "unchanged", "replaced": "replaced", "skipped": "skipped", "conflict": "in conflict",
              "conversations_rejected": "rejected"}  # fmt: skip
    console().print(
        "; ".join(
            [
                f"{plural(totals['stored'], 'conversation')} {verb} from {plural(totals['files'], 'file')}",
                *(f"{totals[name]:,} {words}" for name, words in others.items() if totals[name]),
                *([f"{plural(totals['rejected'], 'file')} rejected"] if totals["rejected"] else []),
            ]
        )
    )
    if totals["conflict"]:
        console().print(
            "Conflicts are left as they are stored: --on-conflict skip ignores them, replace takes the file's."
        )
    if totals["rejected"] and not dry_run:
        console().print("Rejected files are kept in quarantine with their bytes.")


def _where(path: str | None) -> str:
    return f" at {path}" if path and path != "$" else ""


@command(app, "list", filters=True)
def list_(
    call: Call,
    wanted: Filter,
    sort: Annotated[
        Literal["created", "quality", "updated", "name"], typer.Option("--sort", help="What to sort by.")
    ] = "created",
    order: Annotated[Literal["asc", "desc"], typer.Option("--order", help="Which end comes first.")] = "desc",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Rows of one page.")] = 25,
    after: Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="`next` of the page before.")] = None,
) -> None:
    """List conversations, a page at a time."""
    with call.store() as store:
        page = store.search(wanted, sort=sort, order=order, limit=limit, cursor=after)

    def human() -> None:
        print_table(
            ("Id", "Name", "Status", "Quality", "Findings", "Updated"),
            [_line(row) for row in page.items],
            numbers=("Quality",),
        )
        total = f"{page.total:,}" if page.total_is_exact else f"more than {page.total:,}"
        last = f"; more with --after {page.next}" if page.next else ""
        console().print(f"{len(page.items)} of {total}{last}")

    call.answer(page_shape(page), human)


def _line(row: Conversation) -> tuple[object, ...]:
    quality = f"{row.effective_quality / 10:.1f}" if row.effective_quality else None
    codes = ", ".join(row.finding_codes) or None
    updated = f"{row.updated_at:%Y-%m-%d %H:%M}"
    return row.conversation_id, row.conversation_name[:60], row.status, quality, codes, updated


@command(app, "show")
def show(call: Call, identifier: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show a conversation with its turns, findings, reviews and history."""
    with call.store() as store:
        detail = store.get(identifier)
    call.answer(detail_shape(detail), lambda: _print_detail(detail))


def _print_detail(detail: ConversationDetail) -> None:
    out, c = console(), detail.conversation
    quality = f"quality {c.effective_quality / 10:.1f}" if c.effective_quality else "not scored"
    out.print(
        f"{c.conversation_name}\n{c.conversation_id} · {c.status} · {c.tier} · {c.turn_count} turns · {quality}\n"
    )
    for turn in detail.turns:
        feeling = f" ({turn.detected_emotion} {turn.emotional_intensity or ''})" if turn.detected_emotion else ""
        out.print(f"{turn.turn_number}. {turn.role}{feeling}\n{turn.content}\n")
    for finding in detail.findings:
        place = f" in turn {finding.turn_number}" if finding.turn_number else ""
        out.print(f"{finding.severity}: {finding.code}{place}: {finding.explanation}")
    for event in detail.events:
        out.print(f"{event.at:%Y-%m-%d %H:%M}  {event.actor or 'somebody'}  {event.action}  {event.note or ''}")


@command(app, "edit")
def edit(
    call: Call,
    identifier: Annotated[str, typer.Argument(metavar="ID")],
    name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="Its new description.")] = None,
) -> None:
    """Rename or describe a conversation."""
    with call.store() as store:
        store.edit(identifier, name=name, description=description)
        row = store.get(identifier).conversation
    call.answer(
        {
            "conversation_id": row.conversation_id,
            "conversation_name": row.conversation_name,
            "description": row.description,
        },
        lambda: console().print(f"{row.conversation_id}: {row.conversation_name}"),
    )


@command(app, "delete")
def delete(
    call: Call,
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…")],
    hard: Annotated[bool, typer.Option("--hard", help="For good, with every artefact.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Needed with --hard.")] = False,
) -> int:
    """Move conversations to the trash."""
    with call.store() as store:
        result = store.delete(identifiers, hard=hard, confirm=confirm)
    return answer_batch(call, result)


def answer_batch(call: Call, result: BatchResult) -> int:
    """Print what became of each conversation of a batch; 1 if something was refused."""

    def human() -> None:
        for item in result.items:
            why = f": {item.reason}" if item.reason else ""
            console().print(f"{item.conversation_id}: {item.outcome}{why}")
        console().print(f"batch {result.batch_id}")

    call.answer(batch_shape(result), human)
    return 1 if any(item.outcome == "refused" for item in result.items) else 0


@command(scaffold, "import")
def scaffold_import(call: Call, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Add or change personas, arcs, topics and templates from a JSON file."""
    with call.store() as store:
        counts = store.import_scaffolding(file)
    call.answer(
        counts, lambda: console().print(", ".join(f"{name.replace('_', ' ')}: {n:,}" for name, n in counts.items()))
    )
