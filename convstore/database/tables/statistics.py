"""Tables of what is computed about a whole set: duplicates, counts, statistics, and the coverage that is aimed at."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from convstore.database.tables.columns import (
    conversation,
    metadata,
    moment,
    of_conversation,
    person,
    row_id,
    workspace,
    workspace_key,
)

__all__ = [
    "check_progress",
    "coverage_targets",
    "duplicate_members",
    "facet_changes",
    "facet_counts",
    "set_statistics",
    "similarity_bands",
    "similarity_signatures",
    "stock_phrases",
]


coverage_targets = Table(
    "coverage_targets",
    metadata,
    row_id(),
    workspace(),
    Column("persona_key", String(100)),
    Column("emotional_arc_key", String(100)),
    Column("topic_key", String(100)),
    Column("tier", String(50)),
    Column("wanted", Integer, CheckConstraint("wanted >= 0", name="wanted"), nullable=False),
    person("created_by"),
    moment("created_at"),
    UniqueConstraint(
        "workspace_id",
        "persona_key",
        "emotional_arc_key",
        "topic_key",
        "tier",
        name="uq_coverage_targets_cell",
        postgresql_nulls_not_distinct=True,
    ),
    comment="How many approved conversations a lead wants in a cell; null means any",
)

similarity_signatures = Table(
    "similarity_signatures",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column("turns_sha256", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("signature", LargeBinary, nullable=False, comment="MinHash, see convstore.checks.similarity"),
    of_conversation(),
    comment="What near-duplicates are found by",
)

similarity_bands = Table(
    "similarity_bands",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column("band", SmallInteger, primary_key=True),
    Column("key", BigInteger, nullable=False),
    of_conversation(),
    Index("idx_similarity_bands_key", "workspace_id", "key", "conversation_id"),
    comment="Bands of MinHash signatures: equal keys make candidates",
)

duplicate_members = Table(
    "duplicate_members",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column("group_id", Uuid, nullable=False, comment="The smallest conversation id of the group"),
    Column("similarity", Numeric(4, 3), nullable=False, comment="Highest Jaccard similarity to another member"),
    moment("created_at"),
    of_conversation(),
    Index("idx_duplicate_members_group", "workspace_id", "group_id"),
    comment="Groups of exact and near duplicates, kept transitively",
)

facet_changes = Table(
    "facet_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "workspace_id",
        Uuid,
        nullable=False,
        comment="No foreign key: a deleted workspace's conversations leave it last",
    ),
    *(Column(name, Text, nullable=False) for name in ("status", "tier", "persona", "arc", "topic")),
    Column("delta", Integer, nullable=False),
    Index("idx_facet_changes_workspace_id", "workspace_id"),
    comment="Conversations that came to or left a cell of facets, since the last compaction",
)

facet_counts = Table(
    "facet_counts",
    metadata,
    workspace_key(),
    Column("given", Text, primary_key=True, comment="The facet that is held fast; empty: none"),
    Column("given_value", Text, primary_key=True),
    Column("facet", Text, primary_key=True),
    Column("value", Text, primary_key=True, comment="Empty: the conversation has none"),
    Column("count", BigInteger, nullable=False),
    comment="Active conversations by facet, alone and under one value of another facet",
)


set_statistics = Table(
    "set_statistics",
    metadata,
    workspace_key(),
    Column("conversations", Integer, nullable=False),
    Column("reply_chars_q1", Double, nullable=False, comment="First quartile of the length of replies"),
    Column("reply_chars_q3", Double, nullable=False),
    moment("counted_at"),
    comment="What checks against the whole set compare with, counted by a job",
)

stock_phrases = Table(
    "stock_phrases",
    metadata,
    workspace_key(),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("edge", Text, CheckConstraint("edge IN ('opening', 'closing')", name="edge"), nullable=False),
    Column("phrase", Text, nullable=False),
    Column("conversations", Integer, nullable=False),
    comment="Openings and closings that several conversations share, counted by a job",
)

check_progress = Table(
    "check_progress",
    metadata,
    workspace_key(),
    Column("code", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("checked_through", Uuid, comment="The last conversation that is done; null before the first"),
    Column("finished_at", DateTime(timezone=True)),
    comment="How far each check has been run again over the set, and in which version",
)
