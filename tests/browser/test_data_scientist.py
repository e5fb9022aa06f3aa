"""A data scientist sees how good the set is, and every bar leads to the conversations behind it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator

from convstore.model import Filter
from tests.browser.conftest import LocalApp
from tests.browser.screen import ROW_PX, Screen

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


def drag_over(screen: Screen, plot: Locator, leads_to: str) -> None:
    """Drag over the whole width of a chart."""
    plot.wait_for()

    def drag() -> str:
        box = plot.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        screen.page.mouse.move(box["x"] + 2, y)
        screen.page.mouse.down()
        screen.page.mouse.move(box["x"] + box["width"] - 2, y + 5, steps=8)
        screen.page.mouse.up()
        return ""

    until_it_leads(screen, drag, leads_to)


def test_a_bar_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    said = press_mark(screen, screen.page.locator(".js-plotly-plot .barlayer .point path").nth(6), "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")


def test_bars_dragged_over_lead_to_all_of_theirs(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    drag_over(screen, screen.page.locator(".js-plotly-plot .nsewdrag").first, "Browse")
    scored, _ = full_app.store.count(Filter(min_quality=Decimal(1)))
    screen.sees(f"{scored} conversations with this filter")


def test_a_group_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    said = press_mark(screen, screen.page.locator(".js-plotly-plot .scatterlayer .point").first, "Browse")
    scored, unscored = re.findall(r"(\d+) scored, (\d+) not", said)[0]
    screen.sees(f"{int(scored) + int(unscored)} conversations with this filter")


def test_a_cell_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/coverage")
    cell = screen.page.locator(".js-plotly-plot .heatmap-label text").filter(has_text=re.compile(r"^\d\d+$")).first
    said = press_mark(screen, cell, "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")


def test_a_feeling_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality?part=Feelings")
    screen.page.locator(".st-key-feeling input").click()
    option = screen.page.get_by_role("option").first
    number = re.search(r"\((\d+)\)", option.inner_text())
    assert number is not None
    option.click()
    screen.settle()
    screen.press_key_of("open-feeling")
    screen.page.get_by_role("heading", name="Browse").wait_for()


def test_a_hole_leads_to_what_there_is_of_it_and_can_be_asked_for(full_app: LocalApp, screen: Screen) -> None:
    full_app.store.set_targets([{"tier": "edge_case", "wanted": 1000}])
    screen.open(f"{full_app.address}/coverage")
    screen.press("Refresh")
    (hole,) = full_app.store.statistics.targets()
    screen.sees(f"1 target not reached, {hole.missing} conversations lacking")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Request to generate").click()
    wanted = json.loads(Path(download.value.path()).read_text())
    assert wanted["conversations"] == hole.missing
    assert [(cell["tier"], cell["persona_key"], cell["missing"]) for cell in wanted["cells"]] == [
        ("edge_case", None, hole.missing)
    ]
    # The first column of a drawn table is where rows are chosen.
    screen.page.get_by_test_id("stDataFrame").first.click(position={"x": 16, "y": 34 + ROW_PX // 2})
    screen.settle()
    screen.press_key_of("open-hole")
    screen.sees(f"{hole.conversations} conversations with this filter")


def test_a_chart_can_be_taken_along_as_a_picture_and_as_numbers(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    chart = screen.page.locator(".js-plotly-plot").first
    chart.hover()
    with screen.page.expect_download() as picture:
        chart.locator("a.modebar-btn").first.click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    with screen.page.expect_download() as table:
        screen.page.locator(".st-key-csv-quality-scores button").click()
    rows = list(csv.DictReader(Path(table.value.path()).read_text().splitlines()))
    found = full_app.store.statistics.scores()["quality"].file
    assert {Decimal(row["score"]): int(row["file"]) for row in rows if row["file"] != "0"} == found.counts
