"""The sidebar: who is here, in which workspace, and the way out. Absent where there is nothing to choose."""

from __future__ import annotations

import time
from contextlib import suppress

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import ConvstoreError
from convstore.model import Actor
from convstore.ui import sign_in
from convstore.ui.session import use_workspace
from convstore.ui.words import plain

__all__ = ["account"]

#: A workspace that somebody was added to shows after at most this long.
_WORKSPACES_S = 10.0


def account(store: ConvStore) -> None:
    """Offer another workspace and the way out."""
    names = _workspaces(store)
    leaves = sign_in.can_sign_out(store.resources)
    if len(names) < 2 and not leaves:
        return
    with st.sidebar:
        if len(names) > 1:
            slugs = list(names)
            chosen = st.selectbox(
                "Workspace",
                slugs,
                index=slugs.index(store.actor.workspace_slug) if store.actor.workspace_slug in names else 0,
                format_func=names.__getitem__,
                key=f"workspace-of-{store.actor.workspace_slug}",
            )
            if chosen != store.actor.workspace_slug:
                use_workspace(chosen)
                st.rerun()
        st.caption(f"{plain(store.actor.name)} · {store.actor.role}")
        if leaves:
            st.button("Sign out", icon=":material/logout:", on_click=_leave, args=(store,))


def _workspaces(store: ConvStore) -> dict[str, str]:
    """Names of the person's workspaces by slug, asked for now and then: every key that is pressed comes by here."""
    kept: tuple[Actor, float, dict[str, str]] | None = st.session_state.get("workspaces")
    if kept is None or kept[0] != store.actor or time.monotonic() - kept[1] > _WORKSPACES_S:
        names = {membership.slug: membership.name for membership in store.memberships()}
        kept = st.session_state["workspaces"] = (store.actor, time.monotonic(), names)
    return kept[2]


def _leave(store: ConvStore) -> None:
    with suppress(ConvstoreError):
        # What was on the desk is free for others at once; without an answer, in ten minutes.
        store.desk.give_back()
    sign_in.sign_out(store.resources)
