"""Tables of reviews, of drafts of them, and of who is to review what."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from convstore.database.tables.columns import (
    conversation,
    json_object,
    metadata,
    moment,
    of_conversation,
    person,
    row_id,
    score,
    workspace,
)

__all__ = ["leases", "queues", "review_drafts", "reviews", "turn_exclusions"]


reviews = Table(
    "reviews",
    metadata,
    row_id(),
    workspace(),
    conversation(),
    person("reviewer_id", nullable=False),
    score("quality_score"),
    score("empathy_score"),
    score("clarity_score"),
    score("appropriateness_score"),
    score("brand_voice_alignment"),
    Column(
        "decision",
        String(50),
        CheckConstraint("decision IN ('approved', 'rejected', 'needs_revision')", name="decision"),
    ),
    Column("reasons", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("note", Text),
    json_object("turn_notes", comment="Turn number to note"),
    Column("seconds", Integer, CheckConstraint("seconds >= 0", name="seconds"), comment="Time spent reading"),
    Column("turns_sha256", Text, nullable=False, comment="The turns that were read"),
    moment("created_at"),
    moment("updated_at"),
    UniqueConstraint("conversation_id", "reviewer_id"),
    of_conversation(),
    Index("idx_reviews_reviewer", "workspace_id", "reviewer_id", "updated_at"),
    comment="One a reviewer and conversation, bound to the turns that were read",
)

review_drafts = Table(
    "review_drafts",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column("reviewer_id", Uuid, ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    json_object("draft"),
    moment("updated_at"),
    of_conversation(),
    comment="Scores and notes that are not sent yet; they survive closing the browser",
)

leases = Table(
    "leases",
    metadata,
    workspace(),
    conversation(primary_key=True),
    person("holder_id", nullable=False),
    moment("acquired_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    of_conversation(),
    Index("idx_leases_holder", "workspace_id", "holder_id"),
    comment="Who reads what at the moment, so that nobody is handed the same conversation",
)

queues = Table(
    "queues",
    metadata,
    row_id(),
    workspace(),
    Column("name", Text, nullable=False),
    json_object("filter"),
    Column("sort", Text, nullable=False, server_default=text("'created'")),
    Column("descending", Boolean, nullable=False, server_default=text("false")),
    person("created_by"),
    moment("created_at"),
    UniqueConstraint("workspace_id", "name"),
    comment="Saved filters with an order, from which reviewers are handed work",
)

turn_exclusions = Table(
    "turn_exclusions",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column("turn_number", Integer, primary_key=True),
    Column("turns_sha256", Text, nullable=False),
    person("excluded_by", nullable=False),
    moment("created_at"),
    of_conversation(),
    comment="Messages that a reviewer keeps out of training; exported as weight or train",
)
