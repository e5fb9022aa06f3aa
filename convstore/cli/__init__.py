"""The command line: a thin skin over `ConvStore`, one module a group of commands.

`--json` prints one JSON document on stdout and nothing else there. Exit 0: done. 1: something was refused, in conflict
or failed, the rest was done. 2: usage. 3: database or storage unavailable.
"""

from __future__ import annotations

import importlib

import typer

__all__ = ["app", "main"]

app = typer.Typer(
    name="convstore",
    help="A store and a workbench for LLM training conversations.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

#: Each adds its commands to `app` when imported.
_GROUPS = ("serving", "setup", "conversations", "reviewing", "releasing", "saol")

for _group in _GROUPS:
    importlib.import_module(f"convstore.cli.{_group}")


def main() -> None:
    """Run the command line."""
    app()
