"""Writes commands.md and settings.md from the command line's own parser and the settings' own model.

    make docs

A test holds both pages against what this makes, so that neither can be forgotten.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import typer
from pydantic.fields import FieldInfo

from convstore.cli import app
from convstore.settings import Settings

__all__ = ["main", "render_commands", "render_settings"]

FOLDER = Path(__file__).parent
#: Options that every command has; they are explained once.
COMMON = ("--workspace", "--as", "--json", "--help")
_KINDS = {"int": "N", "float": "NUMBER", "Path": "PATH", "UUID": "ID"}

_COMMANDS_HEAD = """# Commands

Made from the command line's own parser by `make docs`. `convstore COMMAND --help` says the same.

Every command takes `--workspace SLUG` (else `CONVSTORE_WORKSPACE`), `--as EMAIL`, to act as an existing profile, and
`--json`, which prints one JSON document on stdout and nothing else there; progress and talk go to stderr.

| Exit | Means |
|---|---|
| 0 | done |
| 1 | something was refused, in conflict or failed; the rest was done |
| 2 | wrong usage: an unknown option, a malformed filter, a missing setting |
| 3 | database or storage unavailable; nothing was changed, try again |
"""
_FILTERS_HEAD = """
## Filters

Wherever a command says *filters*. An option given twice means either; different options mean both. No filter is
implied, and what lies in the trash never shows.

"""
_SETTINGS_HEAD = """# Settings

Made from the settings' own model by `make docs`. Everything is set in the environment and read once, when a process
starts; `convstore doctor` checks it. A wrong value is named, and never shown.

| Variable | Values | Default | What for |
|---|---|---|---|
"""


def render_commands() -> str:
    """The page of every command and option."""
    commands = dict(_iter_commands(typer.main.get_command(app), ""))
    filters = {tuple(one.opts): one for one in _options(commands["list"]) if _is_filter(one, commands)}
    page = [_COMMANDS_HEAD]
    for name, command in commands.items():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in _options(command) if tuple(one.opts) not in filters]
        takes_filters = any(tuple(one.opts) in filters for one in _options(command))
        usage = " ".join(
            [
                f"convstore {name}",
                *(one.metavar or one.name.upper() for one in arguments),
                *(["[filters]"] if takes_filters else []),
            ]
        )
        page.append(f"\n## convstore {name}\n\n{_flat(command.help)}\n\n```sh\n{usage}\n```\n")
        rows = [f"| `{_spelled(one)}` | {_flat(one.help)}{_default_of(one)} |\n" for one in options]
        if rows:
            page.append("\n| Option | |\n|---|---|\n" + "".join(rows))
    page.append(_FILTERS_HEAD + "| Option | |\n|---|---|\n")
    page.extend(f"| `{_spelled(one)}` | {_flat(one.help)} |\n" for one in filters.values())
    return "".join(page)


def render_settings() -> str:
    """The page of every setting."""
    prefix = Settings.model_config["env_prefix"]
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"{prefix}{name}".upper())
        rows.append(f"| `{variable}` | {_values(field)} | {_default(name, field)} | {field.description} |\n")
    return _SETTINGS_HEAD + "".join(rows)


def main() -> None:
    """Write both pages."""
    (FOLDER / "commands.md").write_text(render_commands(), "utf-8")
    (FOLDER / "settings.md").write_text(render_settings(), "utf-8")


def _iter_commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _iter_commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _options(command: Any) -> list[Any]:
    return [
        one
        for one in command.params
        if one.param_type_name == "option" and not one.hidden and one.opts[-1] not in COMMON
    ]


def _is_filter(option: Any, commands: Mapping[str, Any]) -> bool:
    """Filters are what `list` and `export` share."""
    return any(other.opts == option.opts for other in _options(commands["export"]))


def _spelled(option: Any) -> str:
    return "|".join(option.opts) if option.is_flag else f"{'|'.join(option.opts)} {_metavar(option)}"


def _metavar(option: Any) -> str:
    if option.metavar:
        return str(option.metavar)
    kind = option.type_descriptor.annotation
    if typing.get_origin(kind) is Literal:
        return "\\|".join(typing.get_args(kind))
    return _KINDS.get(getattr(kind, "__name__", ""), "TEXT")


def _default_of(option: Any) -> str:
    if option.is_flag or option.default in (None, "", ()):
        return ""
    return f" Default: `{option.default}`."


def _flat(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _values(field: FieldInfo) -> str:
    kinds = [kind for kind in _alternatives(field.annotation) if kind is not type(None)]
    if typing.get_origin(kinds[0]) is Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kinds[0]))
    names = {"SecretStr": "secret", "Path": "path", "int": "whole number", "float": "number", "str": "text"}
    return names[kinds[0].__name__]


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    is_union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    return typing.get_args(annotation) if is_union else (annotation,)


def _default(name: str, field: FieldInfo) -> str:
    if name == "home":
        return "the user's data folder, `convstore`"
    value = field.default
    if value in (None, ""):
        return ""
    mebibytes = value / (1 << 20) if name.endswith("_bytes") else 0
    return f"`{value}` ({mebibytes:.0f} MiB)" if mebibytes else f"`{value}`"


if __name__ == "__main__":
    main()
