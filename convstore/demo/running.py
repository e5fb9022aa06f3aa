"""`convstore demo`: a server of its own, demonstration data if it is empty, the app."""

from __future__ import annotations

import sys

from convstore.core import ConvStore, Resources
from convstore.demo.seeding import seed_demo
from convstore.serving import check_address, run_ui
from convstore.settings import Settings
from convstore.worker import run_worker_in_background

__all__ = ["run_demo"]


def run_demo(settings: Settings) -> int:
    """Run the demonstration until it is stopped; its exit status.

    It never touches a database that the settings name: demonstration data belongs into a server of its own.
    """
    own = settings.model_copy(
        update={"database_url": None, "admin_url": None, "read_url": None, "auth": "local", "workspace": "default"}
    )
    check_address(own)
    resources = Resources(own)
    try:
        store = ConvStore.for_operator(resources)
        if store.count() == (0, True):
            _say("Storing demonstration data …")
            stored = seed_demo(store)
            _say(f"{stored:,} conversations stored in {own.home}")
        _say(f"convstore is at http://{own.address}:{own.port} (stop with Ctrl-C)")
        with run_worker_in_background(resources):
            return run_ui(own)
    finally:
        resources.close()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
