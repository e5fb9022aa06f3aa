"""The one place of the app where an error becomes something to read.

Expected errors say what is kept and what to do. Any other is a bug and looks like one: an id on screen, the trace in
the log under that id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import streamlit as st

from convstore.errors import ConvstoreError, UnavailableError
from convstore.ui.words import plain, sentence, with_code

__all__ = ["guard"]

_log = logging.getLogger("convstore.ui")


@contextmanager
def guard(*, kept: str = "Nothing was changed.", retry: bool = True) -> Iterator[None]:
    """Show what goes wrong inside, instead of letting it through.

    Parameters
    ----------
    kept
        What the fault did not take away, one sentence.
    retry
        Offer to try again.
    """
    try:
        yield
    except ConvstoreError as error:
        error_id = uuid4().hex[:8]
        _log.warning("refused", extra={"error_id": error_id, "code": error.code, "facts": error.facts})
        away = isinstance(error, UnavailableError)
        _show(
            f"**{plain(sentence(error.message))}** {kept}",
            with_code(sentence(error.hint)),
            f"Code {error.code} · id {error_id}",
            icon=":material/cloud_off:" if away else ":material/block:",
        )
    except Exception:  # noqa: BLE001 - whatever it is, the person in front of the screen gets an id to name it by
        error_id = uuid4().hex[:8]
        _log.exception("unexpected", extra={"error_id": error_id})
        _show(
            f"**This is a fault of convstore.** {kept}",
            "Please report it with the id below; the server's log has the rest under the same id.",
            f"Code ERR_BUG · id {error_id}",
            icon=":material/bug_report:",
        )
    else:
        return
    if retry and st.button("Try again", type="primary", icon=":material/refresh:", key=f"retry-{error_id}"):
        st.rerun()


def _show(what: str, next_step: str, small: str, *, icon: str) -> None:
    lines = [what, next_step, f":small[:gray[{small}]]"]
    st.error("  \n".join(line for line in lines if line), icon=icon)
