"""The detached program that starts one server, watches who uses it, and stops it when the last user is gone.

Run by path in a Python without site-packages: the standard library only, nothing of convstore. The server is this
program's child, so it is signalled without ever believing a process number; if this program dies, the kernel asks
the server to shut down. The server and its processes inherit `server.lock`: whoever holds it knows that none is left.

The order, one JSON object in argv[1]: command, uid, gid, data, data_descriptor, lock_descriptor,
report_descriptor, users_lock, stop_request, socket, linger_s.
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
from pathlib import Path
from types import FrameType
from typing import Any

PR_SET_PDEATHSIG = 1
START_POLL_S = 0.005
POLL_S = 0.25
FAST_SHUTDOWN_S = 60.0
STATUS_LINE = 7  # of postmaster.pid, counted from 0: "starting", "ready", …


class Keeper:
    """One server and the rules by which it ends."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.data = Path(order["data"])
        self.identity = _identity(os.fstat(order["data_descriptor"]))
        self.stop_asked = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        # Nobody holds server.lock but this process, so no server runs and the number in this file names a stranger.
        for name in ("postmaster.pid", self.order["stop_request"]):
            (self.data / name).unlink(missing_ok=True)
        server = self._start()
        try:
            ready = self._wait_until_ready(server)
            self._report("ready" if ready else "failed")
            if ready:
                self._watch(server)
        finally:
            self._stop(server)
            shutil.rmtree(Path(self.order["socket"]).parent, ignore_errors=True)
        return 0 if ready else 1

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def _start(self) -> subprocess.Popen[bytes]:
        prctl = ctypes.CDLL(None).prctl
        account: dict[str, Any] = {}
        if self.order["uid"] is not None:
            account = {"user": self.order["uid"], "group": self.order["gid"], "extra_groups": []}
        return subprocess.Popen(
            self.order["command"],
            stdin=subprocess.DEVNULL,
            pass_fds=[self.order["lock_descriptor"], self.order["data_descriptor"]],
            preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT),
            start_new_session=True,
            **account,
        )

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> bool:
        while server.poll() is None and not self.stop_asked:
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready":
                return True
            time.sleep(START_POLL_S)
        return False

    def _report(self, word: str) -> None:
        try:
            os.write(self.order["report_descriptor"], word.encode())
        except BrokenPipeError:
            pass  # who asked for the server is gone; the watch notices
        os.close(self.order["report_descriptor"])

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        """Return when the server is to be stopped; then nobody can become a user until this process has ended."""
        users = os.open(self.order["users_lock"], os.O_RDWR)
        last_use = time.time()
        while server.poll() is None and not self.stop_asked and self._is_in_place():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last_use = time.time()
            else:
                last_use = max(last_use, min(os.fstat(users).st_mtime, time.time()))
                if time.time() - last_use >= self.order["linger_s"]:
                    return
                fcntl.flock(users, fcntl.LOCK_UN)
            time.sleep(POLL_S)

    def _is_in_place(self) -> bool:
        """False when a stop is asked for, or the data or the socket is no longer where clients look for it."""
        try:
            same = _identity(os.stat(self.data)) == self.identity
        except OSError:
            return False
        return same and os.path.exists(self.order["socket"]) and not os.path.exists(self.order["stop_request"])

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
    if os.fork():  # the caller waits for this process; the keeper belongs to nobody
        os._exit(0)
    sys.exit(Keeper(json.loads(sys.argv[1])).run())


if __name__ == "__main__":
    main()
