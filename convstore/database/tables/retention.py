"""Tables of the archive, and of how long and how much is kept."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database.tables.columns import metadata, moment, person, workspace

__all__ = ["conversations_archive", "retention_policies", "storage_history"]


conversations_archive = Table(
    "conversations_archive",
    metadata,
    Column("id", Uuid, primary_key=True),
    workspace(),
    Column("conversation_id", String(100), nullable=False),
    Column("conversation_name", String(255), nullable=False),
    Column("row", JSONB, nullable=False, comment="The row of conversations"),
    Column("turns", JSONB, nullable=False),
    Column("findings", JSONB, nullable=False),
    Column("reviews", JSONB, nullable=False),
    Column("exclusions", JSONB, nullable=False),
    moment("archived_at"),
    person("archived_by"),
    UniqueConstraint("workspace_id", "conversation_id"),
    comment="Conversations that left the working set; restore brings them back",
)

retention_policies = Table(
    "retention_policies",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "subject",
        Text,
        CheckConstraint(
            "subject IN ('pending_review', 'needs_revision', 'approved', 'rejected', 'archived', 'trash')",
            name="subject",
        ),
        primary_key=True,
        comment="A status, or the trash",
    ),
    Column("keep_days", Integer, CheckConstraint("keep_days BETWEEN 0 AND 36500", name="keep_days"), nullable=False),
    comment="How long what is kept; no row means for ever",
)

storage_history = Table(
    "storage_history",
    metadata,
    Column(
        "workspace_id",
        Uuid,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Tenant; every query names it by equality",
    ),
    Column("day", Date, primary_key=True),
    Column("kind", Text, primary_key=True, comment="A status, or trash, archive, quarantine, uploads"),
    Column("items", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    comment="Use of space day by day",
)
