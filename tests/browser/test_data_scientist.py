"""A data scientist sees how good the set is, and every bar leads to the conversations behind it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from playwright.sync_api import Error, Locator, expect

from convstore.model import Filter, ScoreRange
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


def sees_as_many(screen: Screen, count: int) -> None:
    """Browse lists so many conversations."""
    expect(screen.page.get_by_role("heading", name="Browse")).to_be_visible()
    screen.sees(f"{count:,} conversation{'' if count == 1 else 's'} with this filter")


def middle_of(mark: Locator) -> tuple[float, float]:
    box = mark.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_stroke_across_bars_leads_to_all_of_them(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    chart = screen.page.locator("[class*=st-key-histogram-quality]")
    chart.locator(".barlayer .point").first.wait_for()

    def draw() -> str:
        chart.hover()
        chart.locator(".modebar-btn[data-val=select]").click()
        (left, y), (right, _) = (
            middle_of(chart.locator(".xtick text", has_text=re.compile(rf"^{tick}$"))) for tick in (3, 4)
        )
        half_a_bar = (right - left) / 4
        # From before the bar of 3.0 to behind that of 4.0, in the middle of their heights.
        screen.page.mouse.move(left - half_a_bar, y - 80)
        screen.page.mouse.down()
        for step in range(1, 6):
            screen.page.mouse.move(left - half_a_bar + step / 5 * (right - left + 2 * half_a_bar), y - 70)
        screen.page.mouse.up()
        return "a stroke says nothing"

    until_it_leads(screen, draw, "Browse")
    assert "score=quality%3A2.75..4.24" in screen.page.url
    limits = ScoreRange("quality", Decimal("2.75"), Decimal("4.24"))
    sees_as_many(screen, full_app.store.count(Filter(scores=(limits,)))[0])


def test_a_box_leads_to_its_group(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    box = screen.page.locator("[class*=st-key-groups-persona] .scatterlayer .point").first
    said = press_mark(screen, box, "Browse")
    names = full_app.store.scaffolding()["personas"]
    groups = full_app.store.statistics.breakdown("persona").groups
    (pressed,) = [group for group in groups if said.startswith(names[str(group.key)])]
    side = pressed.people if "People" in said else pressed.file
    assert said.endswith(f"{side.present} scored, {side.missing} not")
    sees_as_many(screen, pressed.total)
    assert full_app.store.count(Filter(personas=(str(pressed.key),))) == (pressed.total, True)


def test_a_spot_leads_to_those_that_both_scored_so(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/quality")
    said = press_mark(screen, screen.page.locator("[class*=st-key-agreement] .scatterlayer .point").first, "Browse")
    number = re.search(r": (\d+)$", said)
    assert number is not None, said
    sees_as_many(screen, int(number.group(1)))


def test_a_way_from_feeling_to_feeling_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    flows = full_app.store.statistics.emotion_flow().flows
    (start, end), count = next((pair, n) for pair, n in flows.items() if None not in pair)
    screen.open(f"{full_app.address}/quality?part=Feelings")
    screen.page.get_by_text(re.compile(r"ways from first to last")).click()
    screen.settle()
    screen.tick(0)
    screen.press_key_of("open-flow")
    sees_as_many(screen, count)
    assert full_app.store.count(Filter(emotions=(f"{start}>{end}",))) == (count, True)


def test_a_hole_leads_to_what_there_is_of_it(full_app: LocalApp, screen: Screen) -> None:
    largest = max(full_app.store.statistics.cells(("arc", "topic")), key=lambda cell: cell.conversations)
    arc, topic = largest.keys
    full_app.store.set_targets([{"arc": arc, "topic": topic, "wanted": 900}])
    screen.open(f"{full_app.address}/coverage")
    screen.press_key_of("refresh")
    screen.sees("1 target not reached")
    with screen.page.expect_download() as request:
        screen.page.get_by_role("button", name=re.compile("Request to generate")).click()
    asked = json.loads(request.value.path().read_text())
    approved = full_app.store.count(Filter(arcs=(str(arc),), topics=(str(topic),), statuses=("approved",)))[0]
    assert asked["conversations"] == 900 - approved
    assert asked["cells"] == [
        {"persona_key": None, "emotional_arc_key": arc, "topic_key": topic, "tier": None, "wanted": 900,
         "approved": approved, "missing": 900 - approved}
    ]  # fmt: skip
    screen.tick(0)
    screen.press_key_of("open-hole")
    sees_as_many(screen, largest.conversations)


def test_a_chart_is_had_as_picture_and_numbers_and_a_bar_leads_to_its_conversations(
    full_app: LocalApp, screen: Screen
) -> None:
    screen.open(f"{full_app.address}/quality")
    chart = screen.page.locator("[class*=st-key-histogram-quality]")
    chart.locator(".barlayer .point").first.wait_for()
    chart.hover()
    with screen.page.expect_download() as picture:
        chart.locator(".modebar-btn[data-title*=PNG]").click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG\r\n")

    with screen.page.expect_download() as numbers:
        screen.page.locator(".st-key-csv-quality-scores button").click()
    assert numbers.value.suggested_filename == "quality-scores.csv"
    heads, *rows = csv.reader(io.StringIO(numbers.value.path().read_text()))
    assert heads == ["score", "file", "people"]
    scores = full_app.store.statistics.scores()["quality"]
    for place, side in ((1, scores.file), (2, scores.people)):
        assert {Decimal(row[0]): int(row[place]) for row in rows if row[place] != "0"} == dict(side.counts)

    said = press_mark(screen, screen.page.locator(".js-plotly-plot .barlayer .point path").nth(6), "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")


def choose(screen: Screen, label: str, option: str | re.Pattern[str]) -> None:
    """Choose from a box."""
    screen.choose(screen.page.get_by_role("combobox", name=label, exact=True), option)


def test_groups_feelings_arcs_and_words_lead_to_their_conversations(full_app: LocalApp, screen: Screen) -> None:
    store, page = full_app.store, screen.page
    screen.open(f"{full_app.address}/quality")
    choose(screen, "Score", "Empathy")
    page.get_by_role("radio", name="Month").click()
    screen.sees("drift over time")

    page.get_by_role("radio", name="Feelings").click()
    feeling, spellings = next(iter(store.statistics.emotion_flow().spellings.items()))
    choose(screen, "Feeling", re.compile(rf"\({sum(spellings.values())}\)"))
    screen.sees("Spelled ")
    screen.press_key_of("open-feeling")
    sees_as_many(screen, store.count(Filter(emotions=(feeling,)))[0])

    screen.open(f"{full_app.address}/quality?part=Feelings")
    arcs = sorted(store.statistics.cells(("arc",)), key=lambda cell: -cell.conversations)
    arc = store.scaffolding()["emotional_arcs"][str(arcs[1].keys[0])]
    screen.choose(page.locator(".st-key-intensity-arc").get_by_role("combobox"), arc, exact=True)
    screen.press(f"See its {arcs[1].conversations} conversations")
    sees_as_many(screen, arcs[1].conversations)

    screen.open(f"{full_app.address}/quality?part=Text")
    page.get_by_label("Words", exact=True).fill("pension")
    page.get_by_label("Words", exact=True).press("Enter")
    count, _ = store.count(Filter(text="pension"))
    screen.press(f"See all {count} conversations")
    sees_as_many(screen, count)
    screen.open(f"{full_app.address}/quality?part=Text")
    screen.press("Count anew and run checks")
    screen.sees("Checks ran over")
    screen.tick(0)
    phrase = store.statistics.stock_phrases().phrases[0].phrase
    screen.press_key_of("open-phrase")
    sees_as_many(screen, store.count(Filter(text=f'"{phrase}"'))[0])


def test_the_grid_turns_takes_targets_and_a_cell_leads_to_its_conversations(full_app: LocalApp, screen: Screen) -> None:
    page = screen.page
    screen.open(f"{full_app.address}/coverage")
    choose(screen, "Rows", "Rows: Persona")
    choose(screen, "Columns", "Columns: Tier")
    for view in ("Approved", "Mean quality", "Against targets", "All"):
        page.get_by_role("radio", name=view).click()
        screen.settle()
    with page.expect_download() as numbers:
        page.get_by_role("button", name="CSV").first.click()
    assert len(numbers.value.path().read_text().splitlines()) > 3
    page.get_by_text("Set targets by persona and tier").click()
    page.get_by_label("The same in every cell").fill("2")
    page.get_by_label("The same in every cell").press("Enter")
    page.get_by_role("button", name="Set every cell").click()
    screen.sees("targets changed.")
    screen.press("Save targets")
    screen.sees("Nothing changed: ")

    cell = screen.page.locator(".js-plotly-plot .heatmap-label text").filter(has_text=re.compile(r"^\d\d+$")).first
    said = press_mark(screen, cell, "Browse")
    number = re.search(r"(\d+)\s*$", said)
    assert number is not None, said
    screen.sees(f"{number.group(1)} conversations with this filter")


def test_copies_are_looked_for_compared_and_decided_page_by_page(full_app: LocalApp, screen: Screen) -> None:
    store, page = full_app.store, screen.page
    words = (
        "The boiler failed on the coldest night of the year and the landlord will not answer any of my letters about it"
    )
    twins = [
        {
            "messages": [
                {"role": "user", "content": f"{words} {n}{n}{n}"},
                {"role": "assistant", "content": f"{words} {n * 7} {end}"},
            ]
        }
        for n in range(9)
        for end in ("today", "now")
    ]
    store.ingest_uploads({"twins.jsonl": "".join(json.dumps(talk) + "\n" for talk in twins).encode()})
    screen.open(f"{full_app.address}/duplicates")
    screen.press("Look for copies")
    screen.sees("compared with the rest.")
    page.get_by_text("Compare", exact=True).first.click()
    screen.settle()
    screen.press_key_of("next")
    screen.sees("9 to ")
    screen.press_key_of("previous")
    screen.sees("1 to 8 of ")
    screen.press("Keep the best of these 8 groups")
    screen.sees("rejected as duplicates.")
    screen.press(re.compile("^Undo"))
    screen.sees("put back.")
