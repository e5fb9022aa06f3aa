"""A conversation as people read it: the messages, and beside each what is noted about it.

Messages are strangers' text and are shown by `st.text` alone: nothing in them is formatted, linked or loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from convstore.model import Finding, Turn
from convstore.ui.status import finding_badge
from convstore.ui.words import plain, prettified

__all__ = ["turns_beside_notes"]

_AVATARS = {
    "user": ":material/person:",
    "assistant": ":material/forum:",
    "system": ":material/terminal:",
}


def turns_beside_notes(turns: Sequence[Turn], findings: Iterable[Finding]) -> None:
    """Every message, with its emotion, intensity and strategy at the right and its findings below it."""
    found = [finding for finding in findings if not finding.dismissed_reason]
    for finding in found:
        if finding.turn_number is None:
            _finding(finding)
    for turn in turns:
        message, notes = st.columns([520, 270], gap="medium")
        with (
            message,
            st.chat_message(
                "user" if turn.role == "user" else "assistant", avatar=_AVATARS.get(turn.role, ":material/forum:")
            ),
        ):
            st.text(turn.content)
            for finding in found:
                if finding.turn_number == turn.turn_number:
                    _finding(finding)
        with notes:
            _notes(turn)


def _finding(finding: Finding) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        finding_badge(finding.code, finding.severity)
        st.text(finding.explanation)


def _notes(turn: Turn) -> None:
    intensity = turn.emotional_intensity
    label = prettified(turn.detected_emotion or turn.tone or "")
    if intensity is not None:
        with st.container(gap=None):
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.text(label or "Intensity")
                st.caption(f"{intensity:.2f}", width="content")
            st.progress(min(1.0, max(0.0, float(intensity))))
    elif label:
        st.text(label)
    if turn.primary_strategy:
        st.caption(plain(prettified(turn.primary_strategy)))
