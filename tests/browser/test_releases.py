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

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

APPROVED = Filter(statuses=("approved",))


def test_what_a_trainer_refuses_and_what_each_weighs_is_said_before(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/releases?format=Alpaca")
    screen.page.get_by_text("Keep a last message that nobody answered").click()
    screen.sees("would be refused")
    screen.page.get_by_text(re.compile("^The first [0-9]+ places?$")).click()
    expect(screen.page.get_by_test_id("stDataFrame").nth(1)).to_be_visible()
    screen.page.get_by_text("Reply", exact=True).click()
    screen.page.get_by_text(re.compile("^What each weighs: ")).click()
    expect(screen.page.get_by_test_id("stDataFrame").nth(2)).to_be_visible()


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
        screen.page.get_by_role("button", name="Stop").click()
        screen.sees("Stopping")
    screen.sees("Stopped. Nothing was changed.")
    assert sealed(store) == before
    screen.page.get_by_role("radio", name="History").click()
    screen.sees("It never went out: it was cancelled.")
    screen.page.get_by_role("radio", name="Build").click()
    screen.settle()
    screen.press(f"Release {count}")
    screen.sees(f"{count} conversations released.")


def sealed(store: ConvStore) -> set[UUID]:
    return {release.id for release in store.list_releases() if release.sealed_at}


def made(store: ConvStore, screen: Screen, name: str, wanted: Filter) -> bytes:
    """A release; the bytes of its file."""
    report = store.export("messages", screen.folder / f"{name}.jsonl", wanted, name=name)
    written = report.files[0].path.read_bytes()
    assert json.loads(written.splitlines()[0])
    return written
