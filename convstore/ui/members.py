"""The Members part of the System screen: who belongs to the workspace, and for admins how to change that."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import streamlit as st

from convstore.core import ConvStore
from convstore.errors import RefusedError
from convstore.model import Role
from convstore.queries.members import Member
from convstore.rights import may
from convstore.ui.words import plain, sentence

__all__ = ["members_section"]

_ROLES: tuple[Role, ...] = get_args(Role)


def members_section(store: ConvStore) -> None:
    """Show the members; admins add, change and remove."""
    members, invited = store.members()
    manages = may(store.actor.role, "members")
    for person in (*members, *invited):
        _line(store, person, manages=manages)
    if manages:
        _invite(store)


def _line(store: ConvStore, person: Member, *, manages: bool) -> None:
    name, role, action = st.columns([4, 2, 1], vertical_alignment="center")
    you = " (you)" if person.user_id == store.actor.user_id else ""
    state = "" if person.user_id else " · invited, has not signed in yet"
    name.markdown(f"**{plain(person.name)}**{you}  \n:small[:gray[{plain(person.email or 'no e-mail')}{state}]]")
    if not manages or person.email is None:
        role.write(person.role)
        return
    key = f"{store.actor.workspace_slug}-{person.email}"
    chosen = role.selectbox(
        f"Role of {plain(person.name)}",
        _ROLES,
        index=_ROLES.index(person.role),
        key=f"role-{key}-{person.role}",
        label_visibility="collapsed",
    )
    if chosen != person.role and _done(lambda: store.change_role(str(person.email), chosen)):
        st.rerun()
    with action.popover("Remove", use_container_width=True):
        what = "Withdraw the invitation of" if person.user_id is None else "End the membership of"
        st.write(f"{what} {plain(person.name)}?")
        if st.button("Remove", type="primary", key=f"remove-{key}") and _done(
            lambda: store.remove_member(str(person.email))
        ):
            st.rerun()


def _invite(store: ConvStore) -> None:
    with st.form("add-member", clear_on_submit=True, border=True):
        address, role, send = st.columns([4, 2, 1], vertical_alignment="bottom")
        email = address.text_input("E-mail", placeholder="jana@example.org")
        chosen = role.selectbox("Role", _ROLES, index=_ROLES.index("reviewer"))
        sent = send.form_submit_button("Add", type="primary", width="stretch")
    if sent and _done(lambda: store.add_member(email, chosen)):
        st.rerun()


def _done(act: Callable[[], object]) -> bool:
    """Do something; say on the spot why not."""
    try:
        act()
    except RefusedError as error:
        st.warning(f"**{plain(sentence(error.message))}** {plain(sentence(error.hint))}", icon=":material/block:")
        return False
    return True
