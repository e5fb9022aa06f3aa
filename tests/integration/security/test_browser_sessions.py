"""Browsers that stay signed in: opened by the cookie's secret alone, renewed once, ended everywhere."""

from __future__ import annotations

import threading
from dataclasses import replace
from uuid import uuid4

import pytest

from convstore.core import ConvStore
from convstore.errors import SignInError
from convstore.identity import BrowserSessions, Identity, PasswordSession


@pytest.fixture
def session() -> PasswordSession:
    person = uuid4()
    identity = Identity(issuer="project", subject=str(person), name="Ana", email="ana@example.org", profile_id=person)
    return PasswordSession(identity=identity, access_token="access", refresh_token="once", expires_at_s=4e9)


@pytest.fixture
def sessions(store: ConvStore) -> BrowserSessions:
    return BrowserSessions(store.database)


def test_a_ticket_is_good_once_and_gives_the_secret(sessions: BrowserSessions, session: PasswordSession) -> None:
    ticket = sessions.begin(session)
    secret = sessions.exchange(ticket)
    assert secret is not None
    assert secret != ticket
    assert sessions.find(secret) == session
    assert sessions.exchange(ticket) is None
    assert sessions.find(ticket) is None
    assert sessions.exchange("made up") is None


def test_what_lies_in_the_database_opens_nothing(
    store: ConvStore, sessions: BrowserSessions, session: PasswordSession
) -> None:
    secret = sessions.exchange(sessions.begin(session))
    assert secret is not None
    with store.database.admin() as connection:
        [(key, sealed)] = connection.execute("SELECT key, sealed FROM sign_in_sessions").fetchall()
        for word in (secret, session.access_token, session.refresh_token, "ana@example.org"):
            assert word not in key
            assert word.encode() not in bytes(sealed)
        assert sessions.find(key) is None
        connection.execute("UPDATE sign_in_sessions SET expires_at = now()")
    assert sessions.find(secret) is None
    sessions.begin(session)
    with store.database.admin() as connection:
        assert connection.execute("SELECT count(*) FROM sign_in_sessions").fetchone() == (1,), "old ones are swept"


def test_of_many_windows_one_renews(sessions: BrowserSessions, session: PasswordSession) -> None:
    secret = sessions.exchange(sessions.begin(replace(session, expires_at_s=0.0)))
    assert secret is not None
    asked = []

    def renew(old: PasswordSession) -> PasswordSession:
        asked.append(old.refresh_token)
        return replace(old, refresh_token="next", expires_at_s=4e9)

    got: list[PasswordSession] = []
    windows = [threading.Thread(target=lambda: got.append(sessions.refresh(secret, renew))) for _ in range(4)]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
    assert asked == ["once"]
    assert {one.refresh_token for one in got} == {"next"}
    assert sessions.find(secret) == got[0]


def test_an_end_here_or_at_the_project_is_an_end(sessions: BrowserSessions, session: PasswordSession) -> None:
    secret = sessions.exchange(sessions.begin(session))
    assert secret is not None
    assert sessions.end(secret)
    assert not sessions.end(secret)
    with pytest.raises(SignInError, match="ended"):
        sessions.refresh(secret, lambda old: old)

    secret = sessions.exchange(sessions.begin(replace(session, expires_at_s=0.0)))
    assert secret is not None

    def refuse(_old: PasswordSession) -> PasswordSession:
        raise SignInError("the sign-in has ended")

    with pytest.raises(SignInError):
        sessions.refresh(secret, refuse)
    assert sessions.find(secret) is None
