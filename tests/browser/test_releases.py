"""A lead sees what a trainer would say, and accounts for what went out."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from convstore.core import ConvStore
from convstore.model import Filter
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen
from tests.integration.conversations import document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: More than the screen reads of its own accord.
_READ_UNASKED = 501
APPROVED = Filter(statuses=("approved",))


def test_what_a_trainer_refuses_and_what_each_weighs_is_said_before(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/releases?format=Alpaca")
    screen.page.get_by_text("Keep a last message that nobody answered").click()
    screen.sees("would be refused")
    screen.unfold(re.compile("^The first [0-9]+ places?$"), screen.page.get_by_test_id("stDataFrame").nth(1))
    screen.page.get_by_text("Reply", exact=True).click()
    screen.unfold(re.compile("^What each weighs: "), screen.page.get_by_test_id("stDataFrame").nth(2))


def test_what_went_out_is_verified_stored_and_compared(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    made(store, screen, "before", Filter())
    report = made(store, screen, "after", APPROVED)
    screen.open(f"{full_app.address}/releases?part=History")
    screen.sees("after Messages · sealed")
    screen.page.get_by_role("button", name="Verify").click()
    screen.sees(f"{len(store.release_items('after', limit=1000))} conversations as they went out.")
    screen.page.get_by_role("button", name="Put into the file store").click()
    screen.sees("in the file store as")
    screen.page.get_by_role("combobox", name="Compare with another").click()
    screen.page.get_by_role("option", name="before").click()
    screen.sees("Removed")
    removed = store.diff_releases("before", "after").counts["removed"]
    expect(screen.page.get_by_test_id("stMetricValue").nth(1)).to_have_text(str(removed))
    screen.page.get_by_text(f"{removed} conversations that differ").click()
    screen.shot("releases-compared")
    screen.press("Its conversations")
    screen.sees(f"{len(report.splitlines())} conversations with this filter")


def test_a_release_that_is_stopped_leaves_nothing(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    before = sealed(store)
    count, _ = store.count(APPROVED)
    screen.open(f"{full_app.address}/releases?status=Approved")
    screen.sees("What comes out")
    screen.page.get_by_text("Keep a last message that nobody answered").click()
    screen.settle()
    with store.database.admin() as holding:
        # The build waits here, so that there is something to stop.
        holding.execute("LOCK TABLE release_items IN SHARE MODE")
        screen.press(f"Release {count}")
        screen.sees("Releasing: ")
        # By its key: while a long run is under way, the frame shows a Stop of its own.
        screen.page.locator(".st-key-stop-work button").click()
        screen.sees("Stopping")
    screen.sees("Stopped. Nothing was changed.")
    assert sealed(store) == before
    screen.page.get_by_role("radio", name="History").click()
    screen.sees("It never went out: it was cancelled.")
    with store.database.admin() as holding:
        holding.execute("LOCK TABLE release_items IN SHARE MODE")
        store.export_later("messages", APPROVED, name="by a worker")
        screen.open(f"{full_app.address}/releases?part=History&status=Approved")
        cancel = screen.page.get_by_role("button", name="Cancel")
        cancel.click()
        screen.sees("Being cancelled")
    expect(cancel).to_have_count(0)
    assert store.jobs(task="export", limit=1)[0].status == "cancelled"
    assert sealed(store) == before
    with store.database.admin() as admin:
        # What a build leaves that is killed.
        columns = "workspace_id, format, filter, rules, options, seed, exporter_version, created_by"
        admin.execute(f"INSERT INTO releases ({columns}) SELECT {columns} FROM releases LIMIT 1")
    screen.open(f"{full_app.address}/releases?part=History&status=Approved")
    screen.sees("It never went out: it was cut off.")
    screen.page.get_by_role("radio", name="Build").click()
    screen.settle()
    screen.press(f"Release {count}")
    screen.sees(f"{count} conversations released.")


def test_rules_and_splits_go_out_as_the_form_says(full_app: LocalApp, screen: Screen) -> None:
    store, page = full_app.store, screen.page
    # The whole form at once: a list of options closes where the page has to scroll.
    page.set_viewport_size({"width": 1440, "height": 1900})
    screen.open(f"{full_app.address}/releases?format=Alpaca")
    page.get_by_text("Earlier exchanges as history").click()
    screen.sees("A trainer then sees the last exchange alone.")
    page.get_by_role("radio", name="My own").click()
    page.get_by_label("Text of the system prompt").fill("Be brief.")
    page.get_by_label("Text of the system prompt").press("Control+Enter")
    screen.settle()
    page.get_by_text("Rules", exact=True).click()
    page.get_by_role("slider", name="Least score").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Human scores only")).to_be_enabled()
    page.get_by_text("Human scores only").click()
    screen.settle()
    without = page.get_by_role("combobox", name="Without the finding")
    without.fill("Repeated message")
    page.get_by_role("option").first.wait_for()
    without.press("Enter")
    without.press("Tab")
    screen.settle()
    page.get_by_text("The best of each group of duplicates").click()
    screen.settle()
    for label, number in (("At most so many of each", "9"), ("A sample of", "20"), ("Seed", "7")):
        page.get_by_role("spinbutton", name=label).fill(number)
        page.get_by_role("spinbutton", name=label).press("Enter")
        screen.settle()
    expect(page.get_by_label("Every persona, arc and topic in proportion")).to_be_enabled()
    page.get_by_text("Every persona, arc and topic in proportion").click()
    screen.settle()
    page.get_by_text("Splits", exact=True).click()
    page.get_by_role("textbox", name="Names and shares").fill("train=0.8, validation=0.2")
    page.get_by_role("textbox", name="Names and shares").press("Enter")
    screen.settle()
    page.get_by_role("button", name="Persona", exact=True).click()
    screen.settle()
    held = store.search(APPROVED, limit=1).items[0].conversation_id
    page.get_by_role("textbox", name="Held out").fill(f"{held}=validation")
    page.get_by_role("textbox", name="Held out").press("Control+Enter")
    screen.settle()
    page.get_by_role("textbox", name="Name", exact=True).fill("ruled")
    page.get_by_role("textbox", name="Name", exact=True).press("Enter")
    screen.settle()
    screen.press(re.compile("^Release [0-9]+ conversation"))
    screen.sees("released.")
    made_so = store.get_release("ruled")
    asked = {
        "lint": "drop", "score": "human", "min_score": "1.1", "sample": 20, "stratified": True, "most_per_cell": 9,
        "best_of_duplicates": True, "without_findings": ["repeated_message"],
    }  # fmt: skip
    assert {name: made_so.rules[name] for name in asked} == asked
    shares = {"train": "0.8", "validation": "0.2"}
    assert made_so.options["splits"] == {"shares": shares, "held_out": {held: "validation"}, "stratify_by": ["persona"]}
    shape = {name: made_so.options[name] for name in ("system", "system_text", "alpaca_history")}
    assert shape == {"system": "own", "system_text": "Be brief.", "alpaca_history": False}
    assert made_so.seed == 7
    screen.page.get_by_role("radio", name="History").click()
    screen.sees("ruled Alpaca · sealed")
    page.get_by_text("What a trainer says of it").click()
    page.get_by_text(re.compile("^Stayed behind: ")).first.click()
    with page.expect_download() as again:
        page.get_by_role("link", name="Download again").click()
    assert again.value.path().read_bytes().startswith(b"PK")


def test_many_conversations_are_read_when_somebody_asks(full_app: LocalApp, screen: Screen) -> None:
    lines = "".join(json.dumps(document(f"many-{number}")) + "\n" for number in range(_READ_UNASKED))
    full_app.store.ingest_uploads({"many.jsonl": lines.encode()})
    count, _ = full_app.store.count()
    screen.open(f"{full_app.address}/releases")
    screen.sees("So many conversations are not read before you ask")
    screen.press(f"Check all {count}")
    screen.sees("What each weighs")


def sealed(store: ConvStore) -> set[UUID]:
    return {release.id for release in store.list_releases() if release.sealed_at}


def made(store: ConvStore, screen: Screen, name: str, wanted: Filter) -> bytes:
    """A release; the bytes of its file."""
    report = store.export("messages", screen.folder / f"{name}.jsonl", wanted, name=name)
    written = report.files[0].path.read_bytes()
    assert json.loads(written.splitlines()[0])
    return written
