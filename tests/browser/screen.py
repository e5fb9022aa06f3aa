"""What a person does with the app's screens, in Playwright's terms."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect
from playwright.sync_api import TimeoutError as NotInTime

__all__ = ["ROW_PX", "Screen"]

ROW_PX = 31
_WITHIN_MS = 60_000
#: How long to look for what was opened before it is opened again: the end of a run folds it. Longer each time, so that
#: little is lost here and a slow machine is waited for.
_TRIES_MS = (2_000, 6_000, 20_000, 60_000)
expect.set_options(timeout=_WITHIN_MS)
#: Streamlit asks below a deep address first and then at the root; the first answer is 404 by design.
_PROBE = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")


class Screen:
    """One page of the browser, with everything that it asked for and complained about.

    Parameters
    ----------
    folder
        Takes pictures that nobody asked to keep.
    provider
        Where people sign in: its pages are not ours, and ask and complain as they like.
    """

    def __init__(self, page: Page, folder: Path, *, provider: str | None = None) -> None:
        self.page = page
        self.folder = folder
        self._provider = provider
        self.foreign: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(_WITHIN_MS)
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))

    def _is_ours(self) -> bool:
        return self._provider is None or not self.page.url.startswith(self._provider)

    def _asked(self, request: Request) -> None:
        if self._is_ours() and not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)

    def _answered(self, response: Response) -> None:
        if self._is_ours() and response.status >= 400 and not _PROBE.search(response.url):
            self.errors.append(f"{response.status} {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # What the Content-Security-Policy stopped is said here, as an error.
        if self._is_ours() and message.type == "error" and not _PROBE.search(message.location.get("url", "")):
            self.errors.append(f"console: {message.text}")

    def assert_clean(self) -> None:
        """Nothing failed, nothing was stopped by the policy, nobody else was asked."""
        assert self.foreign == []
        assert self.errors == []

    def open(self, address: str) -> None:
        """Go to an address and wait until the screen stands."""
        self.page.goto(address)
        expect(self.page.get_by_test_id("stHeader")).to_be_visible(timeout=_WITHIN_MS)
        self.settle()

    def follow(self, title: str) -> None:
        """Go to another screen by the bar above: nothing is loaded anew, which is most of what `open` costs."""
        to_it = self.page.get_by_role("navigation", name="App pages").get_by_role("link", name=title, exact=True)
        to_it.click()
        # The app's answer makes it the present one; the run that follows is waited for.
        expect(to_it).to_have_attribute("aria-current", "page")
        self.settle()

    def settle(self) -> None:
        """Wait until the run is over and every element has its code."""
        self.page.wait_for_timeout(250)
        self.page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state')"
            " === 'notRunning' && !document.querySelector('[data-testid=stSkeleton]')"
        )

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Press a button, named by its first words."""
        wanted = re.compile(rf"^{re.escape(name)}\b") if isinstance(name, str) else name
        place = within or self.page
        place.get_by_role("button", name=wanted).or_(place.get_by_role("link", name=wanted)).first.click()
        self.settle()

    def press_key_of(self, key: str) -> None:
        """Press the button with this key."""
        self.page.locator(f".st-key-{key}").locator("button, a").first.click()
        self.settle()

    def press_shortcut(self, key: str) -> None:
        """Press a key that a button answers to; while a run is under way the button may not be there yet."""
        self.settle()
        self.page.keyboard.press(key)
        self.settle()

    def choose(self, box: Locator, option: str | re.Pattern[str], *, exact: bool = False) -> None:
        """Choose from a box; the end of a run folds an open one, so it is opened until the option is there."""
        wanted = self.page.get_by_role("option", name=option, exact=exact).first
        for within_ms in _TRIES_MS:
            self.settle()
            box.click()
            with suppress(NotInTime):
                wanted.click(timeout=within_ms)
                break
        else:
            wanted.click()
        self.settle()

    def unfold(self, name: re.Pattern[str], content: Locator) -> None:
        """Open a folded part until what is in it is seen."""
        for within_ms in _TRIES_MS:
            self.settle()
            self.page.get_by_text(name).first.click()
            with suppress(NotInTime):
                content.wait_for(state="visible", timeout=within_ms)
                return
        expect(content).to_be_visible()

    def table(self) -> Locator:
        """The first table on the screen."""
        table = self.page.get_by_test_id("stDataFrame").first
        expect(table.locator("canvas").first).to_be_visible(timeout=_WITHIN_MS)
        self.page.wait_for_timeout(600)
        return table

    def tick(self, *rows: int) -> None:
        """Select rows of the table; its cells are drawn, so this goes by place."""
        table = self.table()
        for row in rows:
            table.click(position={"x": 16, "y": 34 + ROW_PX * row + ROW_PX // 2})
            self.settle()

    def open_row(self, row: int) -> None:
        """Press the name in a row."""
        self.table().click(position={"x": 110, "y": 34 + ROW_PX * row + ROW_PX // 2})
        self.settle()

    def sees(self, words: str) -> None:
        """These words are on the screen."""
        expect(self.page.get_by_text(words).first).to_be_visible(timeout=_WITHIN_MS)

    def shot(self, name: str) -> None:
        """Keep a picture: below CONVSTORE_SCREENSHOTS where that is set, else with the test's own files."""
        folder = Path(os.environ.get("CONVSTORE_SCREENSHOTS") or self.folder)
        if name == "at-the-end":
            folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")
