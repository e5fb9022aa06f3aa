"""What went out: the list, one release in full, fetched again, verified, compared; and what is being made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.model import DIMENSIONS, Job, JobStatus
from convstore.queries.releases import Release, ReleaseHead
from convstore.release.comparing import ReleaseDiff
from convstore.rights import may
from convstore.ui import empty
from convstore.ui.acting import done
from convstore.ui.navigation import link
from convstore.ui.release_facts import composition, lint, stayed_behind, stored_files
from convstore.ui.release_form import format_title
from convstore.ui.words import bytes_of, counted, local_zone, number, plain, prettified

__all__ = ["being_made", "history"]

_LISTED = 100
_OPEN: tuple[JobStatus, ...] = ("queued", "running")
_LEAST_SHIFT = 0.005
#: Options that are told where they are not these.
_USUAL = {"rows": "conversation", "system": "file", "keep_trailing_user": False, "alpaca_history": True}
_REASONS: Mapping[str, str] = {
    "ERR_LINT": "a trainer would have refused part of it",
    "ERR_REFUSED": "it was cancelled",
    "JobStopped": "it was cancelled",
    "interrupted": "it was cut off",
    "WorkStopped": "it was cancelled",
}


def being_made(store: ConvStore) -> None:
    """Exports in the hands of a worker, with their progress; looks again by itself while there is one."""
    if store.jobs(task="export", statuses=_OPEN, limit=1):
        st.fragment(_jobs, run_every=2)(store)


def _jobs(store: ConvStore) -> None:
    jobs = store.jobs(task="export", statuses=_OPEN)
    if not jobs:
        st.rerun()
    for job in jobs:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            share = min(1.0, job.done / job.total) if job.total else 0.0
            st.progress(share, text=_how_far(job))
            if st.button("Cancel", key=f"cancel-{job.id}", disabled=job.cancel_requested) and done(
                lambda job_id=job.id: store.cancel_job(job_id)  # type: ignore[misc]
            ):
                st.rerun()


def _how_far(job: Job) -> str:
    name = job.step or ("starts" if job.status == "running" else "waits for a worker")
    what = "Being cancelled" if job.cancel_requested else plain(name).capitalize()
    return f"{what}: {number(job.done)} of {number(job.total)}" if job.total else what


def history(store: ConvStore) -> None:
    """The list, and below it the release that was chosen."""
    heads = store.list_releases(limit=_LISTED)
    if not heads:
        empty.nothing_released()
        return
    zone = local_zone()
    event: Any = st.dataframe(
        pd.DataFrame(
            {
                "Release": [_name(head) for head in heads],
                "Format": [format_title(head.format) for head in heads],
                "Conversations": [head.conversation_count for head in heads],
                "Status": [head.status for head in heads],
                "By": [head.created_by_name for head in heads],
                "When": [pd.Timestamp(head.created_at.astimezone(zone)) for head in heads],
            }
        ),
        hide_index=True,
        row_height=31,
        height="content" if len(heads) <= 8 else 290,
        on_select="rerun",
        selection_mode="single-row",
        key="releases",
        alt="Releases, newest first",
        column_config={
            "Conversations": st.column_config.NumberColumn(format="localized"),
            "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
        },
    )
    if len(heads) == _LISTED:
        st.caption(f"The newest {number(_LISTED)}; `convstore release list` names more.")
    rows = event.selection.rows
    chosen = heads[rows[0]] if rows and rows[0] < len(heads) else heads[0]
    _release(store, chosen, [head for head in heads if head.status == "sealed" and head.id != chosen.id])


def _release(store: ConvStore, head: ReleaseHead, others: list[ReleaseHead]) -> None:
    release = store.get_release(str(head.id))
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(_name(head))}** :gray[{format_title(head.format)} · {head.status}]")
        if head.status != "sealed":
            st.caption(_why_not(release))
            return
        facts = [counted(head.conversation_count, "conversation"), f"{number(release.summary['turns'])} messages"]
        facts.append(f"about {number(release.summary['estimated_tokens'])} tokens")
        facts += [f"{split} {number(count)}" for split, count in release.summary["splits"].items()]
        st.caption(" · ".join(facts))
        composition(release.summary["composition"])
        asked = {**release.filter, **{name: value for name, value in release.rules.items() if name != "lint"}}
        shaped = {name: release.options[name] for name, usual in _USUAL.items() if release.options[name] != usual}
        st.caption(
            f"From {_listed(asked) or 'all'}{' · ' + _listed(shaped) if shaped else ''}"
            f" · seed {release.seed} · {plain(release.exporter_version)} · `{release.id}`"
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _fetch(store, head)
            is_asked = st.button("Verify", key=f"verify-{head.id}", icon=":material/verified:")
            if may(store.actor.role, "release") and st.button(
                "Put into the file store", key=f"store-{head.id}", icon=":material/cloud_upload:"
            ):
                _store(store, head)
            link("browse", "Its conversations", {"release": [str(head.id)]}, key=f"open-{head.id}")
        if is_asked:
            _verify(store, head)
        stored_files(st.session_state.get(f"stored-{head.id}", ()))
        with st.container(gap=None):
            for file in release.files:
                name = plain(file["path"].rsplit("/", 1)[-1])
                size = counted(file["rows"], "row") if file["rows"] else bytes_of(file["bytes"])
                st.caption(f"`{file['sha256'][:16]}` {name} · {size}")
        stayed_behind([(item["conversation_id"], item["rule"]) for item in release.left_out])
        with st.expander("What a trainer says of it"):
            lint(release.summary["lint"], conversations=head.conversation_count)
    if others:
        _compare(store, head, others)


def _fetch(store: ConvStore, head: ReleaseHead) -> None:
    if store.settings.auth == "local":
        # Straight from the server, in pieces: a large one never stands in this process's memory.
        st.link_button("Download again", f"/api/releases/{head.id}/zip?workspace={store.actor.workspace_slug}",
                       icon=":material/download:")  # fmt: skip
        return
    st.download_button(
        "Download again",
        data=lambda: b"".join(store.download_release(str(head.id))),
        file_name=f"release-{head.id}.zip",
        mime="application/zip",
        key=f"again-{head.id}",
        icon=":material/download:",
        on_click="ignore",
    )


def _store(store: ConvStore, head: ReleaseHead) -> None:
    with st.spinner("Storing its files"):
        done(lambda: st.session_state.update({f"stored-{head.id}": store.store_release(str(head.id))}))


def _verify(store: ConvStore, head: ReleaseHead) -> None:
    with st.spinner("Reading every conversation that it names"):
        found = store.verify_release(str(head.id))
    if not found.items:
        st.markdown(f":green[:material/check_circle:] {counted(found.items_checked, 'conversation')} as they went out.")
    else:
        st.warning(f"{number(len(found.items))} of {number(found.items_checked)} cannot be read any more.")
        for gone in found.items[:20]:
            st.caption(f"{plain(gone.conversation_id)}: {plain(gone.reason)}")


def _compare(store: ConvStore, head: ReleaseHead, others: list[ReleaseHead]) -> None:
    other = st.selectbox(
        "Compare with another", others, index=None, format_func=_name, key=f"compare-{head.id}",
        placeholder="Choose a release",
    )  # fmt: skip
    if other is None:
        return
    diff = store.diff_releases(str(other.id), str(head.id))
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="medium"):
            for change, count in diff.counts.items():
                st.metric(change.capitalize(), number(count), width="content")
        st.dataframe(
            _shifts(diff),
            hide_index=True,
            row_height=31,
            placeholder="–",
            alt="What shifted",
            column_config={name: st.column_config.TextColumn(name, alignment="right") for name in ("Before", "After")},
        )
        if diff.changes:
            with st.expander(f"{counted(len(diff.changes), 'conversation')} that differ"):
                st.dataframe(
                    pd.DataFrame([{"Conversation": one.conversation_id, "Change": one.change} for one in diff.changes]),
                    hide_index=True,
                    row_height=31,
                    height="content" if len(diff.changes) <= 10 else 350,
                    alt="Conversations that differ",
                )


def _shifts(diff: ReleaseDiff) -> pd.DataFrame:
    names = {column: prettified(name) for name, column in DIMENSIONS.items()}
    rows = [("Mean", names.get(name, prettified(name)), shift, 2) for name, shift in diff.scores.items()]
    rows += [("Mean", prettified(name), shift, 1) for name, shift in diff.lengths.items()]
    rows += [
        (part.capitalize(), prettified(value) if value else "none", shift, 0)
        for part, shifts in diff.coverage.items()
        for value, shift in shifts.items()
    ]
    shown = [row for row in rows if abs((row[2].after or 0) - (row[2].before or 0)) >= _LEAST_SHIFT]
    return pd.DataFrame(
        {
            "What": [what for what, *_ in shown],
            "Of": [value for _, value, *_ in shown],
            "Before": [_counted(shift.before, digits) for *_, shift, digits in shown],
            "After": [_counted(shift.after, digits) for *_, shift, digits in shown],
        }
    )


def _counted(value: float | None, digits: int) -> str | None:
    """3.58, 1,823.7 or 100; None where there is nothing to count."""
    return None if value is None else f"{value:,.{digits}f}"


def _name(head: ReleaseHead) -> str:
    return head.name or f"no name · {str(head.id)[:8]}"


def _why_not(release: Release) -> str:
    if release.status == "building":
        return "It is being built."
    return f"It never went out: {_REASONS.get(release.summary['failed'], plain(release.summary['failed']))}."


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{prettified(name)} {plain(_value(value))}" for name, value in values.items())


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
