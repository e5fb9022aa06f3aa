"""A real Chromium, and the app as a process of its own over real stores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from convstore.core import ConvStore, Resources
from convstore.settings import Settings
from tests.browser.screen import Screen
from tests.browser.serving import app_of, free_port
from tests.fixtures_database import Server

#: Debian's Chromium; without windows it takes two thirds of the processor's time.
CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
              "--disable-component-update", "--disable-sync"]  # fmt: skip


@dataclass(frozen=True)
class LocalApp:
    """A served app and the store behind it."""

    address: str
    store: ConvStore


# A file of tests at a time: while it is open, Playwright keeps an event loop running in the main thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; without one the tests skip, unless they are required."""
    installed = next((path for path in CHROMIUMS if path.exists()), None)
    if installed is None and not os.environ.get("CONVSTORE_REQUIRE_BROWSER"):
        pytest.skip("NO BROWSER: apt-get install chromium-headless-shell")
    assert installed, f"none of {', '.join(map(str, CHROMIUMS))} is installed"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(installed), args=_ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def local_app(settings: Settings, folder: Path) -> Iterator[LocalApp]:
    """The app with local sign-in, on a free port."""
    with app_of(settings.model_copy(update={"port": free_port()}), folder) as address:
        # The app writes behind this process: nothing may be remembered here.
        resources = Resources(settings.model_copy(update={"cache_seconds": 0}))
        try:
            yield LocalApp(address, ConvStore.for_operator(resources))
        finally:
            resources.close()


@pytest.fixture(scope="module")
def full_app(
    server: Server, demo_template: str, demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalApp]:
    """The app over the demonstration set."""
    home = tmp_path_factory.mktemp("full") / "home"
    shutil.copytree(demo_home, home)
    server.create("browser_full", demo_template)
    with local_app(server.settings("browser_full", home), home.parent) as app:
        yield app
    server.drop("browser_full")


@pytest.fixture
def empty_app(server: Server, template: str, tmp_path: Path) -> Iterator[LocalApp]:
    """The app over a store with nothing in it; it has served nothing yet."""
    server.create("browser_empty", template)
    with local_app(server.settings("browser_empty", tmp_path / "home"), tmp_path) as app:
        yield app
    server.drop("browser_empty")


@pytest.fixture
def screen(chromium: Browser, tmp_path: Path) -> Iterator[Screen]:
    """A page of the browser; nothing may fail, break the policy or leave the machine while it is open."""
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, timezone_id="Europe/Berlin", accept_downloads=True
    )
    screen = Screen(context.new_page(), tmp_path)
    yield screen
    screen.shot("at-the-end")
    context.close()
    screen.assert_clean()
