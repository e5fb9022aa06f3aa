"""Rows and files held against each other: who is without the other, what differs, and what can be done about it."""

from convstore.reconcile.reconciling import ReconcileReport, reconcile
from convstore.reconcile.verifying import VerifyReport, verify

__all__ = ["ReconcileReport", "VerifyReport", "reconcile", "verify"]
