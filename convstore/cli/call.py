"""What every command shares: the common options, the store, what is printed where, and what an error looks like."""

from __future__ import annotations

import inspect
import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from convstore.cli.filters import FILTER_OPTIONS, build_filter
from convstore.errors import ConvstoreError

if TYPE_CHECKING:
    from convstore.core import ConvStore, Resources
    from convstore.settings import Settings

__all__ = ["Call", "command", "print_error"]

Progress: TypeAlias = Callable[[int, int, str], None]

_COMMON: Mapping[str, Any] = {
    "workspace": Annotated[
        str | None, typer.Option("--workspace", metavar="SLUG", help="Workspace to act in (CONVSTORE_WORKSPACE).")
    ],
    "as_email": Annotated[
        str | None, typer.Option("--as", metavar="EMAIL", help="Act as the profile with this e-mail.")
    ],
    "json": Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")],
}


class Call:
    """One run of a command."""

    def __init__(self, *, workspace: str | None, as_email: str | None, json: bool) -> None:
        self.workspace = workspace
        self.as_email = as_email
        self.json = json

    @property
    def settings(self) -> Settings:
        """The settings, read now."""
        from convstore.settings import Settings

        return Settings.load()

    @contextmanager
    def resources(self, *, sets_up: bool = True) -> Iterator[Resources]:
        """Database and files, without anybody acting."""
        from convstore.core import Resources

        opened = Resources(self.settings, sets_up=sets_up)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def store(self) -> Iterator[ConvStore]:
        """The store as whoever the options name."""
        from convstore.core import ConvStore

        with self.resources() as opened:
            yield ConvStore.for_operator(opened, workspace=self.workspace, as_email=self.as_email)

    def answer(self, document: object, human: Callable[[], None]) -> None:
        """Print the one JSON document, or let `human` print for people."""
        if self.json:
            _print(document)
        else:
            human()

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress | None]:
        """A progress bar on a terminal; None elsewhere and with --json."""
        if self.json or not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[name]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None, name="")

            def report(done: int, total: int, name: str) -> None:
                bar.update(task, completed=done, total=total, name=name)

            yield report


def command(
    app: typer.Typer, name: str, *, filters: bool = False, context_settings: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a function `(call, …) -> exit status` with the common options; with `filters`, it gets `wanted`."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        hints = typing.get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(annotation=hints[parameter.name])
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name not in ("call", "wanted")
        ]
        shared = dict(_COMMON) | (dict(FILTER_OPTIONS) if filters else {})
        keyword = inspect.Parameter.KEYWORD_ONLY
        added = [
            inspect.Parameter(key, keyword, annotation=hint, default=_default(hint)) for key, hint in shared.items()
        ]

        def run(**options: Any) -> None:
            call = Call(**{key: options.pop(key) for key in _COMMON})
            with _shown(call):
                if filters:
                    options["wanted"] = build_filter({key: options.pop(key) for key in FILTER_OPTIONS})
                raise typer.Exit(function(call, **options) or 0)

        parameters = [*(p.replace(kind=keyword) for p in own), *added]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = function.__doc__
        app.command(name, context_settings=dict(context_settings or {}))(run)
        return function

    return register


def print_error(error: ConvstoreError) -> None:
    """Print an error as the one JSON document."""
    _print({"error": error.as_dict()})


def _print(document: object) -> None:
    from convstore.shapes import as_json

    sys.stdout.write(as_json(document).decode() + "\n")


def _default(hint: Any) -> Any:
    kind = typing.get_args(hint)[0]
    if kind is bool:
        return False
    return None


def _log_as_asked(call: Call) -> None:
    from convstore.logs import configure_logging

    configure_logging(call.settings)


@contextmanager
def _shown(call: Call) -> Iterator[None]:
    try:
        _log_as_asked(call)
        try:
            yield
        finally:
            # Now, while a reader who went away is still taken for what that is.
            sys.stdout.flush()
    except ConvstoreError as exc:
        if call.json:
            print_error(exc)
        sys.stderr.write(f"convstore: {exc.message}\n")
        if exc.hint:
            sys.stderr.write(f"  {exc.hint}\n")
        raise typer.Exit(exc.exit_status) from None
    except BrokenPipeError:
        # The reader went away (`convstore list | head`): nothing to say to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        sys.stderr.write("convstore: stopped; what was done stays done\n")
        raise typer.Exit(130) from None
