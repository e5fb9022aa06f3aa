"""Findings about a conversation: one check a module, pure functions over its turns.

A finding is something to look at and never blocks anything. Nothing here knows a file, a database or a screen, and
the libraries that some checks lean on are loaded when a text first calls for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from convstore.checks import (
    arc_missed,
    boilerplate,
    empty_reply,
    ends_on_user,
    language,
    length_outlier,
    personal_data,
    placeholder,
    repeated_message,
    roles_alternate,
    secrets,
    truncated_reply,
)
from convstore.checks.boilerplate import boilerplate_grams
from convstore.checks.contract import CONVERSATIONS_READ, ArcPromise, Check, CheckInput, Hit, Measured, SetContext
from convstore.model import Finding

__all__ = [
    "CHECKS",
    "CONVERSATIONS_READ",
    "ArcPromise",
    "Check",
    "CheckInput",
    "Hit",
    "Measured",
    "SetContext",
    "boilerplate_grams",
    "check_conversation",
]

#: Every check by its code, gravest first: the order of facets and legends.
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        module.CHECK.code: module.CHECK
        for module in (
            truncated_reply,
            empty_reply,
            roles_alternate,
            secrets,
            personal_data,
            repeated_message,
            placeholder,
            language,
            arc_missed,
            ends_on_user,
            length_outlier,
            boilerplate,
        )
    }
)


def check_conversation(conversation: CheckInput) -> tuple[Finding, ...]:
    """Every finding about one conversation, in the order of its turns; checks without their context stay silent."""
    findings = [finding for check in CHECKS.values() for finding in check.findings(conversation)]
    return tuple(sorted(findings, key=_place))


def _place(finding: Finding) -> tuple[int, tuple[int, int], str]:
    return finding.turn_number or 0, finding.span or (0, 0), finding.code
