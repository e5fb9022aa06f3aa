"""A process that forks one child an operation, so that a child can be killed and the next starts at once.

Run as a script: a JSON line in, the child's pid out, then its exit status. Nothing is opened before the fork.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from convstore import ingest, reconcile, retention  # noqa: F401 - loaded before the fork
from convstore.core import ConvStore, Resources
from convstore.editing import delete_for_good  # noqa: F401
from convstore.errors import ConvstoreError
from convstore.files import supabase  # noqa: F401
from convstore.settings import Settings


def perform(order: dict[str, Any]) -> int:
    """Do one operation; 0 if everything of it was done."""
    if order.get("disk_bytes") is not None:
        # The kernel refuses to write further than this, as it does on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["disk_bytes"], order["disk_bytes"]))
    resources = Resources(Settings(**order["settings"]))
    store = ConvStore.for_operator(resources)
    if order["operation"] == "delete":
        result = store.delete(order["ids"], hard=True, confirm=True)
        return int(any(item.outcome == "refused" for item in result.items))
    report = store.ingest([Path(order["folder"])], on_conflict="replace")
    return int(not report.is_clean)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def complain(words: str) -> None:
    # The full disk is stderr's as well where that is a file.
    with suppress(OSError):
        sys.stderr.write(f"{words}\n")
        sys.stderr.flush()


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 3
            try:
                status = perform(order)
            except ConvstoreError as error:
                status = 2
                complain(f"{order['operation']}: {error.code} {error.message}")
            except Exception:  # noqa: BLE001 - told by the exit status
                complain(traceback.format_exc())
            finally:
                os._exit(status)
        say(pid)
        if order.get("kill_after_s") is not None:
            # A child that has ended is still ours to signal: nobody has waited for it.
            time.sleep(order["kill_after_s"])
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
