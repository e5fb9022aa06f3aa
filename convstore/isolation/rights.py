"""The table of rights in db/README.md as values. Pure: reads text, knows no database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from convstore.errors import InvalidInputError
from convstore.resources import MIGRATIONS_FOLDER

__all__ = ["COMMANDS", "RIGHTS_FILE", "Command", "Grant", "TableRights", "read_rights"]

RIGHTS_FILE = MIGRATIONS_FOLDER / "README.md"

Command: TypeAlias = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
COMMANDS: tuple[Command, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")

#: Everybody signed in, then the roles of a workspace; each includes the ones before it.
_RANKS = ("anyone", "viewer", "reviewer", "lead", "admin")
_HEAD = ("Table", "Read", "Add", "Change", "Remove", "Service role")
_SERVICE_WORDS: Mapping[str, Command] = {"read": "SELECT", "add": "INSERT", "change": "UPDATE", "remove": "DELETE"}
_ALTERNATIVE = re.compile(
    rf"(?P<role>{'|'.join(_RANKS)})(?P<own> own)?(?:: (?P<but>all but )?(?P<columns>\w+(?:, \w+)*))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role may do something with rows, or with its own rows only, in some columns."""

    role: str
    own: bool
    columns: frozenset[str]
    columns_are_excluded: bool

    def covers(self, column: str | None) -> bool:
        """True if a column, or the row as such (None), is meant."""
        return column is None or (column in self.columns) is not self.columns_are_excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRights:
    """What people and the service role may do with the rows of one table."""

    table: str
    grants: Mapping[Command, tuple[Grant, ...]]
    service: frozenset[Command]

    def allows(self, command: Command, *, role: str | None, own: bool, column: str | None = None) -> bool:
        """Whether somebody with this role in the row's workspace (None: no member) may do it."""
        rank = _RANKS.index(role or "anyone")
        return any(
            rank >= _RANKS.index(grant.role) and (own or not grant.own) and grant.covers(column)
            for grant in self.grants[command]
        )


def read_rights(text: str) -> dict[str, TableRights]:
    """The rights by table.

    Raises
    ------
    InvalidInputError
        There is no such table, or a cell of it says something that cannot be checked.
    """
    found = {}
    for cells in _rows(text):
        table = cells[0].strip("`")
        found[table] = TableRights(
            table=table,
            grants={command: _grants(table, cell) for command, cell in zip(COMMANDS, cells[1:5], strict=True)},
            service=_service(table, cells[5]),
        )
    if not found:
        raise InvalidInputError(
            "db/README.md holds no table of rights", hint=f"Its head is: {' | '.join(_HEAD)}.", code="ERR_RIGHTS"
        )
    return found


def _rows(text: str) -> Iterator[list[str]]:
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if tuple(cells) == _HEAD:
            inside = True
        elif inside and len(cells) == len(_HEAD):
            if set(cells[0]) != {"-"}:
                yield cells
        else:
            inside = False


def _grants(table: str, cell: str) -> tuple[Grant, ...]:
    if cell == "nobody":
        return ()
    grants = []
    for alternative in cell.split("; "):
        match = _ALTERNATIVE.fullmatch(alternative)
        if match is None:
            raise _unclear(table, alternative)
        names = match["columns"]
        grants.append(
            Grant(
                role=match["role"],
                own=match["own"] is not None,
                columns=frozenset(names.split(", ")) if names else frozenset(),
                columns_are_excluded=names is None or match["but"] is not None,
            )
        )
    return tuple(grants)


def _service(table: str, cell: str) -> frozenset[Command]:
    if cell in ("everything", "nothing"):
        return frozenset(COMMANDS if cell == "everything" else ())
    words = cell.split(", ")
    if not set(words) <= set(_SERVICE_WORDS):
        raise _unclear(table, cell)
    return frozenset(_SERVICE_WORDS[word] for word in words)


def _unclear(table: str, cell: str) -> InvalidInputError:
    return InvalidInputError(
        f"the rights of {table} in db/README.md say {cell!r}, which cannot be checked",
        hint="Write `nobody`, or a role, `own`, and columns after a colon; see the words above the table.",
        code="ERR_RIGHTS",
    )
