"""The command line: a thin skin over `ConvStore`, one module a group of commands.

`--json` prints one JSON document on stdout and nothing else there. Exit 0: done. 1: something was refused, in conflict
or failed, the rest was done. 2: usage. 3: database or storage unavailable.
"""

from __future__ import annotations

import importlib
import sys

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
_GROUPS = (
    "serving",
    "setup",
    "members",
    "conversations",
    "backups",
    "reviewing",
    "queues",
    "exporting",
    "releasing",
    "operations",
    "saol",
    "statistics",
)

for _group in _GROUPS:
    importlib.import_module(f"convstore.cli.{_group}")


def main() -> None:
    """Run the command line."""
    from typer.exceptions import TyperException

    try:
        status = app(standalone_mode=False)
    except TyperException as exc:
        # The parser's own words; a program that asked for JSON gets them as JSON too.
        exc.show()  # type: ignore[attr-defined]  # each of the parser's own can
        status = exc.exit_code
        if "--json" in sys.argv:
            from convstore.cli.call import print_error
            from convstore.errors import UsageError

            print_error(UsageError(exc.format_message(), hint="`--help` shows what there is."))
    sys.exit(status)
