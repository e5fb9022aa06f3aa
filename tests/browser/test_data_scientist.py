"""A data scientist sees how good the set is, and every bar leads to the conversations behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Locator

from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

_PRESSES = 5
_LISTENS_WITHIN_MS = 12_000


def until_it_leads(screen: Screen, act: Callable[[], str], leads_to: str) -> str:
    """Do it as a hand does, again where the chart was not listening yet; what was said on the way."""
    heading = screen.page.get_by_role("heading", name=leads_to)
    said = ""
    for _ in range(_PRESSES):
        screen.settle()
        said = act()
        with suppress(Error):
            heading.wait_for(timeout=_LISTENS_WITHIN_MS)
            return said
    pytest.fail(f"nothing led to {leads_to}; the label said {said!r}")


def press_mark(screen: Screen, mark: Locator, leads_to: str) -> str:
    """Press a bar, point or cell; what its label said."""
    mark.wait_for()

    def press() -> str:
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        screen.page.mouse.move(x - 2, y - 2)
        screen.page.mouse.move(x, y)
        label = screen.page.locator(".hovertext").first
        label.wait_for()
        said = label.text_content() or ""
        screen.page.mouse.down()
        screen.page.mouse.up()
        return said

    return until_it_leads(screen, press, leads_to)


def test_a_bar_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    said = press_mark(screen, screen.page.locator(".js-plotly-plot .barlayer .point path").nth(6), "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")


def test_a_cell_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/coverage")
    cell = screen.page.locator(".js-plotly-plot .heatmap-label text").filter(has_text=re.compile(r"^\d\d+$")).first
    said = press_mark(screen, cell, "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")
