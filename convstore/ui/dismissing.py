"""Saying that a finding does not matter, with a reason, and letting it stand again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Finding
from convstore.rights import may
from convstore.ui.status import FINDINGS, finding_badge
from convstore.ui.words import plain

__all__ = ["dismissed", "dismisser"]


def dismisser(store: ConvStore, changed: Callable[[], None] | None = None) -> Callable[[Finding], None] | None:
    """What stands behind every finding for those who may dismiss one; `changed` runs after it."""
    if not may(store.actor.role, "review"):
        return None

    def ask(finding: Finding) -> None:
        with (
            st.popover("Dismiss", type="tertiary", key=f"dismiss-{finding.id}"),
            st.form(f"dismissing-{finding.id}", border=False, width=320),
        ):
            reason = st.text_input(
                "Why it does not matter", key=f"reason-{finding.id}", max_chars=500, placeholder="Kept in the history"
            )
            if not st.form_submit_button("Dismiss it", key=f"dismiss-it-{finding.id}"):
                return
            if not (reason or "").strip():
                st.caption("Say why, so that others know.")
                return
            _set(store, finding, reason.strip(), changed)
            st.session_state["news"] = f"{_name(finding)} dismissed."
            st.rerun()

    return ask


def dismissed(store: ConvStore, findings: Iterable[Finding], changed: Callable[[], None] | None = None) -> None:
    """Findings that somebody dismissed, folded away, each with the reason and a way back."""
    found = [finding for finding in findings if finding.dismissed_reason]
    if not found:
        return
    with st.popover(f"{len(found)} dismissed", icon=":material/remove_done:", type="tertiary"):
        for finding in found:
            where = "" if finding.turn_number is None else f" in turn {finding.turn_number}"
            with st.container(width=440, gap="xsmall"):
                with st.container(
                    horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
                ):
                    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
                        finding_badge(finding.code, finding.severity)
                        st.caption(where.strip(), width="content")
                    if may(store.actor.role, "review") and st.button(
                        "Let it stand again", key=f"stand-{finding.id}", type="tertiary", icon=":material/undo:"
                    ):
                        _set(store, finding, None, changed)
                        st.session_state["news"] = f"{_name(finding)} stands again."
                        st.rerun()
                st.text(finding.dismissed_reason or "")


def _set(store: ConvStore, finding: Finding, reason: str | None, changed: Callable[[], None] | None) -> None:
    assert finding.id is not None
    store.dismiss_finding(finding.id, reason)
    if changed is not None:
        changed()


def _name(finding: Finding) -> str:
    return plain(FINDINGS.get(finding.code, "The finding"))
