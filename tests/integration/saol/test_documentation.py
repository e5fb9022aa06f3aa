"""The page about SAOL tells the truth: its Python runs, its commands are calls that work."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import convstore.saol
from convstore.database import Database
from convstore.saol import OPERATIONS, run_operation

PAGE = Path(__file__).parents[3] / "docs" / "saol.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert all(line.startswith("$ convstore saol ") for line in lines)
    return [shlex.split(line)[3:] for line in lines]


def value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_the_python_examples_run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"database": database}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "notes.jsonl").is_file()


def test_the_commands_are_calls_that_work(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, *rest in commands():
        flags = [word for word in rest if word != "--json"]
        arguments = {
            flag.removeprefix("--"): value_of(value) for flag, value in zip(flags[::2], flags[1::2], strict=True)
        }
        result = run_operation(database, name, arguments)
        assert result.success, (name, result.summary)
        json.dumps(result.as_dict())


def test_every_operation_and_every_function_has_an_example() -> None:
    assert {command[0] for command in commands()} == set(OPERATIONS)
    shown = "\n".join(blocks("python"))
    functions = {name for name in convstore.saol.__all__ if name.startswith("agent_")} | {"verify_setup"}
    assert {name for name in functions if f"{name}(" not in shown} == set()


def test_every_code_is_on_the_page() -> None:
    from convstore.database.translation import RULES

    page = PAGE.read_text("utf-8")
    assert {rule.code for rule in RULES.values() if rule.code not in page} == set()
