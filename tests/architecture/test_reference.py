"""The reference pages are what the parser and the settings say, and no link in a document leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from convstore.cli import app
from convstore.settings import Settings
from docs.reference import render_commands, render_settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "db").glob("*.md")])
WRITE = "run `make docs`"


def test_every_command_and_option_is_on_its_page() -> None:
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == render_commands(), WRITE


def test_every_setting_is_on_its_page() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert page == render_settings(), WRITE
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert str(field.validation_alias or f"CONVSTORE_{name}".upper()) in page


def test_every_option_says_what_it_is_for() -> None:
    silent = []
    groups = [("", typer.main.get_command(app))]
    while groups:
        prefix, group = groups.pop()
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                groups.append((f"{prefix}{name} ", command))
            else:
                silent += [
                    f"{prefix}{name} {option.opts[-1]}"
                    for option in command.params
                    if option.param_type_name == "option" and not option.help and not option.hidden
                ]
    assert silent == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text("utf-8"))
    gone = [link for link in links if not link.startswith("http") and not (document.parent / link).exists()]
    assert gone == []
