"""The form of the releases screen: format and options, rules, splits; what it says is a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import streamlit as st

from convstore.checks import CHECKS
from convstore.errors import UsageError
from convstore.model import Filter
from convstore.release.formats import FORMATS, TRAINER_FORMATS
from convstore.release.judging import LintMode, default_lint
from convstore.release.rows import ReleaseOptions, RowShape, SystemSource
from convstore.release.selection import Cell, SliceRules, SplitPlan
from convstore.release.specification import ReleaseRequest
from convstore.release.splits import parse_held_out, parse_splits
from convstore.ui.words import accented, plain, prettified, sentence

__all__ = ["format_title", "request_form"]

#: What each format is for, in the words of those who read it.
_FORMAT_WORDS: Mapping[str, tuple[str, str]] = {
    "messages": ("Messages", "JSON lines of role and content, as most trainers read them."),
    "prompt-completion": ("Prompt and completion", "JSON lines with everything before the last reply, and the reply."),
    "sharegpt": ("ShareGPT", "JSON lines of from and value, with a data set description beside it."),
    "alpaca": ("Alpaca", "JSON lines of instruction, output and history."),
    "axolotl": ("Axolotl", "JSON lines of messages, with a configuration beside it."),
    "anthropic": ("Anthropic", "JSON lines with the system prompt apart."),
    "brightrun-v4": ("BrightRun 4", "One JSON document with everything, which convstore reads again."),
    "brightrun-v5": ("BrightRun 5", "JSON lines with one pair of turns each and everything known of it."),
    "csv": ("CSV", "One row a turn, for spreadsheets."),
    "markdown": ("Markdown", "For people to read."),
    "parquet": ("Parquet", "One row a conversation, with scores and metadata."),
    "hf": ("Hugging Face folder", "Parquet files and a data set card, as one archive."),
}
_ROWS: Mapping[RowShape, str] = {
    "conversation": "Conversation",
    "turn": "Reply",
    "last": "Last reply only",
}
_SYSTEMS: Mapping[SystemSource, str] = {"file": "The file's", "own": "My own", "none": "None"}
_LINTS: Mapping[LintMode, str] = {"drop": "Leave out", "fail": "Stop", "keep": "Keep"}
_LEAST = 1.0


def format_title(name: str) -> str:
    """What people call a format."""
    return _FORMAT_WORDS.get(name, (name, ""))[0]


def request_form(wanted: Filter) -> ReleaseRequest | None:
    """The request as the form stands; None, with the reason on the screen, while it makes no sense."""
    with st.container(border=True, gap="small"):
        chosen = st.selectbox("Format", FORMATS, format_func=format_title, key="format", bind="query-params")
        st.caption(_FORMAT_WORDS.get(chosen, (chosen, ""))[1])
        try:
            options, lint = _options(chosen)
            with st.expander("Rules", icon=":material/rule:"):
                rules = _rules()
            with st.expander("Splits", icon=":material/call_split:"):
                plan = _plan()
            seed = st.number_input(
                "Seed", 0, 2**31 - 1, key="seed", help="Fixes whatever is left to chance: the same seed, the same rows."
            )
        except UsageError as error:
            st.warning(f"**{plain(sentence(error.message))}** {plain(sentence(error.hint))}", icon=":material/edit:")
            return None
        name = st.text_input("Name", key="release-name", placeholder="Optional, unique in the workspace", max_chars=200)
    return ReleaseRequest(
        format=chosen,
        filter=wanted,
        rules=rules,
        plan=plan,
        options=options,
        name=name.strip() or None,
        seed=seed,
        lint=lint,
    )


def _options(chosen: str) -> tuple[ReleaseOptions, LintMode]:
    is_trainer = chosen in TRAINER_FORMATS
    lint: LintMode = default_lint(chosen)
    rows: RowShape = "conversation"
    keep = False
    if is_trainer:
        keep = st.toggle("Keep a last message that nobody answered", key="keep-trailing-user")
        rows = st.segmented_control(
            "A row for each",
            list(_ROWS),
            format_func=lambda shape: accented(_ROWS[shape]),
            default="conversation",
            required=True,
            key="rows",
        )
        lint = st.segmented_control(
            "What a trainer would refuse",
            list(_LINTS),
            format_func=lambda lint: accented(_LINTS[lint]),
            default="drop",
            required=True,
            key="lint",
        )
    system = st.segmented_control(
        "System prompt",
        get_args(SystemSource),
        format_func=lambda source: accented(_SYSTEMS[source]),
        default="file",
        required=True,
        key="system",
    )
    text = None
    if system == "own":
        text = st.text_area("Text of the system prompt", key="system-text", height=90).strip() or None
    history = True
    if chosen == "alpaca":
        history = st.toggle("Earlier exchanges as history", value=True, key="alpaca-history")
        if not history:
            st.caption(":orange[A trainer then sees the last exchange alone.]")
    return (
        ReleaseOptions(system=system, system_text=text, rows=rows, keep_trailing_user=keep, alpaca_history=history),
        lint,
    )


def _rules() -> SliceRules:
    least = st.slider(
        "Least score", _LEAST, 5.0, _LEAST, 0.1, key="least-score", help="Unscored ones then stay behind."
    )
    is_human = st.toggle("Human scores only", key="human-score", disabled=least == _LEAST)
    without = st.multiselect(
        "Without the finding", sorted(CHECKS), format_func=prettified, key="without-finding", placeholder="None"
    )
    best = st.toggle("The best of each group of duplicates", key="best-of-duplicates")
    most = st.number_input(
        "At most so many of each persona, arc and topic", 1, value=None, key="most-per-cell", placeholder="no limit"
    )
    sample = st.number_input("A sample of", 1, value=None, key="sample", placeholder="everything")
    stratified = st.toggle("Every persona, arc and topic in proportion", key="stratified", disabled=sample is None)
    return SliceRules(
        min_score=None if least == _LEAST else least,  # type: ignore[arg-type]
        score="human" if is_human and least != _LEAST else "effective",
        without_findings=tuple(without),
        best_of_duplicates=best,
        most_per_cell=most,
        sample=sample,
        stratified=stratified and sample is not None,
    )


def _plan() -> SplitPlan:
    text = st.text_input(
        "Names and shares", key="splits", placeholder="train=0.9, validation=0.1", help="Shares add up to 1."
    )
    by: list[Cell] = st.pills(
        "In proportion of",
        list(get_args(Cell)),
        format_func=lambda cell: accented(prettified(cell)),
        selection_mode="multi",
        key="stratify-by",
    )
    held = st.text_area(
        "Held out", key="held-out", height=70, placeholder="conversation-17=validation", help="One a line."
    )
    st.caption("Duplicates stay together. Text that stands in two splits is reported.")
    lines = [line.strip() for line in held.splitlines() if line.strip()]
    return SplitPlan(
        shares=parse_splits(text) if text.strip() else {},
        stratify_by=tuple(by) if text.strip() else (),
        held_out=parse_held_out(lines),
    )
