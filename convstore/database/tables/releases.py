"""Tables of releases and what they hold."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from convstore.database.tables.columns import json_object, metadata, moment, person, row_id, workspace

__all__ = ["release_items", "releases", "usage_changes"]


releases = Table(
    "releases",
    metadata,
    row_id(),
    workspace(),
    Column("name", Text),
    Column("format", Text, nullable=False),
    json_object("filter"),
    json_object("rules"),
    json_object("options"),
    Column("seed", BigInteger, nullable=False, server_default=text("0")),
    Column("exporter_version", Text, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('building', 'sealed', 'failed')", name="status"),
        nullable=False,
        server_default=text("'building'"),
    ),
    Column("conversation_count", Integer, nullable=False, server_default=text("0")),
    json_object("files", empty="[]"),
    json_object("left_out", empty="[]"),
    json_object("summary"),
    person("created_by", nullable=False),
    moment("created_at"),
    Column("sealed_at", DateTime(timezone=True)),
    UniqueConstraint("workspace_id", "name"),
    UniqueConstraint("workspace_id", "id"),
    Index("idx_releases_created", "workspace_id", "created_at"),
    comment="Every export: what went out, from what, by whom; sealed ones cannot change",
)

release_items = Table(
    "release_items",
    metadata,
    Column("release_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    # Without a foreign key of its own: the release's comes first, and every row would be checked twice.
    Column("workspace_id", Uuid, nullable=False, comment="Tenant, the release's; every query names it by equality"),
    Column("conversation_id", Uuid, nullable=False, comment="No foreign key: the item outlives the conversation"),
    Column("public_id", String(100), nullable=False),
    Column("turns_sha256", Text, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("file_path", Text, nullable=False),
    Column("split", Text),
    json_object("state", comment="Metadata as it went out, so that the same rows can be made again"),
    ForeignKeyConstraint(["workspace_id", "release_id"], ["releases.workspace_id", "releases.id"], ondelete="CASCADE"),
    Index("idx_release_items_conversation", "workspace_id", "conversation_id"),
    comment="The conversations of a release in their order, with the versions that went out",
)

usage_changes = Table(
    "usage_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workspace_id", Uuid, nullable=False, comment="Tenant; every query names it by equality"),
    Column("release_id", Uuid, nullable=False),
    Column("releases", Integer, nullable=False, comment="1 for the first export of a release, 0 for another one"),
    moment("exported_at"),
    Column(
        "folded_to",
        Integer,
        nullable=False,
        server_default=text("-1"),
        comment="Position of the last item that was folded",
    ),
    ForeignKeyConstraint(["workspace_id", "release_id"], ["releases.workspace_id", "releases.id"], ondelete="CASCADE"),
    Index("idx_usage_changes_workspace_id", "workspace_id", "id"),
    comment="Exports that the counts of conversations do not hold yet",
)
