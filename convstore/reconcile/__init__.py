"""Rows and files held against each other: who is without the other, what differs, and what can be done about it."""

from convstore.reconcile.parts import PART_ROWS, PHASES, SOURCES, Part, Phase, count_looks, plan_parts
from convstore.reconcile.reconciling import ReconcileReport, reconcile
from convstore.reconcile.verifying import VerifyReport, verify

__all__ = [
    "PART_ROWS",
    "PHASES",
    "SOURCES",
    "Part",
    "Phase",
    "ReconcileReport",
    "VerifyReport",
    "count_looks",
    "plan_parts",
    "reconcile",
    "verify",
]
