"""The blocks of the import screen: the form, the progress, what became of every file, what came in before.

A few small files are imported while one waits. More go into the background, where `importing_later` follows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.ingest import IngestReport, OnConflict
from convstore.queries.imports import ImportRun
from convstore.ui import importing_later
from convstore.ui.navigation import link
from convstore.ui.outcomes import OUTCOMES, conversations_frame, files_frame, outcome_column, problem_config
from convstore.ui.words import accented, bytes_of, counted, local_zone, number

__all__ = ["Request", "form", "last_report", "quarantine", "recent", "run"]

_POLICIES: Mapping[OnConflict, str] = {
    "fail": "Report it",
    "skip": "Keep the stored one",
    "replace": "Take the new one",
}


_TOTALS = {
    "Files": "files",
    "Stored": "stored",
    "Unchanged": "unchanged",
    "Replaced": "replaced",
    "In conflict": "conflict",
    "Not readable": "rejected",
}
_STATES = {
    "queued": "Waiting",
    "running": "Running",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Not finished",
}
#: More than this goes into the background; less is stored in the time that one looks at a bar.
_MOST_FILES = 20
_MOST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """Files to import and how."""

    uploads: Mapping[str, bytes]
    on_conflict: OnConflict
    dry_run: bool

    @property
    def is_large(self) -> bool:
        """True if nobody should have to wait for it."""
        return len(self.uploads) > _MOST_FILES or sum(map(len, self.uploads.values())) > _MOST_BYTES


def form(store: ConvStore) -> Request | None:
    """Files, what to do about known ids, and whether only to look; the request once it is made."""
    with st.container(border=True):
        files = st.file_uploader(
            "Files",
            accept_multiple_files=True,
            key=f"files-{st.session_state.get('uploads', 0)}",
            max_upload_size=max(1, store.settings.max_file_bytes >> 20),
            label_visibility="collapsed",
        )
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", gap="medium"
        ):
            policy = st.segmented_control(
                "When an id is stored with other turns",
                get_args(OnConflict),
                format_func=lambda value: accented(_POLICIES[value]),
                default="fail",
                required=True,
                key="on-conflict",
            )
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                dry_run = st.toggle("Only look, store nothing", key="dry-run")
                verb = "Look at" if dry_run else "Import"
                pressed = st.button(
                    f"{verb} {counted(len(files), 'file')}" if files else "Import",
                    key="import",
                    type="primary",
                    icon=":material/search:" if dry_run else ":material/upload_file:",
                    disabled=not files,
                )
    if not pressed or not files:
        return None
    uploads: dict[str, bytes] = {}
    for file in files:
        uploads[_free(file.name, uploads)] = file.getvalue()
    return Request(uploads, policy, dry_run)


def _free(name: str, taken: Mapping[str, bytes]) -> str:
    """The name, numbered where another upload has it."""
    count, candidate = 1, name
    while candidate in taken:
        count += 1
        candidate = f"{name} ({count})"
    return candidate


def run(store: ConvStore, request: Request) -> None:
    """Import with progress, keep the report, and clear the form; many or large files go into the background."""
    if request.is_large and not request.dry_run:
        with st.spinner(f"Keeping {counted(len(request.uploads), 'file')} …"):
            importing_later.follow(store.ingest_later(request.uploads, on_conflict=request.on_conflict))
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
        st.rerun()
    bar = st.progress(0.0, text="Reading")

    def tell(done: int, total: int, name: str) -> None:
        text = f"{number(done)} of {counted(total, 'file')}"
        bar.progress(done / max(1, total), text=text if name else "Storing the rest")

    report = store.ingest_uploads(
        request.uploads, on_conflict=request.on_conflict, dry_run=request.dry_run, progress=tell
    )
    st.session_state["report"] = (report, request.dry_run)
    if not request.dry_run:
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    st.rerun()


def last_report() -> None:
    """What became of every file of the last import of this session."""
    kept: tuple[IngestReport, bool] | None = st.session_state.get("report")
    if kept is None:
        return
    report, dry_run = kept
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{_summary(report.totals, dry_run)}**", width="content")
            if st.button("Close", key="close-report", type="tertiary", icon=":material/close:"):
                del st.session_state["report"]
                st.rerun()
        _report(report)
        if not dry_run and report.totals["stored"] + report.totals["replaced"]:
            link("browse", "See them in Browse", {"sort": ["Recently changed"]}, key="see-imported")


def _report(report: IngestReport) -> None:
    totals = report.totals
    if totals["files"]:
        with st.container(horizontal=True, gap="xsmall"):
            for name, look in OUTCOMES.items():
                if count := totals.get(look.total or name, 0):
                    st.badge(f"{look.word} {number(count)}", icon=look.icon, color=look.color)
        st.dataframe(
            files_frame(report),
            hide_index=True,
            row_height=31,
            height="content" if len(report.files) <= 12 else 400,
            placeholder="–",
            alt="Files of this import",
            column_config=problem_config(),
        )
        problems = conversations_frame(report)
        if len(problems):
            st.markdown("**Worth a look**")
            st.dataframe(
                problems,
                hide_index=True,
                row_height=31,
                height="content" if len(problems) <= 12 else 400,
                placeholder="–",
                alt="Conversations of this import that need a look",
                column_config={"Outcome": outcome_column(), "Reason": st.column_config.TextColumn("Reason", width=420)},
            )


def _summary(totals: Mapping[str, int], dry_run: bool) -> str:
    if dry_run:
        return f"{counted(totals['stored'] + totals['replaced'], 'conversation')} would be stored. Nothing was changed."
    words = f"{counted(totals['stored'], 'conversation')} stored."
    if totals["unchanged"]:
        words += f" {number(totals['unchanged'])} {'was' if totals['unchanged'] == 1 else 'were'} there already."
    if totals["rejected"]:
        words += f" {counted(totals['rejected'], 'file')} could not be read."
    return words


def quarantine(store: ConvStore) -> None:
    """Input that could not be read, with the place of the fault."""
    found = store.quarantined()
    if not found:
        return
    st.subheader("Could not be read", anchor=False)
    st.caption("What there is of them is kept in the file store, byte for byte, under the hash shown here.")
    zone = local_zone()
    st.dataframe(
        pd.DataFrame(
            {
                "File": [file.file for file in found],
                "Reason": [file.reason for file in found],
                "Path": [file.path for file in found],
                "Line": pd.Series([file.line for file in found], dtype="Int64"),
                "Column": pd.Series([file.column for file in found], dtype="Int64"),
                "Byte": pd.Series([file.byte for file in found], dtype="Int64"),
                "Size": [bytes_of(file.bytes) for file in found],
                "SHA-256": [file.sha256[:16] if file.has_bytes else "too large to keep" for file in found],
                "When": [pd.Timestamp(file.created_at.astimezone(zone)) for file in found],
            }
        ),
        hide_index=True,
        row_height=31,
        height="content" if len(found) <= 10 else 350,
        placeholder="–",
        alt="Files that could not be read",
        column_config={**problem_config(), "When": st.column_config.DatetimeColumn("When", format="D MMM, HH:mm")},
    )


def recent(store: ConvStore) -> None:
    """The latest imports of everybody; a chosen one tells what became of its files."""
    runs = store.imports()
    st.subheader("Recent imports", anchor=False)
    if not runs:
        st.caption("None yet. The first one shows here, whoever makes it and by whatever way.")
        return
    st.caption("Choose one to see what became of its files.")
    zone = local_zone()
    chosen = st.dataframe(
        pd.DataFrame(
            {
                "When": [pd.Timestamp(one.started_at.astimezone(zone)) for one in runs],
                "Who": [one.person for one in runs],
                "State": [_state(one) for one in runs],
                **{
                    word: pd.Series([one.totals.get(name) for one in runs], dtype="Int64")
                    for word, name in _TOTALS.items()
                },
            }
        ),
        key="recent-imports",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        row_height=31,
        height="content",
        placeholder="–",
        alt="Recent imports",
        column_config={"When": st.column_config.DatetimeColumn("When", format="D MMM, HH:mm")},
    )
    for row in chosen.selection.rows:
        one = runs[row]
        report = store.import_report(one.id)
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(f"**{counted(one.totals.get('files', len(report.files)), 'file')} of this import**")
                importing_later.arrived(one, key="see-chosen")
            _report(report)


def _state(one: ImportRun) -> str:
    if one.finished_at is None:
        return _STATES[one.state]
    seconds = (one.finished_at - one.started_at).total_seconds()
    return f"Done in {seconds:.1f} s"
