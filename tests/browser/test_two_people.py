"""Two people in two browsers, signed in at a real provider: neither sees what belongs to the other's workspace."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from convstore.core import ConvStore, Resources
from convstore.errors import ConvstoreError
from convstore.identity import Identity
from tests.browser.screen import Screen
from tests.browser.serving import free_port, provided, served

PEOPLE = {"ana": "default", "ben": "team-b"}
WORDS = {"ana": "marigold", "ben": "thistle"}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def filled(store: ConvStore) -> dict[str, str]:
    """One conversation in each workspace, known by a word; row ids by person."""
    store.create_workspace("team-b", name="Team B")
    rows = {}
    for name, slug in PEOPLE.items():
        admin = ConvStore.for_operator(store.resources, workspace=slug)
        admin.add_member(f"{name}@example.org", "lead")
        word = WORDS[name]
        turns = [
            {"role": "user", "content": f"What is a {word}?"},
            {"role": "assistant", "content": f"A {word} is a flower."},
        ]
        report = admin.ingest_uploads({f"{word}.jsonl": (json.dumps({"messages": turns}) + "\n").encode()})
        assert report.totals["stored"] == 1
        rows[name] = str(admin.search().items[0].conversation_id)
    return rows


def sign_in(browser: Browser, folder: Path, address: str, provider: str, name: str) -> Screen:
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    screen = Screen(page, folder, provider=provider)
    screen.page.goto(address)
    screen.page.get_by_role("button", name="Sign in").click()
    screen.page.get_by_role("button", name=name).click()
    expect(screen.page.get_by_role("button", name="Sign out")).to_be_visible()
    return screen


def text_of(page: Page) -> str:
    page.wait_for_load_state("networkidle")
    expect(page.get_by_test_id("stAppViewContainer")).to_be_visible()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    # Screens keep addresses from becoming links with a mark that nobody sees.
    return page.locator("body").inner_text().replace("\u2060", "")


def test_neither_sees_the_other(
    chromium: Browser, resources: Resources, filled: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with (
        provided(list(PEOPLE)) as issuer,
        served(resources.settings, port, provider=issuer, folder=tmp_path) as address,
    ):
        screens = {name: sign_in(chromium, tmp_path, address, issuer, name) for name in PEOPLE}
        for name, other in (("ana", "ben"), ("ben", "ana")):
            page = screens[name].page
            for title in ("Home", "Browse", "Releases", "Import", "System"):
                screens[name].follow(title)
                assert WORDS[other] not in text_of(page), title
            page.goto(f"{address}/conversation?id={filled[name]}")
            expect(page.get_by_text(f"A {WORDS[name]} is a flower.").first).to_be_visible()
            page.goto(f"{address}/conversation?id={filled[other]}")
            assert f"{WORDS[other]} is a flower" not in text_of(page)
            page.goto(f"{address}/system")
            expect(page.get_by_text(re.compile(rf"{name}@.?example\.org")).first).to_be_visible()
            assert f"{other}@example.org" not in text_of(page)
            screens[name].assert_clean()
    for name, other in (("ana", "ben"), ("ben", "ana")):
        person = ConvStore.for_identity(
            resources, Identity(issuer=issuer, subject=name, name=name, email=f"{name}@example.org")
        )
        with pytest.raises(ConvstoreError):
            person.get(filled[other])
        out = tmp_path / f"{name}.jsonl"
        person.export("messages", out, lint="keep")
        assert WORDS[name] in out.read_text("utf-8")
        assert WORDS[other] not in out.read_text("utf-8")


def test_no_page_without_a_session_and_none_after_its_end(
    chromium: Browser, resources: Resources, filled: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with (
        provided(list(PEOPLE), token_max_age_s=25) as issuer,
        served(resources.settings, port, provider=issuer, folder=tmp_path) as address,
    ):
        page = sign_in(chromium, tmp_path, address, issuer, "ana").page
        ends_at = time.monotonic() + 26
        stranger = chromium.new_context().new_page()
        for path in ("", "/browse", "/system", f"/conversation?id={filled['ana']}"):
            stranger.goto(address + path)
            expect(stranger.get_by_role("button", name="Sign in")).to_be_visible()
            assert WORDS["ana"] not in text_of(stranger)
        page.wait_for_timeout(max(0, ends_at - time.monotonic()) * 1000)
        page.goto(f"{address}/browse")
        expect(page.get_by_text("The sign-in has expired", exact=False)).to_be_visible()
        assert WORDS["ana"] not in text_of(page)
