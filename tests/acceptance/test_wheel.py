"""The wheel carries the whole product: installed into an empty environment it works from any folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Installing every dependency takes one to three minutes, all of it in the first test that asks for it.
pytestmark = pytest.mark.timeout(900)


class Installation:
    """An environment with the wheel in it, used from an empty folder by somebody whose home is empty too."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "venv" / "bin" / "python"
        self.convstore = self.python.with_name("convstore")
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        self.port = free_port()
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(folder / "user"),
            "LANG": "C.UTF-8",
            "CONVSTORE_HOME": str(folder / "home"),
            "CONVSTORE_PORT": str(self.port),
        }
        (folder / "user").mkdir()

    def run(self, *command: str | Path) -> str:
        """Standard output of a command that has to succeed."""
        done = subprocess.run(
            command, cwd=self.elsewhere, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on until it is told to end, with everything that it started."""
        with subprocess.Popen(command, cwd=self.elsewhere, env=self.environment, start_new_session=True) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise

    def answer(self, path: str, app: subprocess.Popen[bytes]) -> str:
        """What the app answers, as soon as it does."""
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
                    return str(response.read().decode())
            except OSError:
                if app.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pip(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    command: Sequence[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("convstore-*.whl")
    return built


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    # The versions of the lock, so that the result does not depend on the day; what is installed is the wheel's choice.
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[a-z0-9._-]+==[^\\\n]+", lock, re.MULTILINE)), "utf-8")
    pip("install", "--no-compile", "--constraint", constraints, wheel, python=folder / "venv" / "bin" / "python")
    return Installation(folder)


def test_wheel_carries_app_pages_migrations_and_theme(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    expected = {"Home.py", ".streamlit/config.toml", ".streamlit/secrets.toml.example"}
    for folder in ("pages", "db"):
        expected |= {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    assert {f"convstore/_app/{name}" for name in expected} <= carried
    assert "convstore/py.typed" in carried


def test_wheel_carries_nothing_else(wheel: Path) -> None:
    carried = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in carried} == {"convstore"}
    assert not [name for name in carried if name.endswith((".pyc", "/secrets.toml"))]


def test_package_comes_from_the_wheel(installation: Installation) -> None:
    where = installation.run(installation.python, "-c", "import convstore.resources as r; print(r.HOME_SCRIPT)")
    home = Path(where.strip())
    assert home.is_file()
    assert home.is_relative_to(installation.python.parents[1])


def test_a_new_store_is_made_and_healthy(installation: Installation) -> None:
    installation.run(installation.convstore, "init")
    checks = json.loads(installation.run(installation.convstore, "doctor", "--json"))["checks"]
    assert checks
    assert [check for check in checks if check["status"] == "fail"] == []
    listed = json.loads(installation.run(installation.convstore, "list", "--json"))
    assert listed["items"] == []


def test_app_runs_without_an_exception(installation: Installation) -> None:
    program = (
        "import os; from convstore.resources import APP_FOLDER; os.chdir(APP_FOLDER); "  # where its configuration is
        "from streamlit.testing.v1 import AppTest; from convstore.resources import HOME_SCRIPT; "
        "app = AppTest.from_file(HOME_SCRIPT, default_timeout=60).run(); "
        "print([each.message for each in app.exception], [each.value for each in app.error])"
    )
    assert installation.run(installation.python, "-c", program).splitlines()[-1] == "[] []"


def test_demo_answers_and_has_data(installation: Installation) -> None:
    with installation.running(installation.convstore, "demo") as app:
        assert installation.answer("/_stcore/health", app) == "ok"
        assert "<html" in installation.answer("/", app)
        listed = json.loads(installation.run(installation.convstore, "list", "--limit", "5", "--json"))
        assert len(listed["items"]) == 5
        # The whole demo set is in place before the app answers.
        assert listed["total"] >= 200
