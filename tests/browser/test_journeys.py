"""What people come for, screen by screen, with every control of it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from convstore.model import Event, Filter
from convstore.ui.status import FINDINGS
from convstore.ui.words import prettified
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def params(screen: Screen) -> dict[str, list[str]]:
    return parse_qs(urlsplit(screen.page.url).query)


def test_find_read_and_go_on(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/browse")
    screen.sees("240 conversations · no filter")
    screen.press("Approved")
    wanted = Filter(statuses=("approved",))
    count, _ = full_app.store.count(wanted)
    screen.sees(f"{count} conversations with this filter")
    assert params(screen)["status"] == ["Approved"]
    screen.page.reload()
    screen.settle()
    screen.sees(f"{count} conversations with this filter")

    screen.press_key_of("page-next")
    screen.sees(f"26 to 50 of {count}")
    screen.press_key_of("page-last")
    screen.sees(f"to {count} of {count}")
    screen.press_key_of("page-previous")
    screen.press_key_of("page-first")
    screen.sees(f"1 to 25 of {count}")

    rows = full_app.store.search(wanted).items
    screen.open_row(2)
    screen.sees(f"3 of {count}")
    expect(screen.page.get_by_role("heading", name=rows[2].conversation_name)).to_be_visible()
    screen.press("Next")
    screen.sees(f"4 of {count}")
    assert params(screen)["id"] == [rows[3].conversation_id]
    screen.press_shortcut("p")
    screen.sees(f"3 of {count}")
    screen.press_key_of("back")
    screen.sees(f"{count} conversations with this filter")
    screen.press("Clear filters")
    screen.sees("240 conversations · no filter")

    search = screen.page.get_by_role("textbox", name="Search")
    search.fill("pension")
    search.press("Enter")
    screen.settle()
    found, _ = full_app.store.count(Filter(text="pension"))
    screen.sees(f"{found} conversations with this filter")
    screen.press_key_of("export")
    screen.sees(f"Release {found} conversations")


def test_every_filter_narrows_and_stands_in_the_address(full_app: LocalApp, screen: Screen) -> None:
    store, page = full_app.store, screen.page
    names = store.scaffolding()
    rows = (row for row in store.search(limit=240).items if row.topic_key and "truncated" in str(row.finding_codes))
    row = next(rows)
    assert row.persona_key
    assert row.emotional_arc_key
    assert row.topic_key
    wanted = Filter()

    def narrowed(**more: object) -> None:
        nonlocal wanted
        wanted = replace(wanted, **more)  # type: ignore[arg-type]
        count, _ = store.count(wanted)
        assert count
        screen.sees(f"{count} conversation{'' if count == 1 else 's'} with this filter")

    def pick(label: str, word: str) -> None:
        screen.choose(page.get_by_role("combobox", name=label, exact=True), word, exact=True)
        # The list stays open for more, and hides the rest from who listens.
        page.keyboard.press("Tab")

    screen.open(f"{full_app.address}/browse")
    pick("Persona", names["personas"][row.persona_key])
    narrowed(personas=(row.persona_key,))
    pick("Arc", names["emotional_arcs"][row.emotional_arc_key])
    narrowed(arcs=(row.emotional_arc_key,))
    pick("Topic", names["training_topics"][row.topic_key])
    narrowed(topics=(row.topic_key,))
    screen.settle()
    page.get_by_role("button", name=prettified(row.tier), exact=True).click()
    narrowed(tiers=(row.tier,))
    pick("Finding", FINDINGS[row.finding_codes[0]])
    narrowed(findings=(row.finding_codes[0],))
    screen.choose(page.get_by_role("combobox", name="Order"), "By name")
    expect(page).to_have_url(re.compile("sort=By"))
    assert {"persona", "arc", "topic", "tier", "finding", "sort"} == set(params(screen))
    screen.press("Clear filters")
    screen.sees("240 conversations · no filter")
    wanted = Filter()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    narrowed(min_quality=Decimal("1.1"))
    page.get_by_role("slider").last.focus()
    page.keyboard.press("ArrowLeft")
    narrowed(max_quality=Decimal("4.9"))
    screen.open(f"{full_app.address}/browse?emotion=worry")
    screen.press("Emotion: worry")
    screen.sees("240 conversations · no filter")


def test_the_audit_is_read_by_kind_person_and_page(full_app: LocalApp, screen: Screen) -> None:
    store, page = full_app.store, screen.page
    screen.open(f"{full_app.address}/system")
    page.get_by_role("tab", name="Audit").click()
    audit = page.get_by_role("tabpanel")

    def newest(events: tuple[Event, ...]) -> None:
        cells = audit.get_by_test_id("stDataFrame").locator("[role=row]").nth(1).locator("[role=gridcell]")
        expect(cells.filter(has_text=str(events[0].conversation_name)).first).to_be_attached()

    newest(store.events(limit=1))
    audit.get_by_role("combobox", name="What").click()
    page.get_by_role("option", name="Status", exact=True).click()
    first = store.events(action="status", limit=51)
    newest(first)
    audit.get_by_role("combobox", name="Who").click()
    page.get_by_role("option", name=store.actor.name).first.click()
    newest(first)
    expect(audit.get_by_role("button", name="Newer")).to_be_disabled()
    audit.get_by_role("button", name="Older").click()
    expect(audit.get_by_role("button", name="Newer")).to_be_enabled()
    newest(first[50:])
    audit.get_by_role("button", name="Newer").click()
    expect(audit.get_by_role("button", name="Newer")).to_be_disabled()
    newest(first)
    with page.expect_download() as file:
        audit.get_by_role("button", name="CSV").click()
    heads, *rows = csv.reader(io.StringIO(file.value.path().read_text()))
    assert heads[:3] == ["When", "Who", "What"]
    assert {row[2] for row in rows} == {"status"}
    assert len(rows) >= len(first)


def test_decide_about_several_and_take_it_back(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/browse?status=To+review")
    rows = full_app.store.search(Filter(statuses=("pending_review",))).items
    screen.tick(0, 1)
    screen.sees("2 selected")
    screen.press_shortcut("a")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog.get_by_text("2 will be approved.")).to_be_visible()
    screen.press("Cancel", within=dialog)
    expect(dialog).to_have_count(0)
    screen.press(re.compile("^Reject Shortcut"))
    expect(dialog.get_by_text("2 will be rejected.")).to_be_visible()
    dialog.get_by_role("textbox", name="Note").fill("Both end too early.")
    screen.press("Reject 2", within=dialog)
    expect(dialog).to_have_count(0)
    screen.sees("2 rejected.")
    for row in rows[:2]:
        stored = full_app.store.get(row.conversation_id).conversation
        assert (stored.status, stored.review_notes) == ("rejected", "Both end too early.")
    screen.press_shortcut("u")
    screen.sees("2 put back.")
    assert {full_app.store.get(row.conversation_id).conversation.status for row in rows[:2]} == {"pending_review"}
    screen.tick(0)
    screen.press("More")
    screen.page.get_by_role("menuitem", name="Ask for revision").click()
    screen.settle()
    expect(dialog.get_by_text("1 will be sent back.")).to_be_visible()
    screen.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_decide_about_everything_that_a_filter_means(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    wanted = Filter(statuses=("pending_review",))
    count, _ = store.count(wanted)
    rows = store.search(wanted, limit=100).items
    screen.open(f"{full_app.address}/browse?status=To+review")
    screen.press(f"Select all {count}")
    screen.sees(f"All {count} selected")
    screen.press("Select none")
    screen.sees("Select rows to decide about them")
    screen.press(f"Select all {count}")
    screen.sees(f"All {count} selected")
    screen.shot("browse-all-selected")
    screen.press_shortcut("x")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog.get_by_text(f"{count} will be rejected.")).to_be_visible()
    expect(dialog.get_by_text("Five of them, picked at random")).to_be_visible()
    dialog.get_by_role("button", name="Tone is off").click()
    screen.settle()
    dialog.get_by_role("textbox", name="Note").fill("The whole import.")
    dialog.get_by_role("textbox", name="Note").press("Tab")
    screen.settle()
    screen.shot("browse-all-question")
    screen.press(f"Reject {count}", within=dialog)
    expect(dialog).to_have_count(0)
    # Nothing of the filter is left on screen, and the way back still is.
    screen.sees("No conversation matches")
    screen.sees(f"{count} rejected.")
    stored = store.get(rows[0].conversation_id)
    assert (stored.conversation.status, stored.conversation.review_notes, stored.reviews) == (
        "rejected", "Tone is off: The whole import.", (),
    )  # fmt: skip
    store.review([rows[0].conversation_id], status="pending_review")
    screen.press_shortcut("u")
    screen.sees(f"{count - 1} put back. 1 left alone: it changed since.")
    assert store.count(wanted)[0] == count
    screen.press("Left alone")
    screen.sees("1: it changed since")
    screen.press("Show them")
    screen.sees("1 conversation with this filter")
    assert params(screen)["id"] == [rows[0].conversation_id]
    assert "status" not in params(screen)

    screen.open(f"{full_app.address}/browse")
    everything, _ = store.count()
    approved, _ = store.count(Filter(statuses=("approved",)))
    rejected, _ = store.count(Filter(statuses=("rejected",)))
    screen.press(f"Select all {everything}")
    screen.press(re.compile("^Approve Shortcut"))
    expect(dialog.get_by_text(f"{count} will be approved.")).to_be_visible()
    screen.sees("already approved by")
    screen.shot("browse-all-conflicts")
    screen.press("Cancel", within=dialog)
    expect(dialog).to_have_count(0)
    screen.press("More")
    screen.page.get_by_role("menuitem", name="Archive").click()
    screen.settle()
    screen.press(f"Archive {approved + rejected}", within=dialog)
    screen.sees(f"{approved + rejected} archived.")
    screen.press(re.compile("^Undo"))
    screen.sees(f"{approved + rejected} put back.")
    assert store.count(Filter(statuses=("approved",)))[0] == approved


def test_a_filter_becomes_a_queue_that_is_worked_on(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/browse?sort=Weakest+first")
    screen.press("Save as queue")
    screen.page.get_by_role("textbox", name="Name of the queue").fill("Weak first")
    screen.page.get_by_role("textbox", name="Name of the queue").press("Enter")
    screen.settle()
    screen.shot("browse-save-queue")
    screen.press(re.compile("^Save$"))
    screen.sees("Saved.")
    screen.press("Review it")
    screen.settle()
    wanted = Filter(statuses=("pending_review",))
    first = full_app.store.search(wanted, sort="quality", order="asc").items[0]
    expect(screen.page.get_by_role("heading", name=first.conversation_name)).to_be_visible()
    queue = full_app.store.desk.queue("Weak first")
    assert (queue.wanted, queue.sort, queue.descending) == (wanted, "quality", False)
    assert params(screen)["queue"] == ["Weak first"]
    screen.press("Persona")
    screen.shot("review-persona")
    screen.page.keyboard.press("Escape")
    screen.press("Queue")
    screen.press("Delete this queue")
    oldest = full_app.store.search(wanted, sort="created", order="asc").items[0]
    expect(screen.page.get_by_role("heading", name=oldest.conversation_name)).to_be_visible()
    assert "queue" not in params(screen)
    assert [queue.name for queue in full_app.store.desk.queues()] == ["To review"]


def test_everything_about_one_conversation(full_app: LocalApp, screen: Screen) -> None:
    row = full_app.store.search(Filter(statuses=("pending_review",)), sort="name").items[5]
    screen.open(f"{full_app.address}/conversation?id={row.conversation_id}")
    for name, shows in (("System prompt", None), ("Details", "Scores"), ("History", "imported it")):
        screen.press(name)
        if shows:
            screen.sees(shows)
        screen.page.keyboard.press("Escape")
    screen.press("File")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Download").click()
    assert json.loads(download.value.path().read_text()) == json.loads(full_app.store.document(row.conversation_id))
    screen.page.get_by_text("Show it here").click()
    screen.settle()
    expect(screen.page.get_by_test_id("stCode")).to_be_visible()
    screen.page.keyboard.press("Escape")
    screen.press("Edit")
    name_box = screen.page.get_by_role("textbox", name="Name")
    name_box.fill("A name of my own")
    screen.press("Save")
    expect(screen.page.get_by_role("heading", name="A name of my own")).to_be_visible()
    screen.press(re.compile("^Approve Shortcut"))
    screen.press("Approve 1", within=screen.page.get_by_role("dialog"))
    screen.sees("1 approved.")
    screen.press(re.compile("^Reopen Shortcut"))
    screen.press("Reopen 1", within=screen.page.get_by_role("dialog"))
    screen.sees("1 reopened.")
    assert full_app.store.get(row.conversation_id).conversation.status == "pending_review"


def test_a_release_is_made_and_downloaded(full_app: LocalApp, screen: Screen) -> None:
    screen.open(f"{full_app.address}/releases?status=Approved")
    count, _ = full_app.store.count(Filter(statuses=("approved",)))
    screen.sees("What comes out")
    screen.page.get_by_role("tab", name="Row 2").click()
    screen.page.get_by_text("Keep a last message that nobody answered").click()
    screen.settle()
    screen.page.get_by_role("textbox", name="Name").fill("spring")
    screen.page.get_by_role("textbox", name="Name").press("Enter")
    screen.settle()
    screen.press(f"Release {count}")
    screen.sees("conversations released.")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Download").click()
    rows = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "spring-messages.jsonl"
    assert all(json.loads(row)["messages"] for row in rows)
    with screen.page.expect_download() as manifest:
        screen.page.get_by_role("button", name="Manifest").click()
    assert json.loads(manifest.value.path().read_text())
    screen.press("Close")
    expect(screen.page.get_by_role("button", name="Manifest")).to_have_count(0)


def test_every_number_on_the_first_screen_leads_to_its_rows(full_app: LocalApp, screen: Screen) -> None:
    screen.open(full_app.address)
    for status, word in (("needs_revision", "Needs revision"), ("archived", "Archived")):
        count, _ = full_app.store.count(Filter(statuses=(status,)))  # type: ignore[arg-type]
        screen.press_key_of(f"open-{status}")
        screen.sees(f"{count} conversations with this filter")
        assert params(screen)["status"] == [word]
        screen.page.go_back()
        screen.settle()
    screen.press("Start reading")
    screen.sees(f"1 of {full_app.store.count(Filter(statuses=('pending_review',)))[0]}")
