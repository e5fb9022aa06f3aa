"""The table of work in the background."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database.tables.columns import json_object, metadata, moment, person, row_id, workspace

__all__ = ["jobs"]


jobs = Table(
    "jobs",
    metadata,
    row_id(),
    workspace(),
    Column("task", Text, nullable=False),
    json_object("arguments"),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="status"),
        nullable=False,
        server_default="queued",
    ),
    Column(
        "attempt",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="Counts starts: an earlier start that still writes is told so by this number",
    ),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("step", Text),
    json_object("state", comment="How far it came, so that another worker can go on from there"),
    Column("result", JSONB),
    Column("error", JSONB),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("queue_id", BigInteger, comment="Its number in the queue"),
    Column(
        "parent_id",
        ForeignKey("jobs.id", ondelete="CASCADE"),
        comment="The job that this is a part of: it runs on when its last part has ended",
    ),
    Column("part", Integer, comment="Place among the parts of one task, from 1"),
    person("created_by", nullable=False),
    moment("created_at"),
    Column("started_at", DateTime(timezone=True)),
    moment("updated_at"),
    Column("finished_at", DateTime(timezone=True)),
    Index("idx_jobs_created", "workspace_id", "created_at", "id", postgresql_where=text("parent_id IS NULL")),
    Index("idx_jobs_parts", "parent_id", "task", "part", postgresql_where=text("parent_id IS NOT NULL")),
    Index("idx_jobs_open", "workspace_id", "task", postgresql_where=text("status IN ('queued', 'running', 'failed')")),
    comment="Work in the background: who asked for it, how far it is, how it ended",
)
