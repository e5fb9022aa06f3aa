"""An environment of its own for the wheel, with what the wheel requires and nothing else in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement

__all__ = ["Installation", "install", "pip"]

_SITE = Path(sysconfig.get_path("purelib"))
_SHOW_SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


class Installation:
    """An environment with the wheel in it, used from an empty folder by somebody whose home is empty too."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "venv" / "bin" / "python"
        self.convstore = self.python.with_name("convstore")
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        self.port = _free_port()
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pip(*arguments: str | Path) -> None:
    command: Sequence[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def install(wheel: Path, folder: Path) -> Installation:
    """The wheel in a new environment, among the packages that it requires as they are installed here.

    Fetching and unpacking them again would take a minute and give the same: the lock names one version of each.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    installation = Installation(folder)
    into = ("--python", installation.python)
    pip(*into, "install", "--no-compile", "--no-deps", "--no-index", wheel)
    site = Path(installation.run(installation.python, "-c", _SHOW_SITE).strip())
    (installed,) = metadata.distributions(name="convstore", path=[str(site)])
    for package in _required_by(installed.requires or []):
        _bring(package, site)
    pip(*into, "check")
    return installation


def _required_by(requirements: Sequence[str]) -> set[str]:
    """Names of all packages that these requirements lead to here and now."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(requirement), "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found.add(requirement.name)
        for wanted in {"", *requirement.extras}:
            if (requirement.name, wanted) not in seen:
                seen.add((requirement.name, wanted))
                waiting += [(Requirement(each), wanted) for each in metadata.requires(requirement.name) or []]
    return found


def _bring(package: str, site: Path) -> None:
    """Put an installed package into another environment, with what Python has compiled of it."""
    files = metadata.files(package)
    assert files, f"{package} was installed without a list of its files"
    for file in files:
        source = Path(str(file.locate()))
        compiled = [Path(cache_from_source(str(source)))] if source.suffix == ".py" else []
        for each in (source, *compiled):
            if not each.is_relative_to(_SITE) or not each.exists():
                continue
            target = site / each.relative_to(_SITE)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    target.hardlink_to(each)
                except OSError:  # Another file system.
                    shutil.copy2(each, target)
