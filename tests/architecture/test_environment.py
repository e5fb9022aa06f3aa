"""The environment is read in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
READERS = {"environ", "environb", "getenv", "getenvb"}


def environment_reads(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in READERS:
                yield node.lineno
            case ast.ImportFrom(module="os", names=names) if READERS & {alias.name for alias in names}:
                yield node.lineno


def test_only_settings_read_the_environment() -> None:
    sources = [
        ROOT / "Home.py",
        *(path for name in ("convstore", "pages", "db") for path in (ROOT / name).rglob("*.py")),
    ]
    settings = ROOT / "convstore" / "settings.py"
    reads = {
        str(path.relative_to(ROOT)): lines
        for path in sources
        if path != settings and (lines := list(environment_reads(path)))
    }
    assert reads == {}
