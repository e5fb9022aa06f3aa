"""Staying signed in over a reload and in every window of a browser, where the server can set a cookie.

Under `convstore ui` it can. A page that plain `streamlit run` serves forgets who signed in when it is loaded again.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from convstore.core import Resources
from convstore.identity import BrowserSessions, PasswordSession, SupabasePasswords
from convstore.ui.session_routes import COOKIE, END_PATH, KEEP_PATH

__all__ = ["forget", "is_kept", "recall", "remember", "renew", "serve_cookies"]

#: How long a window goes on after another one of the same browser signed out.
_TRUST_S = 15.0
_CHECKED = "session_checked_at"
_server: dict[str, bool] = {}


def serve_cookies() -> None:
    """Say that this process answers at the addresses of `session_routes`."""
    _server["cookies"] = True


def is_kept() -> bool:
    """True if this browser has a session that outlives the page."""
    return bool(_secret())


def remember(resources: Resources, session: PasswordSession) -> bool:
    """Send the browser to fetch its cookie; False where there is none to be had."""
    if not _server:
        return False
    _leave_for(f"{KEEP_PATH}?{urlencode({'ticket': BrowserSessions(resources.database).begin(session)})}")
    return True


def recall(resources: Resources, session: PasswordSession | None) -> PasswordSession | None:
    """The session of this browser's cookie; None once it has ended, in whatever window."""
    checked_at = st.session_state.get(_CHECKED, float("-inf"))
    if session is None or time.monotonic() - checked_at > _TRUST_S:
        found = BrowserSessions(resources.database).find(_secret())
        # A token that this window renewed is in the database as well, so that the stored one is never older.
        session = found
        st.session_state[_CHECKED] = time.monotonic()
    return session


def renew(resources: Resources, passwords: SupabasePasswords) -> PasswordSession:
    """The browser's session with a new token; `SignInError` if it has ended."""
    return BrowserSessions(resources.database).refresh(_secret(), passwords.refresh)


def forget(resources: Resources) -> None:
    """End this browser's session in every window, and take its cookie away."""
    BrowserSessions(resources.database).end(_secret())
    _leave_for(END_PATH)


def _secret() -> str:
    return st.context.cookies.get(COOKIE, "") if _server else ""


def _leave_for(path: str) -> None:
    """Send the browser to an address of this server, as `st.login` does; Streamlit has no public call for it."""
    context = get_script_run_ctx()
    assert context is not None
    message = ForwardMsg()
    message.auth_redirect.url = path
    context.enqueue(message)
