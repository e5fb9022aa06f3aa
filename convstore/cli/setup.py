"""Commands that set a store up and tell how it is."""

from __future__ import annotations

from typing import Annotated

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, print_table


@command(app, "init")
def init(
    call: Call,
    admin: Annotated[
        str | None, typer.Option("--admin", metavar="EMAIL", help="First admin of the workspace `default`.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything, then roll it back.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL and touch nothing.")] = False,
) -> None:
    """Set the database up, or bring it to this version; safe to repeat."""
    if sql:
        from convstore import schema

        script = schema.render_sql()
        call.answer({"sql": script}, lambda: typer.echo(script))
        return
    from convstore.core import ConvStore

    # Else an embedded server would be set up by opening it, and a dry run would come too late.
    with call.resources(sets_up=False) as resources:
        before, after = ConvStore.init(resources, admin_email=admin, dry_run=dry_run)
    call.answer(
        {"before": before.found, "after": after.wanted, "dry_run": dry_run},
        lambda: console().print(_told(before.found, after.wanted, dry_run=dry_run)),
    )


def _told(before: str | None, after: str, *, dry_run: bool) -> str:
    if before == after:
        return f"The database is at version {after} already."
    what = "would be set up" if dry_run else "is set up"
    return f"The database {what} at version {after} ({f'was {before}' if before else 'new'})."


@command(app, "doctor")
def doctor(call: Call) -> int:
    """Check settings, database, rights and files, and say what to do."""
    from convstore.doctor import examine

    checks = examine(call.settings)

    def human() -> None:
        print_table(
            ("Check", "Status", "Fact", "Next"),
            [(c.name, c.status, c.fact, c.next_action) for c in checks],
            wrapped=("Fact", "Next"),
        )

    call.answer({"checks": checks}, human)
    return 1 if any(check.status == "fail" for check in checks) else 0
