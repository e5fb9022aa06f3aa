"""The sign-in screens: a provider of OpenID Connect through Streamlit, e-mail and password through Supabase."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from convstore.errors import ConvstoreError, SignInError
from convstore.ui import browser_session
from convstore.ui.words import plain, sentence

if TYPE_CHECKING:
    from convstore.core import Resources
    from convstore.identity import Identity, PasswordSession, SupabasePasswords

__all__ = ["by_password", "by_provider", "can_sign_out", "forget_session", "sign_out"]

_SESSION = "password_session"


def by_provider(resources: Resources) -> Identity:
    """The person of the provider's session; shows the sign-in and stops where there is none, or an expired one."""
    from convstore.identity import check_claims, identity_of_claims

    if not st.user.is_logged_in:
        _ask_provider()
    claims = st.user.to_dict()
    settings = resources.settings
    try:
        check_claims(claims, issuer=settings.oidc_issuer, audience=settings.oidc_audience, now_s=time.time())
        return identity_of_claims(claims)
    except SignInError as error:
        _ask_provider(error)


def by_password(resources: Resources) -> Identity:
    """The person of this session, kept fresh; shows the sign-in and stops where there is none."""
    session: PasswordSession | None = st.session_state.get(_SESSION)
    if browser_session.is_kept():
        session = browser_session.recall(resources, session)
    if session is not None and session.is_stale:
        passwords = _passwords(resources)
        try:
            if browser_session.is_kept():
                session = browser_session.renew(resources, passwords)
            else:
                session = passwords.refresh(session)
        except SignInError as error:
            st.session_state.pop(_SESSION, None)
            _ask_password(resources, error)
    st.session_state[_SESSION] = session
    if session is None:
        _ask_password(resources)
    return session.identity


def can_sign_out(resources: Resources) -> bool:
    """True where somebody signed in."""
    return resources.settings.auth != "local"


def sign_out(resources: Resources) -> None:
    """End the session, here and at whoever vouched for it."""
    session: PasswordSession | None = st.session_state.get(_SESSION)
    st.session_state.clear()
    if browser_session.is_kept():
        browser_session.forget(resources)
    if session is not None:
        try:
            _passwords(resources).sign_out(session)
        except ConvstoreError:
            # Gone from here all the same; what is left at the project ends with the token's time.
            return
    elif resources.settings.auth == "oidc":
        st.logout()


def forget_session() -> None:
    """Keep nothing of who was here before; who is here now has signed in already."""
    session: PasswordSession | None = st.session_state.get(_SESSION)
    st.session_state.clear()
    if session is not None:
        st.session_state[_SESSION] = session


def _passwords(resources: Resources) -> SupabasePasswords:
    from convstore.identity import SupabasePasswords

    return SupabasePasswords(resources.settings, resources.database, resources.verifier)


def _ask_provider(error: SignInError | None = None) -> NoReturn:
    with _screen(error):
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login, width="stretch")
    st.stop()


def _ask_password(resources: Resources, error: SignInError | None = None) -> NoReturn:
    with _screen(error), st.form("sign-in", border=False):
        email = st.text_input("E-mail", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Sign in", type="primary", icon=":material/login:", width="stretch")
        if sent:
            address = st.context.ip_address or "this machine"
            try:
                with st.spinner("Signing in …"):
                    session = _passwords(resources).sign_in(email, password, address=address)
            except SignInError as refused:
                _say(refused)
            else:
                if browser_session.remember(resources, session):
                    # The browser leaves for its cookie, and comes back as somebody.
                    st.stop()
                st.session_state[_SESSION] = session
                st.rerun()
    st.stop()


@contextmanager
def _screen(error: SignInError | None) -> Iterator[None]:
    _, middle, _ = st.columns([1, 1, 1])
    with middle:
        st.header("Sign in to convstore", anchor=False)
        if error is not None:
            _say(error)
        yield


def _say(error: SignInError) -> None:
    st.warning(f"**{plain(sentence(error.message))}** {plain(sentence(error.hint))}", icon=":material/lock:")
