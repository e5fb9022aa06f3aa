"""The tables, as SQLAlchemy Core sees them. The migrations make them; a test proves that both agree.

Names follow the specification; every table carries `workspace_id`, so that policies need no join and
the whole schema can be distributed by it. Policies, triggers and grants live in the migrations only.
"""

from __future__ import annotations

from convstore.database.tables.columns import metadata
from convstore.database.tables.conversations import (
    FILE_TENTHS_BITS,
    conversation_texts,
    conversation_turns,
    conversations,
    findings,
)
from convstore.database.tables.events import events
from convstore.database.tables.imports import ingest_items, ingest_runs, quarantine
from convstore.database.tables.jobs import jobs
from convstore.database.tables.people import (
    profiles,
    sign_in_attempts,
    sign_in_sessions,
    workspace_invitations,
    workspace_members,
    workspaces,
)
from convstore.database.tables.releases import release_items, releases, usage_changes
from convstore.database.tables.retention import conversations_archive, retention_policies, storage_history
from convstore.database.tables.reviewing import leases, queues, review_drafts, reviews, turn_exclusions
from convstore.database.tables.scaffolding import emotional_arcs, personas, prompt_templates, training_topics
from convstore.database.tables.statistics import (
    check_progress,
    coverage_targets,
    duplicate_members,
    facet_changes,
    facet_counts,
    set_statistics,
    similarity_bands,
    similarity_signatures,
    stock_phrases,
)

__all__ = [
    "FILE_TENTHS_BITS",
    "check_progress",
    "conversation_texts",
    "conversation_turns",
    "conversations",
    "conversations_archive",
    "coverage_targets",
    "duplicate_members",
    "emotional_arcs",
    "events",
    "facet_changes",
    "facet_counts",
    "findings",
    "ingest_items",
    "ingest_runs",
    "jobs",
    "leases",
    "metadata",
    "personas",
    "profiles",
    "prompt_templates",
    "quarantine",
    "queues",
    "release_items",
    "releases",
    "retention_policies",
    "review_drafts",
    "reviews",
    "set_statistics",
    "sign_in_attempts",
    "sign_in_sessions",
    "similarity_bands",
    "similarity_signatures",
    "stock_phrases",
    "storage_history",
    "training_topics",
    "turn_exclusions",
    "usage_changes",
    "workspace_invitations",
    "workspace_members",
    "workspaces",
]
