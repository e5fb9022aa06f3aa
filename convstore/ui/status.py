"""Words, icons and colours of statuses, actions, tiers and findings. A colour never stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from convstore.checks import CHECKS
from convstore.model import Severity, Status

__all__ = [
    "ACTIONS",
    "FINDINGS",
    "SEVERITY_COLORS",
    "STATUSES",
    "TIERS",
    "Action",
    "Color",
    "Look",
    "badge",
    "finding_badge",
]

Color = Literal["gray", "orange", "green", "red", "blue"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a status shows."""

    word: str
    icon: str
    color: Color


@dataclass(frozen=True, slots=True)
class Action:
    """A move to a status: what the button says, what is said afterwards."""

    verb: str
    done: str
    icon: str
    shortcut: str


STATUSES: Mapping[Status, Look] = {
    "pending_review": Look("To review", ":material/schedule:", "gray"),
    "needs_revision": Look("Needs revision", ":material/edit_note:", "orange"),
    "approved": Look("Approved", ":material/check_circle:", "green"),
    "rejected": Look("Rejected", ":material/cancel:", "red"),
    "archived": Look("Archived", ":material/inventory_2:", "gray"),
}

ACTIONS: Mapping[Status, Action] = {
    "approved": Action("Approve", "approved", ":material/check_circle:", "A"),
    "rejected": Action("Reject", "rejected", ":material/cancel:", "X"),
    "needs_revision": Action("Ask for revision", "sent back", ":material/edit_note:", "V"),
    "pending_review": Action("Reopen", "reopened", ":material/history:", "O"),
    "archived": Action("Archive", "archived", ":material/inventory_2:", "Z"),
}

TIERS: Mapping[str, str] = {"template": "Template", "scenario": "Scenario", "edge_case": "Edge case"}

#: Words of findings by code, gravest first.
FINDINGS: Mapping[str, str] = {code: check.label for code, check in CHECKS.items()}

SEVERITY_COLORS: Mapping[Severity, Color] = {"error": "red", "warning": "orange", "notice": "gray"}
_SEVERITY_ICONS: Mapping[Severity, str] = {
    "error": ":material/error:",
    "warning": ":material/warning:",
    "notice": ":material/info:",
}


def badge(status: Status) -> None:
    """The status as a badge."""
    look = STATUSES[status]
    st.badge(look.word, icon=look.icon, color=look.color)


def finding_badge(code: str, severity: Severity | None = None) -> None:
    """A finding as a badge, in the colour of its severity."""
    check = CHECKS.get(code)
    severity = severity or (check.severity if check else "notice")
    st.badge(FINDINGS.get(code, "Finding"), icon=_SEVERITY_ICONS[severity], color=SEVERITY_COLORS[severity])
