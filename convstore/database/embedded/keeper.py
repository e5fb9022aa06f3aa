"""The detached program that starts one server, watches who uses it, and stops it when the last user is gone.

Run by path in a Python without site-packages: the standard library only, nothing of convstore. The server is this
program's child, so it is signalled without ever believing a process number; should this program be killed, Linux
asks the server to shut down. The server and all its processes inherit `server.lock`, so whoever gets that lock knows
that none of them is left.

The order is one JSON object in argv[1], made in launch.py.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

PR_SET_PDEATHSIG = 1
START_POLL_S = 0.005
POLL_S = 0.25
FAST_SHUTDOWN_S = 60.0
LOG_LIMIT_BYTES = 4 * 1024 * 1024
STATUS_LINE = 7  # of postmaster.pid, counted from 0


class Keeper:
    """One server and the rules by which it ends."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.data = Path(order["data"])
        self.pid_file = self.data / "postmaster.pid"
        self.identity = _identity(os.fstat(order["data_descriptor"]))
        self.stop_asked = False

    def keep(self) -> None:
        """Run the server from its start to its end."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        try:
            self._clear_pid_file()
            server = self._start()
            try:
                if self._wait_until_ready(server):
                    self._report_ready()
                    self._watch(server)
            finally:
                self._stop(server)
        finally:
            shutil.rmtree(Path(self.order["socket"]).parent, ignore_errors=True)

    def _report_ready(self) -> None:
        with suppress(BrokenPipeError):  # who asked for the server may be gone
            os.write(self.order["report_descriptor"], b"ready")
        os.close(self.order["report_descriptor"])

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def _clear_pid_file(self) -> None:
        """Remove what a killed server left: its number may be a stranger's by now, and PostgreSQL would not start.

        This process holds server.lock, so nobody's server runs here but one that was started by hand.
        """
        with suppress(FileNotFoundError):
            number = self.pid_file.read_text().partition("\n")[0]
            with suppress(OSError):
                if _identity(Path("/proc", number, "cwd").stat()) == self.identity:
                    sys.exit(f"process {number}, not started by convstore, serves {self.data}: stop it first")
            self.pid_file.unlink()

    def _start(self) -> subprocess.Popen[bytes]:
        account: dict[str, Any] = {}
        if self.order["owner"] is not None:
            uid, gid = self.order["owner"]
            account = {"user": uid, "group": gid, "extra_groups": []}
        libc = ctypes.CDLL(None)

        def die_with_keeper() -> None:
            if sys.platform == "linux":
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)

        return subprocess.Popen(
            self.order["command"],
            stdin=subprocess.DEVNULL,
            pass_fds=[self.order["lock_descriptor"], self.order["data_descriptor"]],
            preexec_fn=die_with_keeper,  # noqa: PLW1509 - this program has one thread
            start_new_session=True,
            **account,
        )

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> bool:
        while server.poll() is None and not self.stop_asked:
            with suppress(OSError):
                lines = self.pid_file.read_text().splitlines()
                if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready":
                    return True
            time.sleep(START_POLL_S)
        return False

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        """Return when the server is to end; if for want of users, none can come until this process has ended."""
        users = os.open(self.order["users_lock"], os.O_RDWR)
        last_use = time.time()
        while server.poll() is None and not self.stop_asked and self._is_in_place():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_use = time.time()
            else:
                now = time.time()
                last_use = min(now, max(last_use, os.fstat(users).st_mtime))
                if now - last_use >= self.order["linger_s"]:
                    return
                fcntl.flock(users, fcntl.LOCK_UN)
            self._rotate_log()
            time.sleep(POLL_S)

    def _is_in_place(self) -> bool:
        """False when a stop is asked for, or data or socket are no longer where clients look for them."""
        try:
            same = _identity(self.data.stat()) == self.identity
        except OSError:
            return False
        return same and Path(self.order["socket"]).exists() and not Path(self.order["stop_request"]).exists()

    def _rotate_log(self) -> None:
        log = Path(self.order["log"])
        with suppress(OSError):
            if log.stat().st_size > LOG_LIMIT_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)  # the server goes on appending to the same file

    def _stop(self, server: subprocess.Popen[bytes]) -> None:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(FAST_SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def main() -> None:
    """Let the caller go, then keep the server."""
    if os.fork():
        os._exit(0)
    Keeper(json.loads(sys.argv[1])).keep()


if __name__ == "__main__":
    main()
