"""Commands that decide and take decisions back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.conversations import answer_batch
from convstore.cli.tables import console, plural
from convstore.errors import UsageError
from convstore.shapes import undo_shape


@command(app, "review")
def review(
    call: Call,
    identifiers: Annotated[list[str], typer.Argument(metavar="ID…")],
    status: Annotated[
        str, typer.Option("--status", help="approved, rejected, needs_revision, pending_review or archived.")
    ],
    note: Annotated[str | None, typer.Option("--note", help="Kept in the history.")] = None,
    reason: Annotated[list[str] | None, typer.Option("--reason", help="Why it is rejected.")] = None,
    scores: Annotated[
        str | None, typer.Option("--scores", metavar="quality=4.5,…", help="1 to 5, any of the five.")
    ] = None,
) -> int:
    """Decide about conversations, as one batch that can be undone."""
    with call.store() as store:
        result = store.review(identifiers, status=status, note=note, reasons=reason or (), scores=_scores(scores))  # type: ignore[arg-type]
    return answer_batch(call, result)


@command(app, "undo")
def undo(call: Call, batch: Annotated[str, typer.Argument(metavar="BATCH")]) -> int:
    """Take a batch of decisions back; what changed since is left alone."""
    try:
        batch_id = UUID(batch)
    except ValueError:
        raise UsageError(
            f"{batch} is no batch id", hint="`convstore review --json` and `convstore show` name batches."
        ) from None
    with call.store() as store, call.progress("Undoing") as progress:
        result = store.undo(batch_id, progress=progress)

    def human() -> None:
        console().print(f"{plural(result.undone, 'decision')} undone")
        for identifier, reason in result.left_alone:
            console().print(f"{identifier}: left alone, {reason}")

    call.answer(undo_shape(result), human)
    return 1 if result.left_alone else 0


def _scores(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not equals for _, equals, _ in pairs):
        raise UsageError(f"--scores {text}: not NAME=VALUE,…", hint="For example --scores quality=4.5,empathy=4.")
    return {name.strip(): value.strip() for name, _, value in pairs}
