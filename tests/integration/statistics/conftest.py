"""The demonstration set once a module, for tests that only read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from convstore.core import ConvStore, Resources
from tests.fixtures_database import Server


@pytest.fixture(scope="module")
def demo_module_store(
    server: Server, demo_template: str, demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConvStore]:
    """A store with the demonstration set, shared by the tests of a module."""
    name = "test_statistics"
    server.create(name, demo_template)
    home = tmp_path_factory.mktemp("statistics") / "home"
    shutil.copytree(demo_home, home)
    opened = Resources(server.settings(name, home))
    yield ConvStore.for_operator(opened)
    opened.close()
    server.drop(name)
