"""Every row that matches, streamed into a file: JSON, JSON lines, CSV or a Markdown table.

JSON is written by the server itself, so that numbers keep every digit and an import reads the same values back.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import psycopg
from psycopg import sql

from convstore.database import Context, Database
from convstore.errors import ConflictError, InvalidInputError, UsageError
from convstore.saol.catalogue import Relation, get_relation
from convstore.saol.filters import Where, ordering, selection, where_clause
from convstore.saol.results import Result, operation
from convstore.saol.session import Connection, Parameters, session

__all__ = ["ExportResult", "agent_export_data"]

Format = Literal["json", "jsonl", "csv", "markdown"]
Row = tuple[str | None, ...]
ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult(Result):
    """What was written; `data` is the text itself where no destination was given."""

    table: str = ""
    format: str = ""
    destination: Path | None = None
    data: str | None = None
    rows: int = 0
    bytes: int = 0


@operation(ExportResult)
def agent_export_data(
    database: Database,
    *,
    table: str,
    format: Format = "json",  # noqa: A002  # the library's word
    destination: str | Path | None = None,
    columns: str | Sequence[str] = "*",
    where: Where = (),
    order_by: str | Sequence[str | Mapping[str, object]] = (),
    overwrite: bool = False,
    timeout_s: float = 3600.0,
    as_user: Context | None = None,
) -> ExportResult:
    """Write every row that matches.

    Parameters
    ----------
    format
        json (one array), jsonl, csv (cells that a spreadsheet would run start with an apostrophe) or markdown.
    destination
        A file that does not exist yet, unless `overwrite`; None gives the text back in `data`.
    """
    writer = _WRITERS.get(format)
    if writer is None:
        raise UsageError(f"there is no format {format!r}", hint=f"Use one of {', '.join(_WRITERS)}.")
    path = Path(destination).absolute() if destination is not None else None
    if path is not None and path.exists() and not overwrite:
        raise ConflictError(f"{path} exists already", hint="Choose another file, or set overwrite=True.")
    with session(database, as_user, read_only=True, timeout_s=timeout_s) as connection:
        relation = get_relation(connection, table)
        names = selection(columns, relation)
        parameters = Parameters()
        statement = sql.SQL("SELECT {} FROM (SELECT {} FROM {}{}{}) AS r").format(
            _shape(format, names),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            relation.identifier,
            where_clause(where, relation, parameters.bind),
            ordering(order_by, relation),
        )
        rows = _Counter(_stream(connection, statement, parameters.values))
        with _output(path) as out:
            writer(out, rows, names, relation)
            size = out.tell()
            data = out.getvalue().decode() if isinstance(out, io.BytesIO) else None
    return ExportResult(
        success=True,
        summary=f"{rows.count} rows of {relation.label} as {format}" + (f" in {path}" if path else ""),
        table=relation.label,
        format=format,
        destination=path,
        data=data,
        rows=rows.count,
        bytes=size,
    )


def _shape(format: Format, names: Sequence[str]) -> sql.Composable:  # noqa: A002
    if format in ("json", "jsonl"):
        return sql.SQL("row_to_json(r)::text")
    return sql.SQL(", ").join(sql.SQL("r.{}::text").format(sql.Identifier(name)) for name in names)


class _Counter:
    """Rows as they pass, counted."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _stream(connection: Connection, statement: sql.Composed, values: Sequence[object]) -> Iterator[Row]:
    with psycopg.RawServerCursor(connection, f"saol_{secrets.token_hex(4)}") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(statement, values or None)
        yield from cursor


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    """A buffer, or a file that appears under its name only when it is complete."""
    if path is None:
        yield io.BytesIO()
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        out = part.open("xb")
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written: {error.strerror}", hint="Choose a folder that exists and may be written."
        ) from error
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_jsonl(out: IO[bytes], rows: _Counter, names: Sequence[str], relation: Relation) -> None:
    for (text,) in rows:
        out.write((text or "").encode() + b"\n")


def _write_json(out: IO[bytes], rows: _Counter, names: Sequence[str], relation: Relation) -> None:
    out.write(b"[")
    for (text,) in rows:
        out.write((b"\n" if rows.count == 1 else b",\n") + (text or "").encode())
    out.write(b"\n]\n")


def _write_csv(out: IO[bytes], rows: _Counter, names: Sequence[str], relation: Relation) -> None:
    # A negative number is no formula.
    guarded = [relation.columns[name].category not in ("N", "B", "D", "T") for name in names]
    out.write(_csv_line(_guard(name) for name in names))
    for row in rows:
        out.write(_csv_line(_guard(cell) if cell and guard else cell for cell, guard in zip(row, guarded, strict=True)))


def _csv_line(cells: Iterator[str | None]) -> bytes:
    # RFC 4180; an empty text is quoted and a missing value is not, as PostgreSQL's own CSV has it.
    return (",".join("" if cell is None else _csv_cell(cell) for cell in cells) + "\r\n").encode()


def _csv_cell(cell: str) -> str:
    if not cell or any(character in cell for character in ',"\r\n') or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _guard(cell: str) -> str:
    """Keep a spreadsheet from running the cell, full-width signs and leading blanks included."""
    start = cell.lstrip()[:1]
    return "'" + cell if cell[0] in "\t\r\n" or start in tuple("=+-@＝＋－＠") else cell


def _write_markdown(out: IO[bytes], rows: _Counter, names: Sequence[str], relation: Relation) -> None:
    out.write(_markdown_line(names) + _markdown_line(["---"] * len(names)))
    for row in rows:
        out.write(_markdown_line(row))


def _markdown_line(cells: Sequence[str | None]) -> bytes:
    return ("| " + " | ".join(_markdown_cell(cell or "") for cell in cells) + " |\n").encode()


def _markdown_cell(cell: str) -> str:
    # Text of strangers: neither HTML nor a link comes alive where the table is shown.
    for character, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\"), ("|", "\\|"), ("[", "\\[")):
        cell = cell.replace(character, shown)
    return "<br>".join(cell.splitlines())


_WRITERS: dict[str, Callable[[IO[bytes], _Counter, Sequence[str], Relation], None]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "markdown": _write_markdown,
}
