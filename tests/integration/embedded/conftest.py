"""Homes with a database that is ready to start."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from convstore.database.embedded import open_server, stop_server
from tests.integration.embedded.processes import processes_of, wait_until


@pytest.fixture(scope="session")
def stopped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database was made, used and stopped."""
    made = tmp_path_factory.mktemp("embedded") / "home"
    open_server(made).close()
    stop_server(made)
    return made


@pytest.fixture
def home(stopped_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it for one test; its server, if any is left, is stopped at the end."""
    copy = tmp_path / "home"
    subprocess.run(["cp", "-a", stopped_home, copy], check=True)
    yield copy
    stop_server(copy)
    assert wait_until(lambda: not processes_of(copy)), "a process of this server outlived it"


@pytest.fixture
def empty_home(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet."""
    path = tmp_path / "new" / "home"
    yield path
    stop_server(path)
    assert wait_until(lambda: not processes_of(path)), "a process of this server outlived it"
