"""The review workbench, every question it asks and every way back, as pressed and as stored."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, expect

from convstore.core import ConvStore
from convstore.database import driver, system_context
from convstore.model import Filter, Role, Status
from convstore.review.queues import Queue
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: Words of a label below or beside it; a badge carries its icon's name.
END = "The last word of it stands here."


def colleague(store: ConvStore, name: str, role: Role = "reviewer") -> ConvStore:
    """A member of the workspace, and the store as that person."""
    user_id = uuid4()
    with store.database.transaction(system_context()) as connection:
        cursor = driver(connection)
        cursor.execute(
            "INSERT INTO profiles (id, issuer, subject, name, email) VALUES (%s, 'test', %s, %s, %s)",
            (user_id, str(user_id), name, f"{name.lower()}@example.org"),
        )
        cursor.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
            (store.actor.workspace_id, user_id, role),
        )
    return ConvStore.for_person(store.resources, user_id=user_id, name=name, email=None)


def desk(app: LocalApp, screen: Screen, name: str, rows: tuple[str, ...]) -> None:
    """Open a queue of these conversations, by quality."""
    app.store.desk.save_queue(Queue(name=name, wanted=Filter(ids=rows, statuses=("pending_review",)), sort="name"))
    screen.open(f"{app.address}/review?queue={name}")


def rested(screen: Screen) -> None:
    """No question is open any more: buttons and their keys rest until the app knows, not only the browser."""
    expect(screen.page.get_by_role("button", name=re.compile("^Approve"))).to_be_enabled()
    screen.settle()


def reads(screen: Screen, name: str) -> None:
    expect(screen.page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    rested(screen)


def question(screen: Screen, key: str) -> Locator:
    """Ask by key, and wait until the question is there."""
    rested(screen)
    screen.page.keyboard.press(key)
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    screen.settle()
    return dialog


def test_every_question_of_the_review(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    rows = store.search(Filter(statuses=("pending_review",)), sort="name", order="asc", limit=4).items
    rejected, revised, noted, changed = rows
    desk(full_app, screen, "Four", tuple(row.conversation_id for row in rows))
    page = screen.page
    reads(screen, rejected.conversation_name)
    # Who listens hears plain names.
    scores = page.get_by_role("radiogroup", name="Empathy", exact=True)
    expect(scores.get_by_role("radio")).to_have_count(9)
    half = scores.get_by_role("radio", name="4½", exact=True)
    half.click()
    expect(page.get_by_text("1 of 5", exact=True)).to_be_visible()
    expect(half).to_be_checked()
    screen.sees("Empathy · 4½")

    dialog = question(screen, "x")
    screen.page.keyboard.press("3")
    expect(dialog.get_by_text("check_box", exact=True)).to_be_visible()
    dialog.get_by_role("textbox").fill("It hurries her.")
    page.keyboard.press("Control+Enter")
    reads(screen, revised.conversation_name)
    stored = store.get(rejected.conversation_id)
    (review,) = stored.reviews
    assert (stored.conversation.status, review.reasons, review.note) == (
        "rejected", (store.desk.rules().reject_reasons[2],), "It hurries her.",
    )  # fmt: skip
    assert review.scores.empathy is not None
    assert float(review.scores.empathy) == 4.5

    dialog = question(screen, "v")
    screen.press("Ask for revision", within=dialog)
    expect(dialog.get_by_text("Say what is wrong")).to_be_visible()
    dialog.get_by_role("textbox").fill("The sum is wrong.")
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("^2 · assistant")).click()
    screen.settle()
    screen.press("Ask for revision", within=dialog)
    reads(screen, noted.conversation_name)
    stored = store.get(revised.conversation_id)
    assert stored.conversation.status == "needs_revision"
    assert dict(stored.reviews[0].turn_notes) == {2: "The sum is wrong."}

    dialog = question(screen, "n")
    dialog.get_by_role("textbox").fill("Kind, and true.")
    dialog.get_by_text("Leave this message out of training").click()
    screen.settle()
    screen.press("Keep", within=dialog)
    expect(dialog).to_have_count(0)
    screen.sees("Kind, and true.")
    screen.sees("Not for training")
    (turn,) = store.desk.exclusions(noted.id)
    dialog = question(screen, "n")
    # What was kept is there again, and can be taken back.
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile(f"^{turn} · ")).click()
    expect(dialog.get_by_role("textbox")).to_have_value("Kind, and true.")
    dialog.get_by_text("Leave this message out of training").click()
    screen.settle()
    screen.press("Keep", within=dialog)
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Not for training")).to_have_count(0)
    assert store.desk.exclusions(noted.id) == frozenset()
    rested(screen)
    page.keyboard.press("a")
    reads(screen, changed.conversation_name)
    assert dict(store.get(noted.conversation_id).reviews[0].turn_notes) == {turn: "Kind, and true."}

    dialog = question(screen, "k")
    expect(dialog.get_by_text("Half a point more for the last score")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with store.database.admin() as connection:
        connection.execute("UPDATE conversations SET turns_sha256 = repeat('b', 64) WHERE id = %s", (changed.id,))
        connection.execute(
            "UPDATE conversation_turns SET content = 'Quite another word.'"
            " WHERE conversation_id = %s AND turn_number = 1",
            (changed.id,),
        )
    rested(screen)
    page.keyboard.press("a")
    expect(dialog.get_by_text("Nothing was decided")).to_be_visible()
    expect(dialog.get_by_text("You read", exact=True)).to_have_count(1)
    expect(dialog.get_by_text("Quite another word.")).to_be_visible()
    screen.shot("review-changed")
    screen.press("Read it again", within=dialog)
    expect(dialog).to_have_count(0)
    screen.sees("Quite another word.")
    assert store.get(changed.conversation_id).conversation.status == "pending_review"

    # Whoever mends it sees where; and the decision can be taken back from the history.
    screen.open(f"{full_app.address}/conversation?id={revised.conversation_id}")
    screen.sees(f"{store.actor.name}: The sum is wrong.")
    screen.press("History")
    screen.sees("To review → Needs revision")
    screen.shot("conversation-history")
    screen.press("Undo")
    screen.sees("1 put back.")
    stored = store.get(revised.conversation_id)
    assert (stored.conversation.status, stored.reviews) == ("pending_review", ())


def test_what_is_folded_away_opens_and_a_finding_that_does_not_matter_is_dismissed(
    full_app: LocalApp, screen: Screen
) -> None:
    store, page = full_app.store, screen.page
    waiting = Filter(statuses=("pending_review",))
    oldest = store.search(waiting, sort="created", order="asc", limit=1).items[0]
    found = (store.get(row.conversation_id) for row in store.search(waiting, limit=100).items if row.finding_codes)
    odd = next(one for one in found if len(one.findings) == 1 and one.conversation.id != oldest.id)
    name, prompt = odd.conversation.conversation_name, odd.system_prompt
    assert prompt
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE workspaces SET guidelines = 'Read to the end first.' WHERE id = %s", (store.actor.workspace_id,)
        )
    desk(full_app, screen, "Odd", (odd.conversation.conversation_id,))
    reads(screen, name)
    opened = page.get_by_test_id("stPopoverBody")
    for button, shows in (("Prompt", prompt), ("Guidelines", "Read to the end first.")):
        screen.press(button)
        expect(opened).to_have_text(shows)
        page.keyboard.press("Escape")
        expect(opened).to_have_count(0)

    def work_on(queue: str, heading: str) -> None:
        screen.press("Queue")
        opened.get_by_text(queue, exact=True).click()
        reads(screen, heading)
        page.keyboard.press("Escape")
        expect(opened).to_have_count(0)

    work_on("To review", oldest.conversation_name)
    expect(page).not_to_have_url(re.compile("queue="))
    work_on("Odd", name)
    expect(page).to_have_url(re.compile("queue=Odd"))

    dismiss = page.get_by_role("button", name=re.compile("^Dismiss$"))
    dismiss.click()
    screen.press("Dismiss it", within=opened)
    expect(opened.get_by_text("Say why, so that others know.")).to_be_visible()
    opened.get_by_role("textbox").fill("Meant so.")
    screen.shot("review-dismiss")
    screen.press("Dismiss it", within=opened)
    expect(dismiss).to_have_count(0)
    (finding,) = store.get(odd.conversation.conversation_id).findings
    assert finding.dismissed_reason == "Meant so."
    screen.press("1 dismissed")
    expect(opened.get_by_text("Meant so.")).to_be_visible()
    screen.shot("review-dismissed")
    screen.press("Let it stand again", within=opened)
    expect(dismiss).to_be_visible()
    expect(page.get_by_role("button", name="1 dismissed")).to_have_count(0)
    assert store.get(odd.conversation.conversation_id).findings == odd.findings


def test_a_batch_is_stopped_and_reopened_and_taken_back_from_the_history(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    wanted = Filter(statuses=("approved",))
    count, _ = store.count(wanted)
    one = store.search(wanted, limit=1).items[0].conversation_id
    dialog = screen.page.get_by_role("dialog")
    screen.open(f"{full_app.address}/browse?status=Approved")
    screen.press(f"Select all {count}")
    screen.press("More")
    screen.page.get_by_role("menuitem", name="Reopen").click()
    expect(dialog.get_by_text(f"{count} will be reopened.")).to_be_visible()
    screen.settle()
    # One of the rows is in other hands: the work waits for it, and can be stopped meanwhile.
    with store.database.admin() as connection:
        connection.execute("SELECT FROM conversations WHERE conversation_id = %s FOR UPDATE", (one,))
        dialog.get_by_role("button", name=re.compile(f"^Reopen {count}")).click()
        expect(screen.page.get_by_text(re.compile("^Reopen: "))).to_be_visible()
        screen.shot("browse-progress")
        # By its key: while a long run is under way, the frame shows a Stop of its own.
        screen.page.locator(".st-key-stop-work button").click()
        expect(screen.page.get_by_role("button", name="Stopping")).to_be_disabled()
    screen.sees("Stopped. Nothing was changed.")
    assert store.count(wanted)[0] == count

    screen.open(f"{full_app.address}/browse?status=Approved")
    screen.press(f"Select all {count}")
    screen.press("More")
    screen.page.get_by_role("menuitem", name="Reopen").click()
    screen.settle()
    screen.press(f"Reopen {count}", within=dialog)
    screen.sees(f"{count} reopened.")
    assert store.count(wanted)[0] == 0

    screen.open(f"{full_app.address}/conversation?id={one}")
    screen.press("History")
    screen.sees("Approved → To review")
    screen.press("Undo")
    expect(dialog.get_by_text(f"{count} conversations at once.")).to_be_visible()
    screen.shot("conversation-undo-batch")
    screen.press(f"Undo {count}", within=dialog)
    screen.sees(f"{count} put back.")
    assert store.count(wanted)[0] == count


def test_the_team_in_numbers_that_are_the_stores(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    row = store.search(Filter(statuses=("pending_review",)), sort="name", order="desc").items[0]
    said: tuple[tuple[str, Status, float], ...] = (
        ("Omar", "approved", 4.5),
        ("Jo", "rejected", 1.5),
        ("Mei", "needs_revision", 3),
    )
    for name, status, quality in said:
        colleague(store, name).review([row.conversation_id], status=status, scores={"quality": quality})
    report = store.desk.team()
    assert [report.reviewers[0].person, report.reviewers[0].reviews] == [
        None,
        sum(p.reviews for p in report.reviewers[1:]),
    ]
    screen.open(f"{full_app.address}/review")
    screen.press("Queue")
    screen.press("What the team did")
    # Wide enough for every column, also beside the empty sidebar that the review may leave behind.
    screen.page.set_viewport_size({"width": 1920, "height": 900})
    screen.sees(f"{sum(day.decisions for day in report.decisions):,} decisions, by reviewer and day")
    # Cells are drawn on a canvas; beside it stands a table for who listens.
    tables = screen.page.get_by_test_id("stDataFrame")
    expect(tables).to_have_count(3)
    beside_the_team = tables.nth(1).locator("[role=row]")
    for index, profile in enumerate(report.reviewers, start=1):
        cells = beside_the_team.nth(index).locator("[role=gridcell]")
        expect(cells.nth(0)).to_have_text(profile.person or "The whole team")
        expect(cells.nth(1)).to_have_text(str(profile.reviews))
        mean = profile.means["quality"]
        assert mean is not None
        assert float(cells.nth(6).text_content() or 0) == pytest.approx(mean)
    differs = tables.nth(2).locator("[role=row]").nth(1).locator("[role=gridcell]")
    expect(differs.nth(0)).to_have_text(row.conversation_name)
    expect(differs.nth(2)).to_have_text("Jo: rejected, Mei: needs revision, Omar: approved")
    expect(differs.nth(3)).to_have_text("1.5 to 4.5")
    screen.shot("team")
    tables.nth(2).click(position={"x": 110, "y": 34 + 15})
    expect(screen.page.get_by_role("heading", name=row.conversation_name, exact=True)).to_be_visible()


def test_long_conversations_are_read_to_their_end_and_scored_by_keys(full_app: LocalApp, screen: Screen) -> None:
    turns = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": f"Message {n + 1}. And what is to be done next?"}
        for n in range(200)
    ]
    wide = [
        {"role": "user", "content": "A long story. " + "The garden gate stood open. " * 720},
        {"role": "assistant", "content": "Let us go through it together. " * 650 + END},
    ]
    assert min(len(turn["content"]) for turn in wide) > 20_000
    lines = "".join(json.dumps({"messages": messages}) + "\n" for messages in (turns, wide))
    assert full_app.store.ingest_uploads({"long.jsonl": lines.encode()}).totals["stored"] == 2
    rows = full_app.store.search(Filter(sources=("long.jsonl",)), sort="name", order="asc").items
    desk(full_app, screen, "Long", tuple(row.conversation_id for row in rows))
    for row in rows:
        reads(screen, row.conversation_name)
        if row.turn_count == 200:
            expect(screen.page.get_by_test_id("stChatMessage")).to_have_count(200)
            expect(screen.page.get_by_text("Message 200.")).to_be_attached()
        else:
            said = screen.page.get_by_text(END)
            said.scroll_into_view_if_needed()
            box = said.evaluate("one => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]")
            assert box == [0, 0]
        screen.page.keyboard.press("4")
        expect(screen.page.get_by_text("1 of 5", exact=True)).to_be_visible()
        screen.page.keyboard.press("a")
    screen.sees("This queue is done")
    assert {full_app.store.get(row.conversation_id).conversation.status for row in rows} == {"approved"}


def test_in_a_blind_workspace_nothing_of_others_shows_before_ones_own(full_app: LocalApp, screen: Screen) -> None:
    store = full_app.store
    row = store.search(Filter(statuses=("pending_review",)), sort="name", order="desc").items[3]
    olga = colleague(store, "Olga", "admin")
    olga.review([row.conversation_id], status="approved", scores={"quality": 1.3})
    # Back in the queue, as if somebody else were to judge it too; who is on screen is a reviewer now.
    olga.review([row.conversation_id], status="pending_review")
    me = (store.actor.workspace_id, store.actor.user_id)
    with store.database.admin() as connection:
        connection.execute("UPDATE workspaces SET blind = true WHERE id = %s", me[:1])
        connection.execute(
            "UPDATE workspace_members SET role = 'reviewer' WHERE workspace_id = %s AND user_id = %s", me
        )
    olga.desk.save_queue(Queue(name="Blind", wanted=Filter(ids=(row.conversation_id,), statuses=("pending_review",))))

    def shown(path: str) -> str:
        screen.open(f"{full_app.address}/{path}")
        words = []
        opened = screen.page.get_by_test_id("stPopoverBody")
        for name in ("History", "Details"):
            if screen.page.get_by_role("button", name=name, exact=True).count():
                screen.unfold(re.compile(f"^{name}$"), opened)
                words.append(screen.page.locator("body").inner_text().replace("\u2060", ""))
                screen.page.keyboard.press("Escape")
                expect(opened).to_have_count(0)
        return "\n".join(words)

    page = f"conversation?id={row.conversation_id}"
    # In the reviews, in the events, and in the means of people.
    hers = ("Quality 1.3", "→ 1.3", "· 1.3")
    for path in ("review?queue=Blind", page):
        words = shown(path)
        assert "Olga approved it" in words
        assert [found for found in hers if found in words] == []
    screen.open(f"{full_app.address}/review?queue=Blind")
    reads(screen, row.conversation_name)
    screen.page.keyboard.press("4")
    expect(screen.page.get_by_text("1 of 5", exact=True)).to_be_visible()
    screen.page.keyboard.press("x")
    screen.press("Reject", within=screen.page.get_by_role("dialog"))
    screen.sees("This queue is done")
    words = shown(page)
    assert [found for found in hers[:2] if found not in words] == []
    with store.database.admin() as connection:
        connection.execute("UPDATE workspaces SET blind = false WHERE id = %s", me[:1])
        connection.execute("UPDATE workspace_members SET role = 'admin' WHERE workspace_id = %s AND user_id = %s", me)
