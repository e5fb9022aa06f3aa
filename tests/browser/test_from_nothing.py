"""An importer, a lead and an operator, each from an empty store to what they came for."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from convstore.core import ConvStore
from convstore.model import Filter
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen
from tests.fixtures_database import Server
from tests.integration.conversations import document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: More than the screen imports while one waits.
_HUGE_BYTES = 7_000_000
_TALKS = 60
HOSTILE = "<script>alert(1)</script> ![x](http://evil.invalid/x.png) www.evil.invalid a@evil.invalid -> :material/home:"


def huge(path: Path) -> Path:
    """A file that no one should have to wait for: every conversation has a long pasted text in it."""
    pasted = "one more line of a long statement of account\n" * (_HUGE_BYTES // _TALKS // 45)
    with path.open("w") as out:
        for number in range(_TALKS):
            talk = document(f"huge-{number}")
            messages = [{"role": "user", "content": pasted}, {"role": "assistant", "content": f"Read, {number}."}]
            out.write(json.dumps({**talk, "messages": messages}) + "\n")
    return path


def upload(screen: Screen, *paths: Path) -> None:
    screen.page.locator("input[type=file]").set_input_files(paths)
    expect(screen.page.get_by_role("button", name=re.compile(f"^(Import|Look at) {len(paths)} file"))).to_be_enabled()
    screen.settle()


def until(holds: Callable[[], bool]) -> None:
    """Wait for what the screen does not tell."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_an_importer_brings_a_huge_file_and_learns_what_became_of_it(
    empty_app: LocalApp, screen: Screen, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"a":\n oops')
    screen.open(f"{empty_app.address}/import")
    screen.sees("None yet.")
    screen.page.get_by_role("radio", name="Keep the stored one").click()
    screen.settle()
    upload(screen, huge(tmp_path / "huge.jsonl"), broken)
    screen.press("Import 2 files")
    # A worker has it: the screen follows without being asked to.
    screen.sees(f"{_TALKS} conversations stored · 1 file could not be read")
    assert empty_app.store.count() == (_TALKS, True)
    screen.sees("Could not be read")
    screen.shot("import-huge")
    screen.press("See what arrived")
    screen.sees(f"{_TALKS} conversations with this filter")
    screen.page.go_back()
    screen.sees("Recent imports")
    screen.press("Close")
    expect(screen.page.get_by_role("button", name="Close")).to_have_count(0)
    recent = screen.page.get_by_test_id("stDataFrame").last
    recent.scroll_into_view_if_needed()
    expect(recent.locator("canvas").first).to_be_visible()
    recent.click(position={"x": 16, "y": 50})
    screen.sees("2 files of this import")
    screen.press("See what arrived")
    screen.sees(f"{_TALKS} conversations with this filter")

    # The same id again with other turns: the importer says which of the two stays.
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document("huge-0", "what else?")))
    screen.open(f"{empty_app.address}/import")
    for policy, outcome, turns in (
        ("Keep the stored one", "Kept the stored one 1", 2),
        ("Take the new one", "Replaced 1", 4),
    ):
        screen.page.get_by_role("radio", name=policy).click()
        screen.settle()
        upload(screen, other)
        screen.press("Import 1 file")
        screen.sees(outcome)
        assert len(empty_app.store.get("huge-0").turns) == turns
    screen.press("See them in Browse")
    screen.sees(f"{_TALKS} conversations")

    # An import that somebody stopped goes on from its card.
    store = empty_app.store
    with store.database.admin() as holding:
        holding.execute("LOCK TABLE conversations IN SHARE MODE")
        store.ingest_later({"later.json": json.dumps(document("later")).encode()})
        screen.open(f"{empty_app.address}/import")
        screen.sees("1 file on their way")
        screen.page.get_by_role("button", name="Cancel").click()
        screen.sees("1 file stopping")
    screen.sees("1 file cancelled")
    screen.page.get_by_role("button", name="Go on").click()
    expect(screen.page.get_by_text("1 file cancelled")).to_have_count(0)
    until(lambda: store.jobs(task="ingest", limit=1)[0].status == "succeeded")
    assert store.get("later").turns

    # One that a worker had to give up says why, and is tried again.
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE jobs SET status = 'failed', result = NULL, error ="
            """ '{"code": "ERR_STORAGE", "message": "nobody answers", "hint": "Look at it.", "retryable": true}'"""
            " WHERE id = (SELECT id FROM jobs WHERE task = 'ingest' ORDER BY created_at DESC LIMIT 1)"
        )
    screen.open(f"{empty_app.address}/import")
    screen.sees("1 file stopped")
    screen.sees("Nobody answers.")
    screen.page.get_by_role("button", name="Retry").click()
    expect(screen.page.get_by_text("1 file stopped")).to_have_count(0)
    until(lambda: store.jobs(task="ingest", limit=1)[0].status == "succeeded")


def test_import_is_answered_for_file_by_file(empty_app: LocalApp, screen: Screen) -> None:
    # The first address that a fresh server is asked for: it must not escape the frame.
    screen.open(f"{empty_app.address}/browse")
    screen.sees("No conversations yet")
    expect(screen.page.get_by_role("link", name="Import")).to_be_visible()
    screen.press("Import files")
    good = json.dumps(document("good")).encode()
    hostile = json.dumps({"id": "hostile", "messages": [
        {"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE}]})  # fmt: skip
    files = [
        {"name": "good.json", "mimeType": "application/json", "buffer": good},
        {"name": "hostile.jsonl", "mimeType": "application/json", "buffer": hostile.encode()},
        {"name": "broken.json", "mimeType": "application/json", "buffer": b'{"a":\n oops'},
    ]
    screen.page.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    screen.settle()
    screen.page.get_by_text("Only look, store nothing").click()
    screen.settle()
    screen.press("Look at 3 files")
    screen.sees("2 conversations would be stored. Nothing was changed.")
    assert empty_app.store.count() == (0, True)
    screen.page.get_by_text("Only look, store nothing").click()
    screen.settle()
    screen.press("Import 3 files")
    screen.sees("2 conversations stored. 1 file could not be read.")
    screen.sees("Could not be read")
    assert empty_app.store.count() == (2, True)
    assert [file.line for file in empty_app.store.quarantined()] == [2]
    screen.press("Close")
    (row,) = empty_app.store.search(Filter(sources=("hostile.jsonl",))).items
    screen.open(f"{empty_app.address}/conversation?id={row.conversation_id}")
    expect(screen.page.get_by_text(HOSTILE, exact=True)).to_have_count(2)
    assert screen.page.locator("a[href*='evil'], img[src*='evil']").count() == 0


def test_a_lead_imports_decides_releases_and_verifies(empty_app: LocalApp, screen: Screen, tmp_path: Path) -> None:
    talks = tmp_path / "talks.jsonl"
    talks.write_text("".join(json.dumps(document(f"talk-{number}")) + "\n" for number in range(6)))
    screen.open(f"{empty_app.address}/import")
    upload(screen, talks)
    screen.press("Import 1 file")
    screen.sees("6 conversations stored.")
    screen.press("See them in Browse")
    screen.press("Select all 6")
    screen.press(re.compile("^Approve Shortcut"))
    screen.press("Approve 6", within=screen.page.get_by_role("dialog"))
    screen.sees("6 approved.")
    screen.open(f"{empty_app.address}/releases?status=Approved&part=History")
    screen.sees("Nothing has gone out yet")
    screen.press("Build a release")
    screen.sees("What comes out")
    expect(screen.page.get_by_role("radio", name="Build", exact=True)).to_be_checked()
    screen.page.get_by_role("radio", name="Stop", exact=True).click()
    screen.settle()
    screen.page.get_by_role("textbox", name="Name").fill("first")
    screen.page.get_by_role("textbox", name="Name").press("Tab")
    screen.settle()
    screen.press("Release 6")
    screen.sees("6 conversations released.")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Download").first.click()
    assert len(download.value.path().read_text().splitlines()) == 6
    screen.press("Close")
    screen.page.get_by_role("radio", name="History").click()
    screen.settle()
    screen.tick(0)
    screen.press("Verify")
    screen.sees("6 conversations as they went out.")
    screen.shot("release-verified")
    screen.press("Its conversations")
    screen.sees("6 conversations with this filter")


def test_an_operator_settles_who_what_and_how_long(empty_app: LocalApp, screen: Screen) -> None:
    store, page = empty_app.store, screen.page
    talk = screen.folder / "one.json"
    talk.write_text(json.dumps(document("one")))
    store.ingest([talk])
    screen.open(f"{empty_app.address}/system")
    page.get_by_label("E-mail").fill("vera@example.org")
    screen.press("Add")
    screen.sees("invited, has not signed in yet")
    screen.choose(page.get_by_role("combobox", name="Role of vera"), "lead", exact=True)
    # The box of the new role takes the place of the old one once the role is stored.
    expect(page.locator("[class*='st-key-role-'][class*='-lead']")).to_be_visible()
    screen.settle()
    assert [(one.email, one.role) for one in store.members()[1]] == [("vera@example.org", "lead")]
    page.get_by_role("button", name="Remove", exact=True).last.click()
    screen.sees("Withdraw the invitation of")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("invited, has not signed in yet")).to_have_count(0)
    assert store.members()[1] == ()

    page.get_by_role("tab", name="Storage").click()
    screen.press("Set the limit")
    page.get_by_label("Megabytes, 0 for no limit").fill("500")
    screen.press(re.compile("^Set$"))
    screen.sees("of 500")
    page.get_by_label(re.compile("trash.*, days", re.IGNORECASE)).first.fill("30")
    screen.press("Save")
    assert 30 in store.retention_policies().values()
    screen.press("Show what would go")
    screen.sees("Nothing has expired.")
    for name in ("Apply it now", "Archive what is older than a year", "Compare and repair", "Verify every hash"):
        screen.press(re.compile(f"^{name}$"))
        screen.sees("runs in the background")
    page.get_by_role("tab", name="Jobs").click()
    for name in ("Retention", "Archive", "Reconcile", "Verify"):
        expect(page.get_by_text(re.compile(f"{name} succeeded")).first).to_be_visible()
    screen.shot("system-jobs")
    page.get_by_role("tab", name="Audit").click()
    expect(page.get_by_role("tabpanel").get_by_test_id("stDataFrame")).to_be_visible()

    screen.open(f"{empty_app.address}/conversation?id=one")
    screen.press("Edit")
    screen.press("Move to the trash")
    screen.sees("This conversation is in the trash.")
    assert store.count(Filter()) == (0, True)
    screen.press("Restore")
    screen.sees("Taken out of the trash.")
    screen.press("Edit")
    screen.press("Move to the trash")
    screen.press("Back to the list")
    screen.sees("No conversations yet")

    # Another workspace is chosen where one is: on every screen, beside what it holds.
    store.create_workspace("second", name="Second set")
    screen.open(f"{empty_app.address}/browse")
    screen.choose(page.get_by_role("combobox", name="Workspace"), "Second set", exact=True)
    expect(page.locator(".st-key-workspace-of-second")).to_be_visible()
    screen.sees("No conversations yet")
    screen.press("Import files")
    upload(screen, talk)
    screen.press("Import 1 file")
    screen.sees("1 conversation stored.")
    assert ConvStore.for_operator(store.resources, workspace="second").count() == (1, True)
    assert store.count() == (0, True)


def test_a_database_that_went_away_is_waited_for(empty_app: LocalApp, screen: Screen, server: Server) -> None:
    screen.open(f"{empty_app.address}/browse?tier=Scenario")
    screen.sees("No conversation matches")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER DATABASE browser_empty ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'browser_empty'")
            screen.page.get_by_role("button", name="Template").click()
            screen.sees("Your filters are kept.")
            screen.press("Try again")
            screen.sees("Your filters are kept.")
        finally:
            connection.execute("ALTER DATABASE browser_empty ALLOW_CONNECTIONS true")
    again = screen.page.get_by_role("button", name="Try again")
    found = screen.page.get_by_text("No conversation matches")
    for _ in range(30):
        again.or_(found).first.wait_for()
        if found.is_visible():
            break
        again.click()
        screen.settle()
    expect(found).to_be_visible()
    expect(again).to_have_count(0)
    assert "tier=Scenario" in screen.page.url
