"""Tables of conversations, their turns and texts, and what was found in them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from convstore.database.tables.columns import (
    STATUS_VALUES,
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
from convstore.model import DIMENSIONS

__all__ = ["FILE_TENTHS_BITS", "conversation_texts", "conversation_turns", "conversations", "findings"]


def _scaffold_reference(column: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], ondelete=f"SET NULL ({column})"
    )


#: Bits of one score in `conversations.file_tenths`.
FILE_TENTHS_BITS = 6

conversations = Table(
    "conversations",
    metadata,
    row_id(),
    workspace(),
    Column("conversation_id", String(100), nullable=False, comment="The id that people and files use"),
    Column("persona_id", Uuid),
    Column("emotional_arc_id", Uuid),
    Column("training_topic_id", Uuid),
    Column("template_id", Uuid),
    Column("persona_key", String(100)),
    Column("emotional_arc_key", String(100)),
    Column("topic_key", String(100)),
    Column("conversation_name", String(255), nullable=False),
    Column("description", Text),
    Column("turn_count", Integer, nullable=False, comment="Number of conversation_turns rows"),
    Column(
        "tier",
        String(50),
        CheckConstraint("tier IN ('template', 'scenario', 'edge_case')", name="tier"),
        nullable=False,
        server_default=text("'template'"),
    ),
    Column("category", String(100)),
    score("quality_score", comment="Score of the file, 1.0 to 5.0; null is unscored"),
    score("empathy_score"),
    score("clarity_score"),
    score("appropriateness_score"),
    score("brand_voice_alignment"),
    score("human_quality_score", precision=3, scale=2, comment="Mean of the reviews of the current turns"),
    score("human_empathy_score", precision=3, scale=2),
    score("human_clarity_score", precision=3, scale=2),
    score("human_appropriateness_score", precision=3, scale=2),
    score("human_brand_voice_alignment", precision=3, scale=2),
    Column("review_count", Integer, nullable=False, server_default=text("0")),
    Column(
        "effective_quality",
        SmallInteger,
        Computed("coalesce(round(coalesce(human_quality_score, quality_score) * 10), 0)::smallint", persisted=True),
        nullable=False,
        comment="Human quality if there is one, else the file's, in tenths; 0 is unscored",
    ),
    Column(
        "status",
        String(50),
        CheckConstraint(f"status IN {STATUS_VALUES}", name="status"),
        nullable=False,
        server_default=text("'pending_review'"),
        comment="Review workflow; moves are checked by a trigger",
    ),
    Column(
        "processing_status",
        String(50),
        CheckConstraint(
            "processing_status IN ('queued', 'processing', 'completed', 'failed')", name="processing_status"
        ),
        nullable=False,
        server_default=text("'completed'"),
    ),
    Column(
        "file_url",
        Text,
        CheckConstraint("file_url IS NULL", name="file_url_is_unused"),
        comment="Kept empty: paths are stored, never URLs",
    ),
    Column("file_size", BigInteger, nullable=False, comment="Bytes as stored, compressed"),
    Column("file_path", Text, CheckConstraint("file_path !~ '^[a-z]+://'", name="file_path_is_no_url"), nullable=False),
    Column("storage_bucket", String(100), nullable=False, server_default=text("'conversation-files'")),
    Column("starting_emotion", String(100)),
    Column("ending_emotion", String(100)),
    Column("emotional_intensity_start", Numeric(3, 2)),
    Column("emotional_intensity_end", Numeric(3, 2)),
    Column("usage_count", Integer, nullable=False, server_default=text("0"), comment="Releases that hold it"),
    Column("last_exported_at", DateTime(timezone=True)),
    Column("export_count", Integer, nullable=False, server_default=text("0")),
    person("created_by", nullable=False),
    moment("created_at"),
    moment("updated_at"),
    person("reviewed_by"),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("review_notes", Text),
    Column("expires_at", DateTime(timezone=True), comment="When retention removes it"),
    Column("is_active", Boolean, nullable=False, server_default=text("true"), comment="False: in the trash"),
    Column("deleted_at", DateTime(timezone=True)),
    person("deleted_by"),
    Column("turns_sha256", Text, nullable=False, comment="Identity of content; decisions bind to it"),
    Column("content_sha256", Text, nullable=False, comment="Integrity of the stored document before gzip"),
    Column("content_bytes", BigInteger, nullable=False, comment="Bytes of the document before gzip"),
    Column("format", Text, nullable=False, comment="Family of the file it came from"),
    Column("source_name", Text, comment="Name of the file it came from"),
    Column("system_prompt", Text),
    json_object("extra", comment="What the file says and no column holds"),
    Column(
        "sort_name",
        Text(collation="C"),
        Computed("lower(conversation_name)", persisted=True),
        nullable=False,
        comment="Order of names, whatever the database's collation",
    ),
    Column("word_count", Integer, nullable=False, server_default=text("0"), comment="Words of all turns"),
    Column(
        "intensities",
        ARRAY(SmallInteger),
        comment="Emotional intensity of every turn in hundredths, null where it has none",
    ),
    Column(
        "file_tenths",
        Integer,
        Computed(
            " | ".join(
                f"(coalesce(({column} * 10)::integer, 0) << {FILE_TENTHS_BITS * place})"
                for place, column in enumerate(DIMENSIONS.values())
            ),
            persisted=True,
        ),
        nullable=False,
        comment="The five scores of the file in tenths, 6 bits each from the lowest on; 0 is unscored",
    ),
    UniqueConstraint("workspace_id", "conversation_id"),
    UniqueConstraint("workspace_id", "id"),
    _scaffold_reference("persona_id", "personas"),
    _scaffold_reference("emotional_arc_id", "emotional_arcs"),
    _scaffold_reference("training_topic_id", "training_topics"),
    _scaffold_reference("template_id", "prompt_templates"),
    CheckConstraint("is_active = (deleted_at IS NULL)", name="trash"),
    comment="Metadata for LLM training conversations with references to their files",
)


for _name, _columns in {
    "created": ("workspace_id", "created_at", "id"),
    "status": ("workspace_id", "status", "created_at", "id"),
    # Where the newest all wait for review, the decided ones lie far behind in any order by time.
    "status_updated": ("workspace_id", "status", "updated_at", "id"),
    "tier": ("workspace_id", "tier", "created_at", "id"),
    "persona": ("workspace_id", "persona_key", "created_at", "id"),
    "arc": ("workspace_id", "emotional_arc_key", "created_at", "id"),
    "topic": ("workspace_id", "topic_key", "created_at", "id"),
    "quality": ("workspace_id", "effective_quality", "id"),
    "updated": ("workspace_id", "updated_at", "id"),
    "name": ("workspace_id", "sort_name", "id"),
}.items():
    Index(f"idx_conversations_{_name}", *(conversations.c[c] for c in _columns), postgresql_where=text("is_active"))
Index(
    "idx_conversations_trash",
    conversations.c.workspace_id,
    conversations.c.deleted_at,
    postgresql_where=text("NOT is_active"),
)
Index(
    "idx_conversations_statistics",
    conversations.c.workspace_id,
    postgresql_include=[
        "effective_quality", "status", "tier", "persona_key", "emotional_arc_key", "topic_key", "created_at",
        *(f"{prefix}{column}" for prefix in ("", "human_") for column in DIMENSIONS.values()), "file_tenths",
        "turn_count", "word_count", "starting_emotion", "ending_emotion",
    ],
    postgresql_where=text("is_active"),
)  # fmt: skip
Index("idx_conversations_turns_sha256", conversations.c.workspace_id, conversations.c.turns_sha256)
Index(
    "idx_conversations_processing",
    conversations.c.workspace_id,
    conversations.c.processing_status,
    postgresql_where=text("processing_status <> 'completed'"),
)
Index(
    "idx_conversations_expires",
    conversations.c.expires_at,
    postgresql_where=text("is_active AND expires_at IS NOT NULL"),
)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    row_id(),
    workspace(),
    conversation(),
    Column("turn_number", Integer, CheckConstraint("turn_number >= 1", name="turn_number"), nullable=False),
    Column("role", String(50), CheckConstraint("role IN ('user', 'assistant', 'system')", name="role"), nullable=False),
    Column("content", Text, nullable=False, comment="The actual text content of the turn"),
    Column("detected_emotion", String(100)),
    Column("emotion_confidence", Numeric(3, 2)),
    Column("emotional_intensity", Numeric(3, 2)),
    Column("primary_strategy", String(255), comment="Assistant turns only"),
    Column("tone", String(100), comment="Assistant turns only"),
    Column("word_count", Integer, nullable=False),
    Column("sentence_count", Integer, nullable=False),
    moment("created_at"),
    UniqueConstraint("conversation_id", "turn_number", name="unique_conversation_turn"),
    of_conversation(),
    comment="Normalized storage of individual conversation turns for querying and analysis",
)

conversation_texts = Table(
    "conversation_texts",
    metadata,
    workspace(),
    conversation(primary_key=True),
    Column(
        "part",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Begins anew every 50,000 characters: a tsvector has an end, and knows 16,383 places",
    ),
    Column("words", TSVECTOR, nullable=False),
    of_conversation(),
    Index("idx_texts_words", "words", postgresql_using="gin"),
    comment="Words of the turns, for the text search",
)

findings = Table(
    "findings",
    metadata,
    row_id(),
    workspace(),
    conversation(),
    Column("code", Text, nullable=False),
    Column(
        "severity", Text, CheckConstraint("severity IN ('error', 'warning', 'notice')", name="severity"), nullable=False
    ),
    Column("check_version", Integer, nullable=False),
    Column("turn_number", Integer),
    Column("span_start", Integer, comment="First character in the turn, from 0"),
    Column("span_end", Integer, comment="Behind the last character"),
    Column("explanation", Text, nullable=False),
    moment("created_at"),
    person("dismissed_by"),
    Column("dismissed_at", DateTime(timezone=True)),
    Column("dismissed_reason", Text),
    of_conversation(),
    Index("idx_findings_conversation", "workspace_id", "conversation_id"),
    Index(
        "idx_findings_code", "workspace_id", "code", "conversation_id", postgresql_where=text("dismissed_at IS NULL")
    ),
    comment="What the checks noticed; a warning, never a block",
)
