"""A reviewer's morning with the keyboard alone: sign in, ten conversations, a mistake undone, sign out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from convstore.core import ConvStore
from convstore.identity import Identity
from convstore.model import Conversation, Filter
from convstore.review.queues import DEFAULT_QUEUE
from tests.browser.screen import Screen
from tests.browser.serving import free_port, provided, served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WITHIN_MS = 60_000


class Keyboard:
    """What the reviewer presses and then sees."""

    def __init__(self, page: Page, queue: tuple[Conversation, ...]) -> None:
        self.page = page
        self.queue = queue

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def press_button(self, name: str) -> None:
        """Move to a button and press Enter."""
        button = self.page.get_by_role("button", name=name).first
        expect(button).to_be_visible(timeout=WITHIN_MS)
        button.focus()
        self.press("Enter")

    def reads(self, index: int, *, scored: int = 0) -> None:
        name = self.queue[index].conversation_name
        expect(self.page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=WITHIN_MS)
        expect(self.page.get_by_text(f"{scored} of 5", exact=True)).to_be_visible(timeout=WITHIN_MS)
        expect(self.page.get_by_role("button", name="Approve")).to_be_enabled(timeout=WITHIN_MS)

    def score(self, *keys: str) -> None:
        for given, key in enumerate(keys, start=1):
            self.press(key)
            expect(self.page.get_by_text(f"{given} of 5", exact=True)).to_be_visible(timeout=WITHIN_MS)


def test_ten_conversations_by_keys_and_a_mistake_undone(
    chromium: Browser, demo_store: ConvStore, tmp_path: Path
) -> None:
    demo_store.add_member("ana@example.org", "reviewer")
    queue = demo_store.search(DEFAULT_QUEUE.wanted, sort="created", order="asc", limit=12).items
    port = free_port()
    with (
        provided(["ana"]) as issuer,
        served(demo_store.settings, port, provider=issuer, folder=tmp_path) as address,
    ):
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        screen = Screen(page, tmp_path, provider=issuer)
        ana = Keyboard(page, queue)
        page.goto(f"{address}/review")
        ana.press_button("Sign in")
        ana.press_button("ana")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=WITHIN_MS)
        page.goto(f"{address}/review")

        ana.reads(0)
        ana.score("4", "5")
        # Faster than the screen: nothing of it gets lost.
        ana.press("h")
        for index in range(8):
            ana.press("a")
            ana.reads(index + 1)

        # A slip: rejected without meaning it, and back with the scores as they were.
        ana.score("3")
        ana.press("x")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible(timeout=WITHIN_MS)
        page.wait_for_timeout(600)
        ana.press("1")
        expect(dialog.get_by_text("check_box", exact=True)).to_be_visible(timeout=WITHIN_MS)
        ana.press("Control+Enter")
        ana.reads(9)
        ana.press("u")
        ana.reads(8, scored=1)
        screen.shot("review-after-undo")
        ana.press("a")
        ana.reads(9)
        ana.press("a")
        ana.reads(10)

        # Keys rest while one types.
        page.get_by_role("textbox", name="Note").focus()
        page.keyboard.type("a x s")
        ana.press("Tab")
        page.wait_for_timeout(1000)
        ana.reads(10)
        ana.press_button("Sign out")
        # The provider asks whether its own session ends as well.
        end = page.get_by_role("button").or_(page.locator("input[type=submit]"))
        page.get_by_role("heading", name="End Session").wait_for(timeout=WITHIN_MS)
        end.first.click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=WITHIN_MS)
        screen.assert_clean()

    ana_store = ConvStore.for_identity(
        demo_store.resources, Identity(issuer=issuer, subject="ana", name="Ana", email="ana@example.org")
    )
    assert ana_store.count(Filter(statuses=("approved",), reviewers=("ana@example.org",)))[0] == 10
    for row in queue[:10]:
        detail = ana_store.get(str(row.id))
        assert (detail.conversation.status, detail.conversation.reviewed_by) == ("approved", ana_store.actor.user_id)
        assert [review.decision for review in detail.reviews] == ["approved"]
        assert detail.reviews[0].seconds is not None
    draft = ana_store.desk.find_draft(queue[10].id)
    assert draft is not None
    assert draft["note"] == "a x s"
    # Signing out gave back what was on the desk.
    assert demo_store.desk.next(DEFAULT_QUEUE, count=1) == (queue[10].id,)
