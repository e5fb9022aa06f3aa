"""Duplicates: conversations that are copies of each other, compared side by side; the best of a group is kept."""

from __future__ import annotations

import streamlit as st

from convstore.duplicates import DuplicateGroup
from convstore.ui import decisions
from convstore.ui.comparing import side_by_side
from convstore.ui.frame import heading
from convstore.ui.navigation import link
from convstore.ui.session import current_store
from convstore.ui.status import badge
from convstore.ui.words import counted, moment, number, plain

_PAGE = 8

store = current_store()
statistics = store.statistics
decisions.say_what_happened()
head = heading("Duplicates")
with head.controls:
    if store.actor.role in ("lead", "admin") and st.button(
        "Look for copies", key="compare", type="tertiary", icon=":material/content_copy:"
    ):
        with st.spinner("Comparing conversations …"):
            compared = store.update_duplicates()
        st.session_state["news"] = f"{counted(compared, 'conversation')} compared with the rest."
        st.rerun()
total, conversations = statistics.duplicate_counts()
pages = max(1, -(-total // _PAGE))
page = min(int(st.session_state.get("duplicates-page", 0)), pages - 1)
groups = statistics.duplicate_groups(limit=_PAGE, offset=page * _PAGE)
with head.controls:
    st.caption(f"As of {moment(statistics.as_of)}", width="content")
    st.button("Refresh", key="refresh", type="tertiary", icon=":material/refresh:", on_click=store.refresh)
if groups:
    head.line.caption(
        f"{counted(total, 'group')} of {counted(conversations, 'conversation')}. Copies share four fifths of their"
        " words in the same order, or more; the one to keep stands first."
    )


def keep(kept: list[DuplicateGroup]) -> None:
    """Reject the others of these groups, and say what became of them."""
    result = store.keep_best([group.group_id for group in kept])
    done = sum(item.outcome == "done" for item in result.items)
    left = [item for item in result.items if item.outcome != "done"]
    words = f"{number(done)} rejected as duplicates."
    if left:
        words += f" {number(len(left))} left alone: {plain(left[0].reason or 'nothing to change')}."
    decisions.remember(words, result.batch_id if done else None)


def turn_page(by: int) -> None:
    """Go on or back."""
    st.session_state["duplicates-page"] = page + by


def show(group: DuplicateGroup) -> None:
    """One group: its members, and a comparison with the one to keep."""
    best, *others = group.members
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            kind = "the very same turns" if group.is_exact else "nearly the same"
            st.markdown(f"**{counted(len(group.members), 'copy', 'copies')}** :gray[{kind}]", width="content")
            st.button(
                f"Keep the best, reject {number(len(others))}",
                key=f"keep-{group.group_id}",
                icon=":material/done_all:",
                disabled=store.actor.role == "viewer",
                on_click=keep,
                args=([group],),
            )
        for member in group.members:
            name, about, way = st.columns([6, 6, 1.6], vertical_alignment="center", gap="small")
            with name.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                if member is best:
                    st.badge("Keep", icon=":material/star:", color="blue")
                badge(member.status)
                st.text(member.conversation_name)
            with about:
                quality = f"quality {member.effective_quality / 10:.1f}" if member.effective_quality else "not scored"
                facts = [quality, counted(member.findings, "finding"), counted(member.turn_count, "turn")]
                facts += [f"{100 * member.similarity:.0f} % alike", moment(member.created_at)]
                st.caption(" · ".join(facts))
            with way:
                link("conversation", "Open", {"id": [member.conversation_id]}, key=f"open-{member.id}")
        key = f"compare-{group.group_id}"
        with st.expander("Compare", icon=":material/compare:", key=key, on_change="rerun") as box:
            if box.open:
                other = st.selectbox(
                    "With", others, format_func=lambda one: one.conversation_name, key=f"with-{group.group_id}",
                    label_visibility="collapsed",
                )  # fmt: skip
                pair = [store.get(str(one.id)).turns for one in (best, other)]
                side_by_side(pair[0], pair[1], names=(best.conversation_name, other.conversation_name))


if not groups:
    _, middle, _ = st.columns([1, 2, 1])
    with middle.container(border=True, horizontal_alignment="center", gap="small"):
        st.markdown(":material/content_copy: **No copies to decide about**", width="content")
        st.caption("Conversations are compared when somebody looks for copies, or by a worker.", width="content")
    decisions.undo_button(store)
    st.stop()
for found in groups:
    show(found)
with (
    st.bottom,
    st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"),
):
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.button(
            f"Keep the best of these {counted(len(groups), 'group')}",
            type="primary",
            icon=":material/done_all:",
            disabled=store.actor.role == "viewer",
            on_click=keep,
            args=(list(groups),),
        )
        decisions.undo_button(store)
    with st.container(horizontal=True, vertical_alignment="center", gap=None, width="content"):
        first = page * _PAGE + 1
        st.caption(f"{number(first)} to {number(first + len(groups) - 1)} of {number(total)}", width="content")
        st.button(":material/chevron_left:", key="previous", help="Previous page", type="tertiary", disabled=page == 0,
                  on_click=turn_page, args=(-1,))  # fmt: skip
        st.button(":material/chevron_right:", key="next", help="Next page", type="tertiary",
                  disabled=page + 1 >= pages, on_click=turn_page, args=(1,))  # fmt: skip
