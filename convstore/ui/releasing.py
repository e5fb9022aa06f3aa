"""Building a release on its screen: what would come out, the build at once or by a worker, what went out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from convstore.core import ConvStore
from convstore.release.formats import file_name
from convstore.release.previewing import ReleasePreview
from convstore.release.reports import ReleaseReport
from convstore.release.specification import ReleaseRequest
from convstore.rights import may
from convstore.ui import decisions
from convstore.ui.acting import done
from convstore.ui.parts import go_to_part
from convstore.ui.release_facts import composition, lint, stayed_behind, stored_files, weights
from convstore.ui.words import accented, bytes_of, counted, number, prettified
from convstore.ui.working import Tell, Work

__all__ = ["AT_ONCE", "build", "last_release", "preview"]

#: More conversations than this are a worker's.
AT_ONCE = 10_000
_READ_WHOLE = 500
_SHOWN_CHARACTERS = 6_000


@dataclass(frozen=True, slots=True)
class Released:
    """A release of this session; the folder goes away with the session."""

    report: ReleaseReport
    folder: tempfile.TemporaryDirectory[str]
    file: Path


def preview(store: ConvStore, request: ReleaseRequest, matching: int) -> ReleasePreview:
    """What would come out: how many, their composition and the first rows."""
    is_read = matching <= _READ_WHOLE or st.session_state.get("release-read") == repr(request)
    with st.spinner("Reading every conversation", show_time=True) if is_read else nullcontext():
        found = store.preview_request(request, read_texts=is_read)
    summary = found.summary
    tokens = summary.get("estimated_tokens", 0)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="medium"):
            st.metric("Conversations", number(found.conversations), width="content")
            if summary.get("rows", found.conversations) != found.conversations:
                st.metric("Rows", number(summary["rows"]), width="content")
            st.metric("Tokens, roughly", number(tokens), width="content")
            for split, count in summary["splits"].items():
                st.metric(split, number(count), width="content")
        behind = dict(summary["left_out"])
        if summary["not_sampled"]:
            behind["not in the sample"] = summary["not_sampled"]
        if behind:
            st.caption("Stay behind: " + ", ".join(f"{prettified(rule)} {number(n)}" for rule, n in behind.items()))
        composition(summary["composition"])
    with st.container(border=True, gap="small"):
        if is_read:
            lint(summary["lint"], conversations=found.conversations)
            weights(found)
        else:
            st.caption("So many conversations are not read before you ask; the release itself checks each of them.")
            st.button(
                f"Check all {number(found.matching)}",
                key="read-all",
                icon=":material/fact_check:",
                on_click=lambda: st.session_state.update({"release-read": repr(request)}),
            )
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What comes out** :gray[the first rows]")
        if not found.samples:
            st.caption("No row: the rules, or a trainer, leave everything out.")
        else:
            _samples(found.samples)
    return found


def _samples(texts: tuple[str, ...]) -> None:
    for tab, text in zip(st.tabs([accented(f"Row {number(i)}") for i in range(1, len(texts) + 1)]), texts, strict=True):
        with tab:
            st.code(
                text[:_SHOWN_CHARACTERS] + ("\n…" if len(text) > _SHOWN_CHARACTERS else ""),
                language=None,
                wrap_lines=True,
                height=330,
            )


def build(store: ConvStore, request: ReleaseRequest, found: ReleasePreview) -> None:
    """The button and what it starts, or how far that is."""
    if "work" in st.session_state:
        decisions.running()
        return
    is_allowed = may(store.actor.role, "release")
    is_large = found.conversations > AT_ONCE
    pressed = st.button(
        f"Release {counted(found.conversations, 'conversation')}",
        key="release",
        type="secondary" if "released" in st.session_state else "primary",
        icon=":material/schedule:" if is_large else ":material/download:",
        disabled=not (is_allowed and found.conversations),
        width="stretch",
    )
    if not is_allowed:
        st.caption("Only a lead makes releases. The samples are for everybody.")
    elif is_large:
        st.caption(f"More than {number(AT_ONCE)} are left to a worker; you may close this page.")
    if not pressed:
        return
    if not is_large:
        decisions.begin(Work("Releasing", lambda tell: _made(store, request, tell)), found.conversations)
    elif done(lambda: store.export_request_later(request)):
        # What is made is what one wants to see next.
        go_to_part("History")
        st.rerun()


def _made(store: ConvStore, request: ReleaseRequest, tell: Tell) -> Callable[[], None]:
    """Make the release where nobody else sees it; what shows it."""
    folder = tempfile.TemporaryDirectory(prefix="convstore-release-")
    file = Path(folder.name) / file_name(request.format, request.name, splits=bool(request.plan.shares))
    report = store.export_request(request, file, progress=tell)
    if file.is_dir() or len(report.files) > 1:
        file = _archive(Path(folder.name), file.stem)
    return lambda: st.session_state.update(released=Released(report, folder, file))


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
        stored_files(st.session_state.get("delivered", ()))
        stayed_behind(report.left_out)


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
