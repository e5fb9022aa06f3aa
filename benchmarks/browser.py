"""Browse in a real Chromium: from the address to the first table, and from a changed filter to its total on screen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.measuring import Measurement, Target, sample_of
from convstore.core import ConvStore
from convstore.resources import APP_FOLDER, HOME_SCRIPT

__all__ = ["CHROMIUM", "measure", "served"]

CHROMIUM = "/usr/bin/chromium"
_RUNS = 5
_TABLE = '[data-testid="stDataFrame"] canvas'


def measure(store: ConvStore) -> Iterator[Measurement]:
    """A warm server, a fresh browser context each time."""
    with served(store) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        first, change = [], []
        for run in range(_RUNS + 1):
            context = chromium.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            began = time.perf_counter()
            page.goto(f"{address}/browse")
            page.locator(_TABLE).first.wait_for(timeout=60_000)
            taken = time.perf_counter() - began
            changed = _change_filter(page)
            if run:  # the first one warms the server
                first.append(taken)
                change.append(changed)
            context.close()
        chromium.close()
    yield Measurement(
        group="browser", case="Browse: the first table on screen", product=sample_of(first), target=Target(ms=1500)
    )
    yield Measurement(group="browser", case="Browse: another order", product=sample_of(change), target=Target(ms=600))


def _change_filter(page: Page) -> float:
    """Seconds from pressing an order to the table in that order: the app has run once more."""
    page.get_by_role("combobox").filter(visible=True).last.click()
    option = page.get_by_role("option", name="Best first")
    option.wait_for(timeout=60_000)
    began = time.perf_counter()
    option.click()
    page.wait_for_function(
        "() => location.search.includes('sort=Best')"
        ' && !document.querySelector(\'[data-testid="stApp"][data-test-script-state="running"]\')',
        timeout=60_000,
    )
    return time.perf_counter() - began


@contextmanager
def served(store: ConvStore) -> Iterator[str]:
    """The app over this store, as a process of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CONVSTORE_DATABASE_URL": store.database.url,
        "CONVSTORE_HOME": str(store.settings.home),
    }
    arguments = [sys.executable, "-m", "streamlit", "run", str(HOME_SCRIPT), f"--server.port={port}"]
    app = subprocess.Popen(
        arguments, cwd=Path(APP_FOLDER), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", app)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(timeout=30)


def _wait(address: str, app: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if app.poll() is not None:
            raise RuntimeError("the app did not start")
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the app does not answer")
