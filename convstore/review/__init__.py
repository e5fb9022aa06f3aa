"""Reviewing: deciding and taking back, one by one or a whole filter; queues, leases, drafts, and what a team did."""

from convstore.review.bulk import BulkPreview, BulkResult, bulk_preview, bulk_review
from convstore.review.deciding import check_scores, review
from convstore.review.desk import ReviewDesk
from convstore.review.undoing import undo

__all__ = ["BulkPreview", "BulkResult", "ReviewDesk", "bulk_preview", "bulk_review", "check_scores", "review", "undo"]
