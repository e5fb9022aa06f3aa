"""Tables of imports and of what could not be read."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from convstore.database.tables.columns import json_object, metadata, moment, person, row_id, workspace

__all__ = ["ingest_items", "ingest_runs", "quarantine"]


ingest_runs = Table(
    "ingest_runs",
    metadata,
    row_id(),
    workspace(),
    person("created_by", nullable=False),
    moment("started_at"),
    Column("finished_at", DateTime(timezone=True)),
    Column("on_conflict", Text, nullable=False),
    json_object("totals"),
    UniqueConstraint("workspace_id", "id"),
    Index("idx_ingest_runs_started", "workspace_id", "started_at"),
    comment="Imports",
)

ingest_items = Table(
    "ingest_items",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    workspace(),
    Column("file", Text, nullable=False),
    Column("outcome", Text, CheckConstraint("outcome IN ('accepted', 'rejected')", name="outcome")),
    Column(
        "processing_status",
        Text,
        CheckConstraint(
            "processing_status IN ('queued', 'processing', 'completed', 'failed')", name="processing_status"
        ),
        nullable=False,
        server_default=text("'completed'"),
    ),
    json_object("report", comment="What became of the file and each conversation in it"),
    ForeignKeyConstraint(
        ["workspace_id", "run_id"], ["ingest_runs.workspace_id", "ingest_runs.id"], ondelete="CASCADE"
    ),
    comment="Files of an import",
)

quarantine = Table(
    "quarantine",
    metadata,
    row_id(),
    workspace(),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column(
        "object_paths",
        ARRAY(Text),
        nullable=False,
        comment="Where the bytes are, in parts; empty where they are not kept",
    ),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("path", Text),
    Column("line", Integer),
    Column("column", Integer),
    Column("byte", BigInteger),
    person("created_by", nullable=False),
    moment("created_at"),
    UniqueConstraint("workspace_id", "sha256", "file"),
    comment="Input that could not be read, with its bytes",
)
