"""Imports in the background, as the import screen follows them: how far, what went wrong, and what arrived."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from convstore.core import ConvStore
from convstore.model import Job, JobStatus
from convstore.queries.imports import ImportRun
from convstore.retention import RETRY_DAYS
from convstore.rights import may
from convstore.ui.acting import done
from convstore.ui.navigation import link
from convstore.ui.words import counted, moment, number, plain, sentence

__all__ = ["arrived", "follow", "under_way"]

_FOLLOWED = "followed-imports"
_CLOSED = "closed-imports"
_OPEN: tuple[JobStatus, ...] = ("queued", "running")
_SHOWN: tuple[JobStatus, ...] = (*_OPEN, "failed", "cancelled")
_MOST = 5
_LOOKS = {
    "queued": (":gray[:material/schedule:]", "wait"),
    "running": (":blue[:material/upload_file:]", "on their way"),
    "succeeded": (":green[:material/check_circle:]", "imported"),
    "failed": (":red[:material/error:]", "stopped"),
    "cancelled": (":gray[:material/cancel:]", "cancelled"),
}


def follow(job_id: UUID) -> None:
    """Show this import until somebody closes it, also when it is done."""
    st.session_state.setdefault(_FOLLOWED, []).append(job_id)


def under_way(store: ConvStore) -> None:
    """Imports that wait, run or stopped, and those of this session; looks again by itself while one is open."""
    is_open = bool(store.jobs(task="ingest", statuses=_OPEN, limit=1))
    st.fragment(_cards, run_every=2 if is_open else None)(store, is_open=is_open)


def arrived(run: ImportRun, *, key: str) -> None:
    """A link to what an import brought."""
    if run.totals.get("stored", 0) + run.totals.get("replaced", 0) and run.finished_at is not None:
        since, until = run.started_at.isoformat(), run.finished_at.isoformat()
        only_new = not run.totals.get("replaced")
        params = {"since": [since], "until": [until]} if only_new else {"sort": ["Recently changed"]}
        link("browse", "See what arrived", params, key=key)


def _cards(store: ConvStore, *, is_open: bool) -> None:
    jobs = _jobs(store)
    if is_open and not any(job.status in _OPEN for job in jobs):
        # The rest of the screen has news too.
        st.rerun()
    if not jobs:
        return
    if any(job.status == "queued" for job in jobs):
        _warn_without_worker(store)
    progress = store.import_progress([job.id for job in jobs])
    for job in jobs:
        with st.container(border=True, gap="xsmall"):
            _card(store, job, progress[job.id])


def _jobs(store: ConvStore) -> list[Job]:
    closed = st.session_state.get(_CLOSED, ())
    found = {job.id: job for job in store.jobs(task="ingest", statuses=_SHOWN, limit=_MOST) if not job.uploads_gone}
    for job_id in st.session_state.get(_FOLLOWED, ()):
        found.setdefault(job_id, store.job(job_id))
    shown = (job for job in found.values() if job.status in _OPEN or job.id not in closed)
    return sorted(shown, key=lambda job: job.created_at, reverse=True)


def _warn_without_worker(store: ConvStore) -> None:
    for line in store.health():
        if line.name == "workers" and line.status == "fail":
            st.warning(
                "**No worker is running, so imports wait.** Their files are kept. They start as soon as an operator "
                "runs `convstore worker`.",
                icon=":material/hourglass_empty:",
            )


def _card(store: ConvStore, job: Job, files: dict[str, int]) -> None:
    icon, word = _LOOKS[job.status]
    count = sum(files.values())
    settled = files.get("completed", 0) + (files.get("failed", 0) if job.status in _OPEN else 0)
    if job.status == "running" and job.cancel_requested:
        word = "stopping"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        who = f"{plain(job.asked_by or 'somebody')}, {moment(job.finished_at or job.started_at or job.created_at)}"
        st.markdown(f"{icon} **{counted(count, 'file')} {word}** :gray[:small[{who}]]", width="content")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            _actions(store, job)
    if job.status == "running":
        share = job.done / job.total if job.total else 0.0
        step = f" · {plain(job.step)}" if job.step else ""
        st.progress(min(1.0, share), text=f"{number(job.done)} of {counted(job.total or count, 'file')}{step}")
    elif job.status == "succeeded":
        _result(store, job)
    elif job.status in ("failed", "cancelled"):
        stay = f"{number(settled)} of {counted(count, 'file')} are imported and stay."
        st.caption(f"{stay} The others are kept for {RETRY_DAYS} days.")
    if job.error and job.status in ("failed", "queued"):
        hint = plain(sentence(str(job.error.get("hint") or "")))
        st.caption(f":red[{plain(sentence(str(job.error['message'])))}] {hint}")


def _result(store: ConvStore, job: Job) -> None:
    totals = (job.result or {}).get("totals", {})
    words = [f"{counted(totals.get('stored', 0), 'conversation')} stored"]
    others = {"replaced": "replaced", "unchanged": "there already", "conflict": "in conflict"}
    words += [f"{number(totals[name])} {word}" for name, word in others.items() if totals.get(name)]
    if totals.get("rejected"):
        words.append(f"{counted(totals['rejected'], 'file')} could not be read")
    st.caption(" · ".join(words))
    for run in store.imports(limit=20):
        if run.id == job.id:
            arrived(run, key=f"arrived-{job.id}")


def _actions(store: ConvStore, job: Job) -> None:
    role = store.actor.role
    mine = job.created_by == store.actor.user_id and may(role, "import")
    if mine or may(role, "assign"):
        if job.status in _OPEN and not job.cancel_requested:
            if st.button("Cancel", key=f"cancel-{job.id}", icon=":material/stop_circle:") and done(
                lambda: store.cancel_job(job.id)
            ):
                st.rerun()
        elif job.status in ("failed", "cancelled"):
            word = "Go on" if job.status == "cancelled" else "Retry"
            if st.button(word, key=f"retry-{job.id}", icon=":material/refresh:") and done(
                lambda: store.retry_job(job.id)
            ):
                st.rerun()
    if job.status not in _OPEN and st.button("Close", key=f"close-{job.id}", type="tertiary", icon=":material/close:"):
        st.session_state.setdefault(_CLOSED, set()).add(job.id)
        st.rerun()
