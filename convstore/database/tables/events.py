"""The table of the audit."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, Uuid, text

from convstore.database.tables.columns import json_object, metadata, moment

__all__ = ["events"]


events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workspace_id", Uuid, nullable=False, comment="No foreign key: the audit outlives what it speaks of"),
    Column("conversation_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", Text, comment="What it happened to, where that is no conversation"),
    moment("at"),
    Column("actor_id", Uuid),
    json_object("before"),
    json_object("after"),
    Column("batch_id", Uuid),
    Column("note", Text),
    Column(
        "request_id",
        Text,
        server_default=text("convstore.setting('request_id'::text)"),
        comment="Request that made it, as in the log; none outside of requests and jobs",
    ),
    Index("idx_events_conversation", "workspace_id", "conversation_id", "id"),
    Index("idx_events_workspace", "workspace_id", "id"),
    Index("idx_events_batch", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
    Index("idx_events_decided", "workspace_id", "at", postgresql_where=text("action IN ('status', 'undone')")),
    comment="Append-only audit, written by triggers in the transaction of the change",
)
