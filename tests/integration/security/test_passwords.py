"""E-mail and password at a Supabase project: right, wrong, guessed, refreshed, ended, out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from convstore.core import ConvStore, Resources
from convstore.errors import SignInError, UnavailableError
from convstore.identity import SupabasePasswords
from convstore.settings import Settings
from tests.integration.security.auth_server import SupabaseAuthServer


@pytest.fixture
def project() -> Iterator[SupabaseAuthServer]:
    with SupabaseAuthServer() as server:
        yield server


@pytest.fixture
def signed(settings: Settings, project: SupabaseAuthServer) -> Iterator[Resources]:
    """A store whose people come from the project."""
    changed = settings.model_copy(
        update={
            "auth": "supabase",
            "supabase_url": project.url,
            "supabase_anon_key": type(settings.database_url)("public"),  # type: ignore[misc]
            "supabase_jwt_secret": type(settings.database_url)(project.secret),  # type: ignore[misc]
        }
    )
    opened = Resources(changed)
    yield opened
    opened.close()


@pytest.fixture
def passwords(signed: Resources) -> SupabasePasswords:
    return SupabasePasswords(signed.settings, signed.database, signed.verifier)


def test_sign_in_lets_an_invited_person_in(
    store: ConvStore, signed: Resources, passwords: SupabasePasswords, project: SupabaseAuthServer
) -> None:
    user_id = project.add("ana@example.org", "right")
    store.add_member("ana@example.org", "lead")
    session = passwords.sign_in(" Ana@Example.org", "right", address="192.0.2.1")
    ana = ConvStore.for_identity(signed, session.identity)
    assert (ana.actor.user_id, ana.actor.role) == (UUID(user_id), "lead")
    # The API takes the same token.
    assert ConvStore.for_token(signed, session.access_token).actor == ana.actor
    passwords.sign_out(session)


def test_unconfirmed_email_redeems_nothing(
    store: ConvStore, signed: Resources, passwords: SupabasePasswords, project: SupabaseAuthServer
) -> None:
    project.add("eve@example.org", "right", confirmed=False)
    store.add_member("eve@example.org", "admin")
    session = passwords.sign_in("eve@example.org", "right", address="192.0.2.1")
    assert session.identity.email is None
    with pytest.raises(Exception, match="no workspace"):
        ConvStore.for_identity(signed, session.identity)


def test_wrong_passwords_get_slow_and_stop_reaching_the_project(
    passwords: SupabasePasswords, project: SupabaseAuthServer
) -> None:
    project.add("ana@example.org", "right")
    said = []
    for _ in range(9):
        with pytest.raises(SignInError) as caught:
            passwords.sign_in("ana@example.org", "wrong", address="192.0.2.1")
        said.append(caught.value.code)
    assert said[:5] == ["ERR_SIGN_IN"] * 5
    assert "ERR_SIGN_IN_SLOW" in said[5:]
    assert project.passwords_tried < 9


def test_session_is_refreshed_until_it_is_ended(passwords: SupabasePasswords, project: SupabaseAuthServer) -> None:
    project.add("ana@example.org", "right")
    project.expires_in_s = 30
    session = passwords.sign_in("ana@example.org", "right", address="192.0.2.1")
    assert session.is_stale
    project.expires_in_s = 3600
    fresh = passwords.refresh(session)
    assert not fresh.is_stale
    assert fresh.identity == session.identity
    project.refresh_tokens.clear()
    with pytest.raises(SignInError, match="ended"):
        passwords.refresh(fresh)


def test_token_of_another_project_does_not_count(passwords: SupabasePasswords, project: SupabaseAuthServer) -> None:
    project.add("ana@example.org", "right")
    project.secret = "another secret of thirty-two characters"
    with pytest.raises(SignInError, match="not genuine"):
        passwords.sign_in("ana@example.org", "right", address="192.0.2.1")


def test_project_out_of_reach_is_no_wrong_password(passwords: SupabasePasswords, project: SupabaseAuthServer) -> None:
    project.is_down = True
    with pytest.raises(UnavailableError):
        passwords.sign_in("ana@example.org", "right", address="192.0.2.1")
