"""A real Chromium, and the app as a process of its own over real stores."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from convstore.core import ConvStore, Resources
from convstore.resources import APP_FOLDER, HOME_SCRIPT
from convstore.settings import Settings
from tests.browser.screen import Screen
from tests.browser.serving import free_port
from tests.fixtures_database import Server

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
              "--disable-component-update", "--disable-sync"]  # fmt: skip
_STARTED_WITHIN_S = 60


@dataclass(frozen=True)
class LocalApp:
    """A served app and the store behind it."""

    address: str
    store: ConvStore


# A file of tests at a time: while it is open, Playwright keeps an event loop running in the main thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; without one the tests skip, unless they are required."""
    if not CHROMIUM.exists() and not os.environ.get("CONVSTORE_REQUIRE_BROWSER"):
        pytest.skip("NO BROWSER: /usr/bin/chromium is missing; apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def local_app(settings: Settings, log: Path) -> Iterator[LocalApp]:
    """The app with local sign-in, on a free port."""
    assert settings.database_url is not None
    port = free_port()
    environment = {
        **os.environ,
        "CONVSTORE_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONVSTORE_HOME": str(settings.home),
    }
    arguments = [sys.executable, "-m", "streamlit", "run", str(HOME_SCRIPT), f"--server.port={port}"]
    with log.open("w") as output:
        process = subprocess.Popen(arguments, cwd=APP_FOLDER, env=environment, stdout=output, stderr=output)
    # The app writes behind this process: nothing may be remembered here.
    resources = Resources(settings.model_copy(update={"cache_seconds": 0}))
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield LocalApp(f"http://127.0.0.1:{port}", ConvStore.for_operator(resources))
    finally:
        resources.close()
        process.terminate()
        process.wait(timeout=30)


def _wait(health: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, "the app did not start"
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the app does not answer")


@pytest.fixture(scope="module")
def full_app(
    server: Server, demo_template: str, demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalApp]:
    """The app over the demonstration set."""
    home = tmp_path_factory.mktemp("full") / "home"
    shutil.copytree(demo_home, home)
    server.create("browser_full", demo_template)
    with local_app(server.settings("browser_full", home), home.parent / "app.log") as app:
        yield app
    server.drop("browser_full")


@pytest.fixture
def empty_app(server: Server, template: str, tmp_path: Path) -> Iterator[LocalApp]:
    """The app over a store with nothing in it; it has served nothing yet."""
    server.create("browser_empty", template)
    with local_app(server.settings("browser_empty", tmp_path / "home"), tmp_path / "app.log") as app:
        yield app
    server.drop("browser_empty")


@pytest.fixture
def screen(chromium: Browser, tmp_path: Path) -> Iterator[Screen]:
    """A page of the browser, which must end without errors and without a request to another host."""
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin", accept_downloads=True
    )
    screen = Screen(context.new_page(), tmp_path)
    yield screen
    screen.shot("at-the-end")
    context.close()
    assert screen.foreign == []
    assert screen.errors == []
