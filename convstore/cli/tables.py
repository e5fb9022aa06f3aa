"""Tables and sentences for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: Columns where no terminal says how many there are; wide enough for `grep` and `less -S`.
_PIPED_WIDTH = 200

__all__ = ["console", "plural", "print_table"]


def console() -> Console:
    """Standard output, without interpreting anything in the text: it is data from strangers."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    wrapped: Sequence[str] = (),
) -> None:
    """A plain table, a line a row; columns in `numbers` are right-aligned, those in `wrapped` take more lines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=name not in wrapped)
    for row in rows:
        table.add_row(*(Text("–" if value is None else _printable(str(value))) for value in row))
    console().print(table)


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 conversation, 1,284 conversations."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _printable(text: str) -> str:
    # Control characters in a stranger's name must not steer the terminal.
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
