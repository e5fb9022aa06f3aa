"""Who is here, and their store. The only place that knows how people sign in.

`current_store()` gives the store of the person in front of the screen, or shows the sign-in and stops the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from convstore.core import ConvStore, Resources
from convstore.errors import SettingsError
from convstore.model import Actor
from convstore.settings import Settings
from convstore.ui.frame import require_frame

__all__ = ["current_store", "shared_resources", "use_workspace"]

#: A change of somebody's role shows on their screen after at most this long; the database checks it every time.
_IDENTITY_S = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class _Identity:
    """Who was found, for which settings and workspace, and when."""

    settings: Settings
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
    workspace = st.session_state.get("workspace")
    known: _Identity | None = st.session_state.get("identity")
    if (
        known is None
        or (known.settings, known.workspace) != (resources.settings, workspace)
        or time.monotonic() - known.found_at_s > _IDENTITY_S
    ):
        store = _SIGN_INS[resources.settings.auth](resources, workspace)
        known = _Identity(resources.settings, workspace, store.actor, time.monotonic())
        st.session_state["identity"] = known
    return ConvStore(resources, known.actor)


def use_workspace(slug: str) -> None:
    """Work in another workspace from the next run on."""
    st.session_state["workspace"] = slug


def _local(resources: Resources, workspace: str | None) -> ConvStore:
    address = st.get_option("server.address")
    if address not in _LOOPBACK:
        raise SettingsError(
            "the local sign-in trusts whoever opens the page, so it serves this machine only",
            hint="Set CONVSTORE_AUTH to oidc or supabase, or listen on 127.0.0.1.",
            facts={"address": address},
        )
    return ConvStore.for_operator(resources, workspace=workspace)


def _not_here(resources: Resources, workspace: str | None) -> ConvStore:
    raise SettingsError(
        f"this build has no sign-in of the kind {resources.settings.auth!r}", hint="Set CONVSTORE_AUTH to local."
    )


#: How each kind of sign-in finds the person; one that needs an answer first shows its form and calls `st.stop()`.
_SIGN_INS: Mapping[str, Callable[[Resources, str | None], ConvStore]] = {
    "local": _local,
    "oidc": _not_here,
    "supabase": _not_here,
}
