"""Every dependency has its line in the README, and the lock answers to pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUN_TIME = [Requirement(text) for text in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(text) for text in PROJECT["optional-dependencies"]["dev"]]


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    pins = re.findall(r"^([a-z0-9._-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("requirement", RUN_TIME + DEVELOPMENT, ids=lambda requirement: requirement.name)
def test_lock_answers_to_the_ranges(requirement: Requirement, locked: dict[str, str]) -> None:
    assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)])


def test_every_dependency_is_explained_in_the_readme() -> None:
    explained = set(re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    assert {requirement.name for requirement in RUN_TIME + DEVELOPMENT} <= explained
