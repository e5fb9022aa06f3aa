"""Who is here, and their store. The only place that knows how people sign in.

`current_store()` gives the store of the person in front of the screen, or shows the sign-in and stops the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from convstore.core import ConvStore, Resources
from convstore.errors import NotFoundError, SettingsError
from convstore.model import Actor
from convstore.settings import Settings
from convstore.ui import sign_in
from convstore.ui.frame import require_frame

if TYPE_CHECKING:
    from convstore.identity import Identity

__all__ = ["current_store", "shared_resources", "use_workspace"]

#: A change of somebody's role shows on their screen after at most this long; the database checks it every time.
_IDENTITY_S = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class _Known:
    """Who was found, for which settings, identity and workspace, and when."""

    settings: Settings
    identity: Identity | None
    workspace: str | None
    actor: Actor
    found_at_s: float


def shared_resources() -> Resources:
    """Database, files and cache: one set for every session of this server."""
    return _resources(Settings.load())


@st.cache_resource(show_spinner=False, hash_funcs={Settings: hash}, on_release=Resources.close)
def _resources(settings: Settings) -> Resources:
    return Resources(settings)


def current_store() -> ConvStore:
    """The store, as the person of this session in the workspace that they chose."""
    require_frame()
    resources = shared_resources()
    # In every run: a session ends on the second, not when somebody looks again.
    identity = _SIGN_INS[resources.settings.auth](resources)
    known: _Known | None = st.session_state.get("identity")
    if known is not None and known.identity != identity:
        # Somebody else at the same screen starts with nothing of who was here before.
        sign_in.forget_session()
        known = None
    workspace = st.session_state.get("workspace")
    if (
        known is None
        or (known.settings, known.workspace) != (resources.settings, workspace)
        or time.monotonic() - known.found_at_s > _IDENTITY_S
    ):
        store = _open(resources, identity, workspace)
        known = _Known(resources.settings, identity, workspace, store.actor, time.monotonic())
        st.session_state["identity"] = known
    return ConvStore(resources, known.actor)


def use_workspace(slug: str) -> None:
    """Work in another workspace from the next run on."""
    st.session_state["workspace"] = slug


def _open(resources: Resources, identity: Identity | None, workspace: str | None) -> ConvStore:
    if identity is None:
        return ConvStore.for_operator(resources, workspace=workspace)
    try:
        return ConvStore.for_identity(resources, identity, workspace=workspace)
    except NotFoundError:
        # No member of the chosen workspace any more: back to one that is theirs.
        st.session_state.pop("workspace", None)
        return ConvStore.for_identity(resources, identity)


def _local(_resources: Resources) -> None:
    address = st.get_option("server.address")
    if address not in _LOOPBACK:
        raise SettingsError(
            "the local sign-in trusts whoever opens the page, so it serves this machine only",
            hint="Set CONVSTORE_AUTH to oidc or supabase, or listen on 127.0.0.1.",
            facts={"address": address},
        )


#: How each kind of sign-in finds the person, None being the local user. One that needs an answer first shows its form
#: and stops the run.
_SIGN_INS: Mapping[str, Callable[[Resources], Identity | None]] = {
    "local": _local,
    "oidc": sign_in.by_provider,
    "supabase": sign_in.by_password,
}
