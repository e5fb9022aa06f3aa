"""The walk-throughs of docs/extending.md, followed step by step in a copy of the tree."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from convstore.settings import Settings
from tests.acceptance.command_line import CommandLine

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str, str]]:
    """Language, file and text of each block of the page."""
    for match in _BLOCK.finditer(PAGE.read_text("utf-8")):
        yield match[1], match[2] or "", match[3]


def changed(text: str, diff: str) -> str:
    """The text after a diff whose lines are found by what they say; a line may be begun only."""
    before = "\n".join(line[1:] for line in diff.splitlines() if line[0] in " -")
    after = "\n".join(line[1:] for line in diff.splitlines() if line[0] in " +")
    assert text.count(before) == 1, before
    return text.replace(before, after)


def test_the_page_can_be_followed(settings: Settings, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("convstore", "pages", "db", ".streamlit"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Home.py", tree)
    environment = {**CommandLine(settings).environment, "PYTHONPATH": str(tree)}
    steps = 0
    for language, file, text in blocks():
        if language in ("python", "json"):
            (tree / file).write_text(text, "utf-8")
        elif language == "diff":
            target = tree / file
            target.write_text(changed(target.read_text("utf-8"), text), "utf-8")
        else:
            assert language == "console"
            for command, wanted in re.findall(r"^\$ convstore (.*)\n(.*)$", text, re.MULTILINE):
                done = subprocess.run(
                    [sys.executable, "-c", "from convstore.cli import main; main()", *shlex.split(command)],
                    cwd=tree,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, (command, done.stdout, done.stderr)
                assert wanted in done.stdout, command
                steps += 1
    assert steps == 5
    lines = (tree / "plain.jsonl").read_text().splitlines()
    assert [line.count("USER: ") for line in lines] == [1, 1]
