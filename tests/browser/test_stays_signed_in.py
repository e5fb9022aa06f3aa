"""Somebody who signed in with a password stays so when the page is loaded again, until they sign out."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from convstore.core import ConvStore
from convstore.settings import Settings
from convstore.ui.navigation import SCREENS
from tests.browser.screen import Screen
from tests.browser.serving import app_of, free_port
from tests.integration.security.auth_server import SupabaseAuthServer

SERVICE_KEY = "hush.service.key"
PASSWORD = "hush-of-the-database"
TYPED = "hush-as-typed"


@contextmanager
def served(settings: Settings, project: SupabaseAuthServer, folder: Path) -> Iterator[str]:
    """The app with people from a Supabase project; its address."""
    assert settings.database_url is not None
    sign_in = {
        "port": free_port(),
        "auth": "supabase",
        "supabase_url": project.url,
        "supabase_anon_key": SecretStr("public"),
        "supabase_jwt_secret": SecretStr(project.secret),
        "supabase_service_role_key": SecretStr(SERVICE_KEY),
        "database_url": SecretStr(settings.database_url.get_secret_value().replace("_app@", f"_app:{PASSWORD}@")),
    }
    with app_of(settings.model_copy(update=sign_in), folder) as address:
        yield address


def test_a_reload_keeps_the_session_and_signing_out_ends_it_everywhere(
    chromium: Browser, store: ConvStore, tmp_path: Path
) -> None:
    store.add_member("ana@example.org", "lead")
    with SupabaseAuthServer() as project, served(store.settings, project, tmp_path) as address:
        project.add("ana@example.org", TYPED)
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        screen = Screen(context.new_page(), tmp_path)
        heard = listening(screen.page)
        screen.open(address)
        screen.page.get_by_label("E-mail").fill("ana@example.org")
        screen.page.get_by_label("Password", exact=True).fill(TYPED)
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

        # What the server knows stays there: in no page, no address and no frame that draws one.
        secrets = {project.secret, SERVICE_KEY, PASSWORD, TYPED, *project.refresh_tokens}
        for place in SCREENS:
            if place.in_bar:
                screen.follow(place.title)
            else:
                screen.open(f"{address}/{place.name}")
            heard.append(screen.page.content())
        assert any("Members" in words for words in heard)
        assert [secret for secret in secrets if any(secret in words for words in heard)] == []

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


def listening(page: Page) -> list[str]:
    """Everything that reaches the page from now on, and every address that it asks for."""
    heard: list[str] = []

    def hear(frame: str | bytes) -> None:
        heard.append(frame if isinstance(frame, str) else frame.decode("utf-8", "replace"))

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    page.on("request", lambda request: heard.append(request.url))
    return heard


def status_of(address: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
