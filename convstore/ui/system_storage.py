"""The Storage part of the System screen: what takes space, what is kept how long, whether files and rows agree."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.retention import RETAINED
from convstore.rights import may
from convstore.ui.acting import done
from convstore.ui.status import STATUSES
from convstore.ui.words import bytes_of, counted, moment, number, prettified

__all__ = ["storage_section"]

_MEGABYTE = 1_000_000
#: What takes space: a status, or something that has none.
_KINDS: Mapping[str, str] = {
    **{status: look.word for status, look in STATUSES.items()},
    "archive": "In the archive",
    "quarantine": "Could not be read",
    "uploads": "Wait to be imported",
}
#: Kept for ever, as the field of a number of days says it.
_FOR_EVER = 0


def _word(kind: str) -> str:
    return _KINDS.get(kind, prettified(kind))


def storage_section(store: ConvStore) -> None:
    """Show use, policies and checks; who may not change something sees what is so."""
    _use(store)
    _retention(store)
    _agreement(store)


def _use(store: ConvStore) -> None:
    use = store.storage_use()
    st.subheader("Space", anchor=False)
    if use.quota_bytes:
        text = f"{bytes_of(use.used_bytes)} of {bytes_of(use.quota_bytes)}"
        st.progress(min(1.0, use.used_bytes / use.quota_bytes), text=text)
        if use.level != "ok":
            words = "The workspace is full: new files are refused." if use.level == "full" else "Space runs out."
            st.warning(f"**{words}** Delete or archive what nobody needs, or raise the limit.")
    else:
        st.caption(f"{bytes_of(use.used_bytes)} used, no limit")
    if use.bytes_by_kind:
        ordered = sorted(use.bytes_by_kind, key=lambda kind: -use.bytes_by_kind[kind])
        st.dataframe(
            pd.DataFrame(
                {
                    "What": [_word(kind) for kind in ordered],
                    "Items": [use.items_by_kind[kind] for kind in ordered],
                    "Size": [bytes_of(use.bytes_by_kind[kind]) for kind in ordered],
                }
            ),
            hide_index=True,
            row_height=31,
            height="content",
            width=520,
            alt="Space by what takes it",
            column_config={
                "What": st.column_config.TextColumn("What", width=240),
                "Items": st.column_config.NumberColumn("Items", format="localized"),
                "Size": st.column_config.TextColumn("Size", alignment="right"),
            },
        )
    history = store.storage_history()
    if len({day for day, _, _ in history}) > 1:
        table = pd.DataFrame(history, columns=["Day", "What", "Bytes"]).pivot(
            index="Day", columns="What", values="Bytes"
        )
        st.area_chart(table.fillna(0).rename(columns=_word) / _MEGABYTE, y_label="MB", height=180)
    if may(store.actor.role, "settle"):
        with st.popover("Set the limit"), st.form("quota", border=False):
            given = st.number_input(
                "Megabytes, 0 for no limit", min_value=0, value=(use.quota_bytes or 0) // _MEGABYTE, step=100
            )
            if st.form_submit_button("Set", type="primary") and done(
                lambda: store.set_quota(int(given) * _MEGABYTE or None)
            ):
                st.rerun()


def _save_retention(store: ConvStore, days_by_subject: dict[str, int]) -> None:
    for subject, days in days_by_subject.items():
        store.set_retention(subject, days or None)


def _retention(store: ConvStore) -> None:
    st.subheader("Retention", anchor=False)
    st.caption(
        "Days from the last change on; 0 keeps for ever. What has expired goes to the trash, and from there for good; "
        "approved conversations go to the archive, released ones stay."
    )
    policies = store.retention_policies()
    settles = may(store.actor.role, "settle")
    with st.form("retention", border=True):
        # In one row where there is room, in more where there is not.
        with st.container(horizontal=True, gap="small"):
            given = {
                subject: st.number_input(
                    f"{_word(subject)}, days",
                    min_value=_FOR_EVER,
                    max_value=36_500,
                    value=policies.get(subject, _FOR_EVER),
                    disabled=not settles,
                    width=160,
                )
                for subject in RETAINED
            }
        saved = st.form_submit_button("Save", disabled=not settles)
    if saved:
        changed = {subject: int(days) for subject, days in given.items() if days != policies.get(subject, _FOR_EVER)}
        if done(lambda: _save_retention(store, changed)):
            st.rerun()
    if not may(store.actor.role, "purge"):
        return
    with st.container(horizontal=True, gap="small"):
        is_asked = st.button("Show what would go", key="retention-plan")
        _start(store, "Apply it now", "retention", None)
        _start(store, "Archive what is older than a year", "archive", None)
    if is_asked:
        _plan(store)


def _plan(store: ConvStore) -> None:
    """What retention would do now, and change nothing."""
    report = store.apply_retention(dry_run=True)
    counts = {name: len(getattr(report, name)) for name in ("trashed", "archived", "deleted", "protected")}
    words = [f"{number(count)} {name}" for name, count in counts.items() if count]
    if report.uploads:
        words.append(f"uploads of {counted(len(report.uploads), 'import')} that nobody tried again")
    st.caption(" · ".join(words) or "Nothing has expired.")
    going = [*report.trashed, *report.archived, *report.deleted]
    if going:
        st.dataframe(pd.DataFrame(going), hide_index=True, row_height=31, alt="What would go")


def _agreement(store: ConvStore) -> None:
    st.subheader("Files and rows", anchor=False)
    for job in store.jobs(task="reconcile", statuses=("succeeded",), limit=1):
        found = {name: len((job.result or {}).get(name, ())) for name in ("missing", "damaged", "drifted", "orphans")}
        wrong = {name: count for name, count in found.items() if count}
        words = " · ".join(f"{number(count)} {name}" for name, count in wrong.items()) or "everything agreed"
        repaired = (job.result or {}).get("repaired", 0)
        done_about = f", {counted(repaired, 'repair')}" if repaired else ""
        st.caption(f"Last looked at {moment(job.finished_at or job.created_at)}: {words}{done_about}")
    with st.container(horizontal=True, gap="small"):
        if may(store.actor.role, "archive"):
            _start(store, "Compare", "reconcile", None)
            _start(store, "Verify every hash", "verify", None)
        else:
            st.caption("A lead can compare files and rows.")
        if may(store.actor.role, "settle"):
            _start(store, "Compare and repair", "reconcile", {"repair": True})


def _start(store: ConvStore, label: str, task: str, arguments: dict[str, bool] | None) -> None:
    # As a callback: the list of jobs, which is drawn before this button, has it at once.
    st.button(label, key=f"start-{label}", on_click=_defer, args=(store, task, arguments))


def _defer(store: ConvStore, task: str, arguments: dict[str, bool] | None) -> None:
    if done(lambda: store.defer(task, arguments)):
        st.toast(f"{prettified(task)} runs in the background; the Jobs tab shows how far it is.")
