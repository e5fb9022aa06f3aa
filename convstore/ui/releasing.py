"""Building a release on its screen: what would come out, the build at once or by a worker, what went out."""

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
from convstore.release.delivering import DeliveredFile
from convstore.release.formats import file_name
from convstore.release.previewing import ReleasePreview
from convstore.release.reports import ReleaseReport
from convstore.release.specification import ReleaseRequest
from convstore.ui.acting import done
from convstore.ui.words import bytes_of, counted, number, plain, prettified

__all__ = ["AT_ONCE", "build", "composition", "last_release", "preview"]

#: More conversations than this are a worker's.
AT_ONCE = 10_000
_READ_WHOLE = 500
_LEADS = ("lead", "admin")
_SHOWN_CHARACTERS = 6_000
_SHOWN_VALUES = 6


@dataclass(frozen=True, slots=True)
class Released:
    """A release of this session; the folder goes away with the session."""

    report: ReleaseReport
    folder: tempfile.TemporaryDirectory[str]
    file: Path


def preview(store: ConvStore, request: ReleaseRequest, matching: int) -> ReleasePreview:
    """What would come out: how many, their composition and the first rows."""
    found = store.preview_request(request, read_texts=matching <= _READ_WHOLE)
    summary = found.summary
    tokens = summary.get("estimated_tokens", 0)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Conversations", number(found.conversations), width="content")
            st.metric("Tokens, roughly", number(tokens), width="content")
            for split, count in summary["splits"].items():
                st.metric(split, number(count), width="content")
        behind = dict(summary["left_out"])
        if summary["not_sampled"]:
            behind["not in the sample"] = summary["not_sampled"]
        if behind:
            st.caption("Stay behind: " + ", ".join(f"{prettified(rule)} {number(n)}" for rule, n in behind.items()))
        composition(summary["composition"])
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What comes out** :gray[the first rows]")
        if not found.samples:
            st.caption("No row: the rules, or a trainer, leave everything out.")
        else:
            _samples(found.samples)
    return found


def composition(parts: Mapping[str, Mapping[str, int]]) -> None:
    """How many conversations have each persona, arc, topic and tier."""
    shown = [(name, parts[name]) for name in ("persona", "arc", "topic", "tier") if parts.get(name)]
    if not shown:
        return
    for place, (name, values) in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
        with place, st.container(gap=None):
            st.caption(f"**{name.capitalize()}**")
            # The database does not keep the order of a release's counts.
            for value, count in sorted(values.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_VALUES]:
                st.caption(f"{plain(prettified(value)) if value else 'none'} · {number(count)}")
            if len(values) > _SHOWN_VALUES:
                st.caption(f"and {number(len(values) - _SHOWN_VALUES)} more")


def _samples(texts: tuple[str, ...]) -> None:
    for tab, text in zip(st.tabs([f"Row {number(i)}" for i in range(1, len(texts) + 1)]), texts, strict=True):
        with tab:
            st.code(
                text[:_SHOWN_CHARACTERS] + ("\n…" if len(text) > _SHOWN_CHARACTERS else ""),
                language="json" if text.startswith("{") else None,
                wrap_lines=True,
                height=330,
            )


def build(store: ConvStore, request: ReleaseRequest, found: ReleasePreview) -> None:
    """The button, and what it starts."""
    may = store.actor.role in _LEADS
    is_large = found.conversations > AT_ONCE
    pressed = st.button(
        f"Release {counted(found.conversations, 'conversation')}",
        key="release",
        type="secondary" if "released" in st.session_state else "primary",
        icon=":material/schedule:" if is_large else ":material/download:",
        disabled=not (may and found.conversations),
        width="stretch",
    )
    if not may:
        st.caption("Only a lead makes releases. The samples are for everybody.")
    elif is_large:
        st.caption(f"More than {number(AT_ONCE)} are left to a worker; you may close this page.")
    if not pressed:
        return
    if is_large:
        if done(lambda: store.export_request_later(request)):
            st.session_state["release-part"] = "History"
            st.rerun()
        return
    run(store, request)


def run(store: ConvStore, request: ReleaseRequest) -> None:
    """Build the release with progress and keep it for the download."""
    bar = st.progress(0.0, text="Selecting")

    def tell(done: int, total: int, what: str) -> None:
        share = done / total if total else 0.0
        bar.progress(min(1.0, share), text=f"{what.capitalize()}: {number(done)} of {number(total)}" if total else what)

    folder = tempfile.TemporaryDirectory(prefix="convstore-release-")
    file = Path(folder.name) / file_name(request.format, request.name, splits=bool(request.plan.shares))
    report = store.export_request(request, file, progress=tell)
    if file.is_dir() or len(report.files) > 1:
        file = _archive(Path(folder.name), file.stem)
    st.session_state["released"] = Released(report, folder, file)
    st.rerun()


def _archive(folder: Path, stem: str) -> Path:
    """Everything that the release wrote, as one file to download."""
    made = shutil.make_archive(str(folder.parent / f"{folder.name}-{stem}"), "zip", folder)
    return Path(shutil.move(made, folder / f"{stem}.zip"))


def last_release(store: ConvStore) -> None:
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
        leakage = report.summary.get("leakage")
        if leakage and leakage["leaks_total"]:
            st.caption(f":orange[{counted(leakage['leaks_total'], 'pair')} of conversations in two splits share text.]")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _download("Download", released.file, key="download-release", primary=True)
            _download("Manifest", report.manifest.path, key="download-manifest")
            if st.button(
                "Put into the file store", key="store-release", type="tertiary", icon=":material/cloud_upload:"
            ):
                done(lambda: st.session_state.update(delivered=store.store_export(report)))
            if st.button("Close", key="close-release", type="tertiary", icon=":material/close:"):
                for key in ("released", "delivered"):
                    st.session_state.pop(key, None)
                st.rerun()
        _delivered(st.session_state.get("delivered", ()))
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


def _delivered(files: tuple[DeliveredFile, ...]) -> None:
    for file in files:
        where = f"[signed link, for an hour]({file.url})" if file.url else f"in the file store as `{file.path}`"
        st.caption(f"{plain(file.name)} · {bytes_of(file.bytes)} · {where}")


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
