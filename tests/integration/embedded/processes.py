"""The processes of an embedded server, found by looking, and clients in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convstore.database.embedded.cluster import identity_of

ROOT = Path(__file__).parents[3]
CLIENT = Path(__file__).with_name("client.py")


def processes_of(home: Path) -> list[int]:
    """Keepers and servers of this home, by the command that started them."""
    data = home / "postgres" / "data"
    marks = (os.fsencode(identity_of(data)), os.fsencode(data))
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"keeper.py" in command or b"postgres\0-D" in command:
                found += [int(entry.name)] if any(mark in command for mark in marks) else []
    return found


def postmaster_of(home: Path) -> int:
    """The server's own process, by the file that it wrote."""
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().partition("\n")[0])


def keeper_of(home: Path) -> int:
    """The process that keeps the server."""
    status = Path("/proc", str(postmaster_of(home)), "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def wait_until(condition: Callable[[], bool], timeout_s: float = 15.0) -> bool:
    """Whether the condition holds within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Client:
    """A process that opens the server of a home, runs SQL, and keeps using the server until told otherwise."""

    def __init__(self, home: Path, *sql: str, **popen: Any) -> None:
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | popen.pop("env", {})
        self.process = subprocess.Popen(
            [popen.pop("python", sys.executable), CLIENT, home, *sql],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd="/",
            text=True,
            **popen,
        )

    def said(self) -> dict[str, Any]:
        """Its answer, when it is ready."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        """Let it close the server and end."""
        self.process.communicate()

    def kill(self) -> None:
        """Give it no chance to close anything."""
        self.process.kill()
        self.process.communicate()
