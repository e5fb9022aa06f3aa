"""A conversation as people read it: the messages, and beside each what is noted about it.

Messages are strangers' text and are shown by `st.text` alone: nothing in them is formatted, linked or loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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


def turns_beside_notes(
    turns: Sequence[Turn],
    findings: Iterable[Finding],
    *,
    beside: Callable[[Turn], None] | None = None,
    behind: Callable[[Finding], None] | None = None,
) -> None:
    """Every message with its findings where they are; its emotion, intensity and strategy at the right.

    Parameters
    ----------
    beside
        Shows more at the right of a message.
    behind
        Shows more behind a finding.
    """
    found = [finding for finding in findings if not finding.dismissed_reason]
    for finding in found:
        if finding.turn_number is None:
            _finding(finding, behind)
    for turn in turns:
        message, notes = st.columns([520, 270], gap="medium")
        with (
            message,
            st.chat_message(
                "user" if turn.role == "user" else "assistant", avatar=_AVATARS.get(turn.role, ":material/forum:")
            ),
        ):
            _message(turn, [finding for finding in found if finding.turn_number == turn.turn_number], behind)
        with notes:
            _notes(turn)
            if beside is not None:
                beside(turn)


def _message(turn: Turn, findings: Sequence[Finding], behind: Callable[[Finding], None] | None) -> None:
    """The text, parted after the line in which something was found."""
    shown = 0
    for finding in sorted(findings, key=lambda finding: finding.span[1] if finding.span else len(turn.content)):
        end = finding.span[1] if finding.span else len(turn.content)
        line_end = turn.content.find("\n", max(0, end - 1))
        end = len(turn.content) if line_end < 0 else line_end
        if turn.content[shown:end].strip():
            st.text(turn.content[shown:end].strip("\n"))
            shown = end
        _finding(finding, behind)
    if turn.content[shown:].strip() or not turn.content:
        st.text(turn.content[shown:].strip("\n"))


def _finding(finding: Finding, behind: Callable[[Finding], None] | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        finding_badge(finding.code, finding.severity)
        st.text(finding.explanation, width="stretch")
        if behind is not None:
            behind(finding)


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
