"""`convstore saol OPERATION`: the agent_* operations, their arguments as flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, print_table
from convstore.errors import UsageError

if TYPE_CHECKING:
    from convstore.saol.results import Result


@command(app, "saol", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def saol(
    call: Call,
    context: typer.Context,
    operation: Annotated[str | None, typer.Argument(metavar="OPERATION", help="Left out: lists what there is.")] = None,
) -> int:
    """Safe database operations for scripts and automated agents; arguments are flags: --table conversations."""
    from convstore.saol.operations import OPERATIONS, run_operation

    if operation is None:
        names = {name: found.summary for name, found in OPERATIONS.items()}
        call.answer(names, lambda: print_table(("Operation", "What it does"), list(names.items())))
        return 0
    arguments = dict(_arguments(context.args))
    if call.as_email is None:
        with call.resources() as resources:
            result = run_operation(resources.database, operation, arguments)
    else:
        from convstore.database import Context

        with call.store() as store:
            result = run_operation(store.database, operation, arguments, as_user=Context.of(store.actor))
    call.answer(result.as_dict(), lambda: _print_result(result))
    if result.code == "ERR_DB_UNAVAILABLE":
        return 3
    return 0 if result.success else 1


def _arguments(words: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """`--name value`, `--name=value` and `--name` alone (true); values are JSON where they are, else text."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise UsageError(f"{word!r} is no flag", hint="Give arguments as --name value; values may be JSON.")
        name, equals, value = word[2:].partition("=")
        if equals:
            yield name, _value(value)
        elif rest and not rest[0].startswith("--"):
            yield name, _value(rest.pop(0))
        else:
            yield name, True


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def _print_result(result: Result) -> None:
    out = console()
    out.print(result.summary)
    known = ("success", "summary", "execution_ms", "next_actions", "operation")
    for name, value in result.as_dict().items():
        if name not in known and value not in (None, [], {}, ""):
            out.print(f"{name}: {value}")
    for action in result.next_actions:
        out.print(f"next ({action.priority.lower()}): {action.description}\n  {action.example}")
