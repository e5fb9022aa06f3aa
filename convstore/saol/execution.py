"""Running statements and saying what they did: on a connection that is given, nothing committed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg.errors import Diagnostic

from convstore.database.translation import translated
from convstore.errors import ConvstoreError, DatabaseError
from convstore.saol.catalogue import find_relation
from convstore.saol.results import NextAction
from convstore.saol.session import Connection, execute, fetch
from convstore.saol.statements import StatementKind

__all__ = ["check_catalogue", "collect_notices", "confirmation", "run_all"]


def run_all(
    connection: Connection, statements: Sequence[StatementKind], values: Sequence[object] = ()
) -> tuple[list[dict[str, Any]], int]:
    """Run the statements in their order; the rows of the last one and how many rows all of them touched.

    Raises
    ------
    ConvstoreError
        The server's refusal, with the statement it is about.
    """
    rows: list[dict[str, Any]] = []
    touched = 0
    for number, statement in enumerate(statements, 1):
        try:
            with translated():
                cursor = execute(connection, statement.text.encode(), values)
        except ConvstoreError as error:
            error.facts |= {"statement": number, "sql": statement.text[:500]}
            raise
        touched += max(cursor.rowcount, 0)
        rows = cursor.fetchall() if cursor.description else []
    return rows, touched


@contextmanager
def collect_notices(connection: Connection) -> Iterator[list[str]]:
    """What the server says along the way, warnings marked as such."""
    found: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        text = f"{diagnostic.severity}: {diagnostic.message_primary}"
        found.append(text + (f" ({diagnostic.message_detail})" if diagnostic.message_detail else ""))

    connection.add_notice_handler(note)
    try:
        yield found
    finally:
        connection.remove_notice_handler(note)


def confirmation(call: str, why: str) -> NextAction:
    """The next action of everything that asks first."""
    return NextAction(
        action="confirm",
        description=f"{why}. If that is meant, call again with confirm=True.",
        example=call,
        priority="HIGH",
    )


def check_catalogue(connection: Connection, statement: StatementKind) -> str:
    """What the catalogue says about a statement that cannot be tried: it runs outside transactions only.

    Raises
    ------
    DatabaseError
        If the table or index that it is about does not exist.
    """
    name = ".".join(statement.names)
    if not name:
        return f"{statement.command} cannot run in a transaction, so it was not executed"
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in statement.names)
    is_index = bool(
        fetch(connection, "SELECT FROM pg_class WHERE oid = to_regclass($1) AND relkind IN ('i', 'I')", [quoted])
    )
    if not is_index and find_relation(connection, quoted) is None:
        raise DatabaseError(
            f"there is no table or index {name!r}",
            code="ERR_OBJECT_NOT_FOUND",
            hint="Correct the name, or create the object first.",
            facts={"name": name},
        )
    return f"{statement.command} cannot run in a transaction, so it was not executed: {name} was found in the catalogue"
