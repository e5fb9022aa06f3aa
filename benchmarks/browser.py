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
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from benchmarks.measuring import Measurement, Target, sample_of
from convstore.core import ConvStore
from convstore.resources import APP_FOLDER, HOME_SCRIPT

__all__ = ["CHROMIUM", "measure", "served"]

CHROMIUM = "/usr/bin/chromium"
_RUNS = 5
_TABLE = '[data-testid="stDataFrame"] canvas'


def measure(store: ConvStore) -> Iterator[Measurement]:
    """A warm server; a browser that never saw the app, and the same once more; beside them a bare table."""
    with _plain() as plain, served(store) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        new: list[float] = []
        known: list[float] = []
        other: list[float] = []
        least: list[float] = []
        for run in range(_RUNS + 1):
            context = chromium.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            taken = [_open(page, f"{address}/browse") for _ in range(2)]
            changed = _change_filter(page)
            context.close()
            context = chromium.new_context(viewport={"width": 1440, "height": 900})
            bare = _open(context.new_page(), plain)
            context.close()
            if run:  # the first one warms the servers
                new.append(taken[0])
                known.append(taken[1])
                other.append(changed)
                least.append(bare)
        chromium.close()
    limit = sample_of(least)
    for case, seconds, target, beside in (
        ("Browse: the first table, in a browser that never saw the app", new, 1500, limit),
        ("Browse: the first table, in a browser that was there before", known, 1500, None),
        ("Browse: another order", other, 600, None),
    ):
        yield Measurement(
            group="browser",
            case=case,
            product=sample_of(seconds),
            limit=beside,
            target=Target(ms=target),
            note="limit: one table of ten rows and nothing else, by Streamlit" if beside else "",
        )


def _open(page: Page, address: str) -> float:
    """Seconds to the first table."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(address)
    page.locator(_TABLE).first.wait_for(timeout=60_000)
    return time.perf_counter() - began


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
    addresses = {"CONVSTORE_DATABASE_URL": store.database.url, "CONVSTORE_HOME": str(store.settings.home)}
    with _streamlit(HOME_SCRIPT, addresses) as address:
        yield address


@contextmanager
def _plain() -> Iterator[str]:
    with TemporaryDirectory(prefix="convstore-bench-") as folder:
        script = Path(folder) / "plain.py"
        script.write_text("import streamlit as st\nst.dataframe({'n': list(range(10))})\n")
        with _streamlit(script, {}) as address:
            yield address


@contextmanager
def _streamlit(script: Path, variables: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    app = subprocess.Popen(
        arguments,
        cwd=Path(APP_FOLDER),
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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
