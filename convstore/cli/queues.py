"""Commands about queues, and decisions about whole filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural, print_table
from convstore.errors import UsageError
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.review import BulkPreview, BulkResult
    from convstore.review.queues import Queue

queue = typer.Typer(help="Hand out what waits for review.", no_args_is_help=True)
app.add_typer(queue, name="queue")


@command(queue, "list")
def list_(call: Call) -> None:
    """Show the queues and how far each is."""
    with call.store() as store:
        found = [(one, store.desk.progress(one)) for one in store.desk.queues()]
    rows = [
        {
            **_queue_shape(one),
            "left": progress.left,
            "left_is_exact": progress.left_is_exact,
            "held_by_others": progress.held_by_others,
        }
        for one, progress in found
    ]
    call.answer(
        {"queues": rows},
        lambda: print_table(
            ("Queue", "Left", "Held by others"),
            [
                (row["name"], f"{row['left']:,}{'' if row['left_is_exact'] else '+'}", row["held_by_others"])
                for row in rows
            ],
            numbers=("Left", "Held by others"),
        ),
    )


@command(queue, "save", filters=True)
def save(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    wanted: Filter,
    sort: Annotated[str, typer.Option("--sort", help="created, quality, updated or name.")] = "created",
    order: Annotated[str, typer.Option("--order", help="asc or desc.")] = "asc",
) -> None:
    """Keep a filter with an order as a queue."""
    from convstore.review.queues import Queue

    if order not in ("asc", "desc"):
        raise UsageError(f"--order {order}: not an order", hint="Choose asc or desc.")
    saved = Queue(name=name, wanted=wanted, sort=sort, descending=order == "desc")  # type: ignore[arg-type]  # checked below
    with call.store() as store:
        store.desk.save_queue(saved)
    call.answer(_queue_shape(saved), lambda: console().print(f"queue {saved.name} saved"))


@command(queue, "delete")
def delete(call: Call, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Remove a queue; its conversations stay."""
    with call.store() as store:
        store.desk.delete_queue(name)
    call.answer({"deleted": name}, lambda: console().print(f"queue {name} deleted"))


@command(queue, "next")
def next_(
    call: Call,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The default queue if left out.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many at most.")] = 1,
) -> None:
    """Take the next conversations, which nobody else is handed for ten minutes."""
    from convstore.review.queues import DEFAULT_QUEUE

    with call.store() as store:
        wanted = DEFAULT_QUEUE if name is None else store.desk.queue(name)
        rows = [store.get(str(row)).conversation for row in store.desk.next(wanted, count=count)]
    items = [
        {
            "conversation_id": row.conversation_id,
            "conversation_name": row.conversation_name,
            "turns_sha256": row.turns_sha256,
        }
        for row in rows
    ]

    def human() -> None:
        for item in items:
            console().print(f"{item['conversation_id']}  {item['conversation_name']}")
        if not items:
            console().print("nothing is free in this queue")

    call.answer({"items": items}, human)


@command(queue, "release")
def release(
    call: Call,
    identifiers: Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="All if left out.")] = None,
) -> None:
    """Give conversations back that were taken and not decided."""
    with call.store() as store:
        rows = [store.get(value).conversation.id for value in identifiers] if identifiers else None
        count = store.desk.give_back(rows)
    call.answer({"released": count}, lambda: console().print(f"{plural(count, 'conversation')} given back"))


@command(app, "review-all", filters=True)
def review_all(
    call: Call,
    wanted: Filter,
    to: Annotated[str, typer.Option("--to", help="approved, rejected, needs_revision, pending_review or archived.")],
    note: Annotated[str | None, typer.Option("--note", help="Kept in the history.")] = None,
    reason: Annotated[list[str] | None, typer.Option("--reason", help="Why; stands before the note.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
) -> int:
    """Decide about everything that the filters mean, as one batch that can be undone."""
    with call.store() as store:
        if dry_run:
            preview = store.bulk_preview(wanted, to)  # type: ignore[arg-type]  # refused there if it is none
            call.answer(_preview_shape(preview), lambda: _say_preview(preview))
            return 0
        with call.progress("Deciding") as progress:
            result = store.bulk_review(wanted, status=to, note=note, reasons=reason or (), progress=progress)  # type: ignore[arg-type]
    call.answer(_result_shape(result), lambda: _say_result(result))
    return 1 if any(item.outcome == "refused" for item in result.listed) else 0


def _queue_shape(one: Queue) -> dict[str, Any]:
    from convstore.filtering import filter_as_json

    return {
        "name": one.name,
        "filter": filter_as_json(one.wanted),
        "sort": one.sort,
        "order": "desc" if one.descending else "asc",
    }


def _preview_shape(preview: BulkPreview) -> dict[str, Any]:
    return {
        "to": preview.status,
        "matched": preview.matched,
        "moving": preview.moving,
        "released": preview.released,
        "left_alone": [{"reason": found.reason, "count": found.count} for found in preview.conflicts],
        "samples": [row.conversation_id for row in preview.samples],
    }


def _say_preview(preview: BulkPreview) -> None:
    out = console()
    out.print(f"{preview.moving:,} of {plural(preview.matched, 'conversation')} would become {preview.status}")
    if preview.released:
        out.print(f"{preview.released:,} of them are in a release, which stays as it is")
    for found in preview.conflicts:
        out.print(f"{found.count:,} left alone: {found.reason}")
    for row in preview.samples:
        out.print(f"for example {row.conversation_id}  {row.conversation_name}")


def _result_shape(result: BulkResult) -> dict[str, Any]:
    return {
        "batch_id": result.batch_id,
        "to": result.status,
        "moved": result.moved,
        "left_alone": [{"reason": found.reason, "count": found.count} for found in result.left_alone],
        "items": [
            {
                "conversation_id": item.conversation_id,
                "outcome": item.outcome,
                "from": item.from_status,
                "to": item.to_status,
                "reason": item.reason,
            }
            for item in result.listed
        ],
    }


def _say_result(result: BulkResult) -> None:
    out = console()
    out.print(f"{plural(result.moved, 'conversation')} now {result.status}")
    for found in result.left_alone:
        out.print(f"{found.count:,} left alone: {found.reason}")
    out.print(f"batch {result.batch_id}")
