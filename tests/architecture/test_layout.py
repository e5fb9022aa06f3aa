"""What stands at the top level, how long a module may be, and what a page may import."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_MODULE_LINES = 400
MAX_PAGE_LINES = 150
# A list of one kind of thing: long because there is much of it, not because it knows two.
LISTS = {
    "convstore/model.py",  # one value a word of the field
}

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    ".streamlit",
    "CHANGELOG.md",
    "Home.py",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "convstore",
    "db",
    "pages",
    "pyproject.toml",
    "requirements.lock",
    "tests",
}
OPTIONAL_TOP_LEVEL = {"SECURITY.md", "docs"}


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: what belongs to the project and what lies about cannot be told apart")
    # A checkout may belong to somebody else, as in containers.
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def screens() -> list[Path]:
    return [ROOT / "Home.py", *sorted((ROOT / "pages").glob("*.py"))]


def line_count(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_top_level_is_the_documented_one() -> None:
    found = {path.parts[0] for path in tracked_files()}
    assert found - OPTIONAL_TOP_LEVEL == TOP_LEVEL


def test_no_module_is_too_long() -> None:
    modules = [path for folder in ("convstore", "db") for path in (ROOT / folder).rglob("*.py")]
    too_long = {
        str(path.relative_to(ROOT)): line_count(path) for path in modules if line_count(path) > MAX_MODULE_LINES
    }
    assert set(too_long) <= LISTS, too_long


def test_there_are_pages() -> None:
    assert len(screens()) > 1


def test_pages_are_short() -> None:
    too_long = {path.name: line_count(path) for path in screens() if line_count(path) >= MAX_PAGE_LINES}
    assert not too_long


def test_pages_import_streamlit_and_convstore_only() -> None:
    allowed = {"streamlit", "convstore", "__future__"}
    others = {path.name: sorted(set(imported_packages(path)) - allowed) for path in screens()}
    assert {name: packages for name, packages in others.items() if packages} == {}
