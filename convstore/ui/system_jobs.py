"""The Jobs part of the System screen: what runs in the background, how far it is, and why something failed."""

from __future__ import annotations

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Job, JobStatus
from convstore.rights import may
from convstore.ui.acting import done
from convstore.ui.words import moment, number, plain, prettified

__all__ = ["jobs_section"]

_SHOWN = 30
_LOOK: dict[str, tuple[str, str]] = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_circle:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/cancel:"),
}
_OPEN: tuple[JobStatus, ...] = ("queued", "running")


def jobs_section(store: ConvStore) -> None:
    """Show the newest jobs; while one is open, the list looks again by itself."""
    is_open = any(job.status in _OPEN for job in store.jobs(statuses=_OPEN, limit=1))
    st.fragment(_list, run_every=2 if is_open else None)(store)


def _list(store: ConvStore) -> None:
    jobs = store.jobs(limit=_SHOWN)
    if not jobs:
        st.caption("Nothing has run in the background yet. Large imports, reconciliation and retention will.")
    for job in jobs:
        with st.container(border=True, gap="xsmall"):
            _job(store, job)


def _job(store: ConvStore, job: Job) -> None:
    color, icon = _LOOK[job.status]
    words, actions = st.columns([5, 1], vertical_alignment="center")
    stopping = ", asked to stop" if job.cancel_requested and job.status == "running" else ""
    again = f" · attempt {job.attempt}" if job.attempt > 1 else ""
    when = moment(job.finished_at or job.started_at or job.created_at)
    words.markdown(
        f":{color}[{icon}] **{prettified(job.task)}** {job.status}{stopping}  \n"
        f":small[:gray[asked for by {plain(job.asked_by or 'somebody')} · {when}{again}]]"
    )
    if job.status == "running" and job.total:
        left = f"{number(job.done)} of {number(job.total)}"
        st.progress(min(1.0, job.done / job.total), text=f"{left}{' · ' + plain(job.step) if job.step else ''}")
    if job.error and job.status in ("failed", "queued"):
        hint = f" {plain(str(job.error['hint']))}" if job.error.get("hint") else ""
        st.caption(f"{plain(str(job.error['message']))}{hint}")
    elif job.result:
        found = _summary(job)
        if found:
            st.caption(found)
    mine = job.created_by == store.actor.user_id and may(store.actor.role, "review")
    if not (mine or may(store.actor.role, "assign")):
        return
    if job.status in _OPEN and not job.cancel_requested:
        if actions.button("Cancel", key=f"cancel-{job.id}") and done(lambda: store.cancel_job(job.id)):
            st.rerun()
    elif (
        job.status in ("failed", "cancelled")
        and not job.uploads_gone
        and actions.button("Retry", key=f"retry-{job.id}")
        and done(lambda: store.retry_job(job.id))
    ):
        st.rerun()


def _summary(job: Job) -> str:
    """The counts of a result: 3 stored · 1 rejected."""
    counts = (job.result or {}).get("totals") or {
        name: len(value) if isinstance(value, list) else value
        for name, value in (job.result or {}).items()
        if isinstance(value, list) or type(value) is int
    }
    return " · ".join(f"{number(value)} {plain(name.replace('_', ' '))}" for name, value in counts.items() if value)
