"""A data scientist sees how good the set is, and every bar leads to the conversations behind it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def press_mark(screen: Screen, mark: Locator) -> str:
    """Press a bar or cell as a hand does; what its label said."""
    mark.wait_for()
    screen.page.wait_for_timeout(1500)  # the chart is drawn before it listens
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


def test_a_bar_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    said = press_mark(screen, screen.page.locator(".js-plotly-plot .barlayer .point path").nth(6))
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    expect(screen.page.get_by_role("heading", name="Browse")).to_be_visible(timeout=30_000)
    screen.sees(f"{number.group(1)} conversations with this filter")
