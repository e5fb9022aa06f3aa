"""The policies of the product's own tables, by name; a test proves that the migrations make these."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["POLICIES"]

_EVERY = "Service role may do everything"
_SEEN = "Members see"
_WRITTEN = (_SEEN, "Writers add", "Writers change", "Writers remove")

POLICIES: Mapping[str, tuple[str, ...]] = {
    "check_progress": (_EVERY, _SEEN),
    "conversation_texts": (_EVERY, _SEEN),
    "conversation_turns": (
        _EVERY,
        "Users can create own conversation turns",
        "Users can view own conversation turns",
    ),
    "conversations": (
        _EVERY,
        "Users can create own conversations",
        "Users can delete own conversations",
        "Users can update own conversations",
        "Users can view own conversations",
    ),
    "conversations_archive": (_EVERY, _SEEN),
    "coverage_targets": (_EVERY, *_WRITTEN),
    "duplicate_members": (_EVERY, _SEEN),
    "emotional_arcs": (_EVERY, *_WRITTEN),
    "events": (
        _EVERY,
        "Members see the audit",
    ),
    "facet_changes": (_EVERY, _SEEN),
    "facet_counts": (_EVERY, _SEEN),
    "findings": (
        _EVERY,
        "Members see findings",
        "Reviewers add findings",
        "Reviewers dismiss findings",
    ),
    "ingest_items": (
        _EVERY,
        "Members see import items",
        "Reviewers add items to their imports",
        "Reviewers change items of their imports",
    ),
    "ingest_runs": (
        _EVERY,
        "Members see imports",
        "Reviewers finish their imports",
        "Reviewers import",
    ),
    "jobs": (
        _EVERY,
        "Members see jobs",
    ),
    "leases": (
        _EVERY,
        "Leads assign leases",
        "Members see leases",
        "Reviewers give their leases back",
        "Reviewers keep their own leases and take expired ones",
        "Reviewers take leases",
    ),
    "personas": (_EVERY, *_WRITTEN),
    "profiles": (
        _EVERY,
        "Colleagues see each other",
        "Users can rename themselves",
    ),
    "prompt_templates": (_EVERY, *_WRITTEN),
    "quarantine": (
        _EVERY,
        "Leads clear the quarantine",
        "Reviewers put into quarantine",
        "Reviewers see the quarantine",
    ),
    "queues": (_EVERY, *_WRITTEN),
    "release_items": (
        _EVERY,
        "Leads add release items",
        "Members see release items",
    ),
    "releases": (
        _EVERY,
        "Leads drop unsealed releases",
        "Leads release",
        "Leads seal releases",
        "Members see releases",
    ),
    "retention_policies": (_EVERY, *_WRITTEN),
    "review_drafts": (
        _EVERY,
        "Reviewers keep their own drafts",
    ),
    "reviews": (
        _EVERY,
        "Members see reviews, blind ones after their own",
        "Reviewers change their own reviews",
        "Reviewers withdraw their own reviews",
        "Reviewers write their own reviews",
    ),
    "set_statistics": (_EVERY, _SEEN),
    "sign_in_attempts": (_EVERY,),
    "sign_in_sessions": (_EVERY,),
    "similarity_bands": (_EVERY, _SEEN),
    "similarity_signatures": (_EVERY, _SEEN),
    "stock_phrases": (_EVERY, _SEEN),
    "storage_history": (_EVERY, _SEEN),
    "training_topics": (_EVERY, *_WRITTEN),
    "turn_exclusions": (
        _EVERY,
        "Members see exclusions",
        "Reviewers exclude messages",
        "Reviewers include messages again",
    ),
    "usage_changes": (_EVERY, _SEEN),
    "workspace_invitations": (
        _EVERY,
        "Admins invite",
        "Admins see invitations",
        "Admins withdraw invitations",
    ),
    "workspace_members": (
        _EVERY,
        "Admins add members",
        "Admins change members",
        "Admins remove members",
        "Members see members",
    ),
    "workspaces": (
        _EVERY,
        "Admins settle their workspaces",
        "Members see their workspaces",
    ),
}
