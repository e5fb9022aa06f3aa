"""Rows of a list or of JSON lines, gathered into conversations by their ids wherever they stand in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from convstore.formats.family import read_conversation
from convstore.formats.identity import find_id
from convstore.formats.node import Node, element_node
from convstore.formats.paths import ROOT, item_path
from convstore.model import Draft, Rejection

__all__ = ["DraftOfRows", "Row", "document_of_rows", "numbered_rows", "read_groups"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row and its place."""

    value: object
    path: str

    def node(self, near: Node) -> Node:
        """The row as an object, with the notes of the conversation that it belongs to."""
        return element_node(self.value, self.path, near.notes)


class DraftOfRows(Protocol):
    """Builds the draft of one conversation from its rows; `first` is the first of them."""

    def __call__(self, first: Node, *, rows: Sequence[Row]) -> Draft:
        """The draft, or `Refused`."""


def numbered_rows(document: Any) -> list[Row]:
    """The rows of a list; a single object is a file of one row."""
    if isinstance(document, dict):
        return [Row(document, ROOT)]
    return [Row(value, item_path(ROOT, index)) for index, value in enumerate(document)]


def read_groups(
    rows: Sequence[Row],
    id_of_row: Callable[[str], str],
    build: DraftOfRows,
) -> list[Draft | Rejection]:
    """One conversation for each id; a row without an id is refused alone.

    Parameters
    ----------
    id_of_row
        From a row's `conversation_id` to that of the conversation.
    """
    groups: dict[tuple[str | None, str], list[Row]] = {}
    for row in rows:
        own = find_id(row.value.get("conversation_id")) if isinstance(row.value, dict) else None
        groups.setdefault((id_of_row(own), "") if own else (None, row.path), []).append(row)
    return [
        read_conversation(group[0].value, group[0].path, key[0], partial(build, rows=group))
        for key, group in groups.items()
    ]


def document_of_rows(rows: Sequence[Row], header: object = None) -> Any:
    """The rows of one conversation as one JSON value that is recognised again."""
    values = [row.value for row in rows]
    if header is not None:
        return [header, *values]
    return values[0] if len(values) == 1 else values
