"""Somebody who signed in with a password stays so when the page is loaded again, until they sign out."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect
from pydantic import SecretStr

from convstore.core import ConvStore
from convstore.settings import Settings
from tests.browser.screen import Screen
from tests.browser.serving import app_of, free_port
from tests.integration.security.auth_server import SupabaseAuthServer


@contextmanager
def served(settings: Settings, project: SupabaseAuthServer, folder: Path) -> Iterator[str]:
    """The app with people from a Supabase project; its address."""
    sign_in = {
        "port": free_port(),
        "auth": "supabase",
        "supabase_url": project.url,
        "supabase_anon_key": SecretStr("public"),
        "supabase_jwt_secret": SecretStr(project.secret),
    }
    with app_of(settings.model_copy(update=sign_in), folder) as address:
        yield address


def test_a_reload_keeps_the_session_and_signing_out_ends_it_everywhere(
    chromium: Browser, store: ConvStore, tmp_path: Path
) -> None:
    store.add_member("ana@example.org", "lead")
    with SupabaseAuthServer() as project, served(store.settings, project, tmp_path) as address:
        project.add("ana@example.org", "right")
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        screen = Screen(context.new_page(), tmp_path)
        screen.open(address)
        screen.page.get_by_label("E-mail").fill("ana@example.org")
        screen.page.get_by_label("Password", exact=True).fill("right")
        screen.page.get_by_role("button", name="Sign in").click()
        expect(screen.page.get_by_role("button", name="Sign out")).to_be_visible()
        [cookie] = [one for one in context.cookies() if one["name"] == "convstore_session"]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert project.passwords_tried == 1

        # A token at its end is renewed by the next load, and the session goes on.
        before = set(project.refresh_tokens)
        with store.database.admin() as connection:
            assert connection.execute("SELECT count(*) FROM sign_in_sessions").fetchone() == (1,)
        screen.page.reload()
        expect(screen.page.get_by_role("button", name="Sign out")).to_be_visible()
        other = Screen(context.new_page(), tmp_path)
        other.open(f"{address}/browse")
        expect(other.page.get_by_role("button", name="Sign out")).to_be_visible()
        assert (project.passwords_tried, set(project.refresh_tokens)) == (1, before)

        screen.page.get_by_role("button", name="Sign out").click()
        expect(screen.page.get_by_role("heading", name="Sign in to convstore")).to_be_visible()
        assert [one for one in context.cookies() if one["name"] == "convstore_session"] == []
        other.page.reload()
        expect(other.page.get_by_role("heading", name="Sign in to convstore")).to_be_visible()
        # What the cookie opened is gone too, for whoever kept a copy of it.
        context.add_cookies([{"name": "convstore_session", "value": cookie["value"], "url": address}])
        other.page.reload()
        expect(other.page.get_by_role("heading", name="Sign in to convstore")).to_be_visible()
        context.close()
        screen.assert_clean()
        other.assert_clean()

        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}):
            for path in ("/session/keep?ticket=x", "/session/end"):
                assert status_of(address + path, headers) == 403


def status_of(address: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
