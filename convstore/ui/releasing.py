"""The blocks of the releases screen: the form with three sample rows, the progress, what went out."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.release.formats import FORMATS, TRAINER_FORMATS
from convstore.release.reports import ReleaseReport
from convstore.release.rows import ReleaseOptions
from convstore.ui.words import bytes_of, conversations_in, counted, number

__all__ = ["Request", "form", "last_release", "run"]

_LEADS = ("lead", "admin")
_SHOWN_CHARACTERS = 6_000

#: What each format is for, in the words of those who read it.
_FORMATS: Mapping[str, tuple[str, str]] = {
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
_SUFFIXES = {"brightrun-v4": ".json", "csv": ".csv", "markdown": ".md", "parquet": ".parquet", "hf": ""}


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be released."""

    wanted: Filter
    format: str
    name: str | None
    options: ReleaseOptions


@dataclass(frozen=True, slots=True)
class Released:
    """A release of this session; the folder goes away with the session."""

    report: ReleaseReport
    folder: tempfile.TemporaryDirectory[str]
    file: Path


def form(store: ConvStore, wanted: Filter, count: int, is_exact: bool) -> Request | None:
    """Format and options at the left, what comes out at the right; the request once it is made."""
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(border=True, gap="small"):
        chosen = st.selectbox(
            "Format", FORMATS, format_func=lambda value: _FORMATS[value][0], key="format", bind="query-params"
        )
        st.caption(_FORMATS[chosen][1])
        keep = chosen in TRAINER_FORMATS and st.toggle(
            "Keep a last message that nobody answered", key="keep-trailing-user"
        )
        if chosen in TRAINER_FORMATS:
            st.caption("What a trainer would refuse stays behind and is listed.")
        name = st.text_input("Name", key="release-name", placeholder="Optional, unique in the workspace", max_chars=200)
        options = ReleaseOptions(keep_trailing_user=bool(keep))
        may = store.actor.role in _LEADS
        pressed = st.button(
            f"Release {conversations_in(count, is_exact)}",
            key="release",
            type="secondary" if "released" in st.session_state else "primary",
            icon=":material/download:",
            disabled=not may,
        )
        if not may:
            st.caption("Only a lead makes releases. The samples are for everybody.")
    with right:
        _samples(store, wanted, chosen, options)
    return Request(wanted, chosen, name.strip() or None, options) if pressed else None


def _samples(store: ConvStore, wanted: Filter, chosen: str, options: ReleaseOptions) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What comes out** :gray[the first three]")
        texts = store.preview_release(chosen, wanted, options=options, read_texts=False).samples
        if not texts:
            st.caption("This format leaves the first of them out: a trainer would refuse them.")
            return
        for tab, text in zip(st.tabs([f"Row {number(i)}" for i in range(1, len(texts) + 1)]), texts, strict=True):
            with tab:
                is_json = text.startswith("{")
                st.code(
                    text[:_SHOWN_CHARACTERS] + ("\n…" if len(text) > _SHOWN_CHARACTERS else ""),
                    language="json" if is_json else None,
                    wrap_lines=True,
                    height=430,
                )


def run(store: ConvStore, request: Request) -> None:
    """Build the release with progress and keep it for the download."""
    bar = st.progress(0.0, text="Selecting")

    def tell(done: int, total: int, what: str) -> None:
        share = done / total if total else 0.0
        bar.progress(min(1.0, share), text=f"{what.capitalize()}: {number(done)} of {number(total)}" if total else what)

    folder = tempfile.TemporaryDirectory(prefix="convstore-release-")
    file = Path(folder.name) / f"{_stem(request)}{_SUFFIXES.get(request.format, '.jsonl')}"
    report = store.export(
        request.format, file, request.wanted, name=request.name, options=request.options, progress=tell
    )
    if file.is_dir() or len(report.files) > 1:
        file = _archive(Path(folder.name), _stem(request))
    st.session_state["released"] = Released(report, folder, file)
    st.rerun()


def _stem(request: Request) -> str:
    kept = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in request.name or "conversations")
    return f"{kept[:80]}-{request.format}"


def _archive(folder: Path, stem: str) -> Path:
    """Everything that the release wrote, as one file to download."""
    made = shutil.make_archive(str(folder.parent / f"{folder.name}-{stem}"), "zip", folder)
    return Path(shutil.move(made, folder / f"{stem}.zip"))


def last_release() -> None:
    """What went out last, its file, and what stayed behind."""
    released: Released | None = st.session_state.get("released")
    if released is None:
        return
    report = released.report
    with st.container(border=True, gap="small"):
        words = f"{counted(report.conversations, 'conversation')} released."
        if report.left_out:
            words += f" {number(len(report.left_out))} stayed behind."
        st.markdown(f":green[:material/check_circle:] **{words}**")
        size = released.file.stat().st_size
        st.caption(f"Release {report.release} · {bytes_of(size)}")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _download("Download", released.file, key="download-release", primary=True)
            _download("Manifest", report.manifest.path, key="download-manifest")
            if st.button("Close", key="close-release", type="tertiary", icon=":material/close:"):
                del st.session_state["released"]
                st.rerun()
        if report.left_out:
            rules = Counter(item.rule for item in report.left_out)
            with st.expander("Stayed behind: " + ", ".join(f"{rule} {number(n)}" for rule, n in rules.most_common())):
                st.dataframe(
                    pd.DataFrame([{"Conversation": i.conversation_id, "Rule": i.rule} for i in report.left_out]),
                    hide_index=True,
                    row_height=31,
                    height="content" if len(report.left_out) <= 10 else 350,
                    alt="Conversations that stayed behind",
                )


def _download(label: str, file: Path, *, key: str, primary: bool = False) -> None:
    st.download_button(
        label,
        data=file.read_bytes,
        file_name=file.name,
        key=key,
        type="primary" if primary else "tertiary",
        icon=":material/download:" if primary else ":material/description:",
        on_click="ignore",
    )
