"""The environment is read in one place, and every variable is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from convstore.settings import Settings

ROOT = Path(__file__).parents[2]
READERS = {"environ", "environb", "getenv", "getenvb"}


def variables() -> set[str]:
    prefix = Settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in Settings.model_fields.items()
    }  # fmt: skip


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


def test_settings_table_of_the_readme_is_complete() -> None:
    rows = re.findall(
        r"^\| `((?:CONVSTORE|SUPABASE)_[A-Z0-9_]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) == len(set(rows))
    assert set(rows) == variables()
