"""The tables, as SQLAlchemy Core sees them. The migrations make them; a test proves that both agree.

Names follow the specification; every table carries `workspace_id`, so that policies need no join and
the whole schema can be distributed by it. Policies, triggers and grants live in the migrations only.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from convstore.model import DIMENSIONS

__all__ = [
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
    "training_topics",
    "turn_exclusions",
    "usage_changes",
    "workspace_invitations",
    "workspace_members",
    "workspaces",
]

metadata = MetaData(
    naming_convention={
        "ix": "idx_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

STATUS_VALUES = "('pending_review', 'needs_revision', 'approved', 'rejected', 'archived')"
ROLE_VALUES = "('viewer', 'reviewer', 'lead', 'admin')"


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def _workspace() -> Column[object]:
    return Column(
        "workspace_id",
        Uuid,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        nullable=False,
        comment="Tenant; every query names it by equality",
    )


def _workspace_key() -> Column[object]:
    return Column(
        "workspace_id",
        Uuid,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Tenant; every query names it by equality",
    )


def _at(name: str, *, comment: str | None = None) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"), comment=comment)


def _jsonb(name: str, *, empty: str = "{}", comment: str | None = None) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text(f"'{empty}'::jsonb"), comment=comment)


def _person(name: str, *, nullable: bool = True, comment: str | None = None) -> Column[object]:
    return Column(name, Uuid, ForeignKey("profiles.id"), nullable=nullable, comment=comment)


def _score(name: str, *, precision: int = 2, scale: int = 1, comment: str | None = None) -> Column[object]:
    return Column(
        name, Numeric(precision, scale), CheckConstraint(f"{name} BETWEEN 1.0 AND 5.0", name=name), comment=comment
    )


def _conversation(*, primary_key: bool = False) -> Column[object]:
    return Column("conversation_id", Uuid, primary_key=primary_key, nullable=False)


def _of_conversation() -> ForeignKeyConstraint:
    # Composite, so that a child row cannot name another workspace's conversation.
    return ForeignKeyConstraint(
        ["workspace_id", "conversation_id"], ["conversations.workspace_id", "conversations.id"], ondelete="CASCADE"
    )


profiles = Table(
    "profiles",
    metadata,
    _id(),
    Column("issuer", Text, nullable=False, comment="Who vouches for the person: local, convstore, or an issuer's URL"),
    Column("subject", Text, nullable=False, comment="The person's id at the issuer"),
    Column(
        "email",
        Text,
        CheckConstraint("email = lower(email)", name="email_lower"),
        comment="Lower case; only ever a verified one",
    ),
    Column("name", Text, nullable=False),
    _at("created_at"),
    Column("last_seen_at", DateTime(timezone=True)),
    UniqueConstraint("issuer", "subject"),
    Index(None, "email"),
    comment="People and system actors; a person is an issuer and a subject",
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", Text, primary_key=True, comment="SHA-256 of an e-mail, an address or both"),
    Column("failures", Integer, nullable=False),
    _at("last_at"),
    Index("idx_sign_in_attempts_last_at", "last_at"),
    comment="Passwords tried in vain, so that guessing gets slow in every process",
)

sign_in_sessions = Table(
    "sign_in_sessions",
    metadata,
    Column("key", Text, primary_key=True, comment="SHA-256 of the secret in the browser's cookie"),
    Column(
        "sealed",
        LargeBinary,
        nullable=False,
        comment="Tokens of the sign-in, encrypted with that secret, which is stored nowhere",
    ),
    _at("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("idx_sign_in_sessions_expires_at", "expires_at"),
    comment="Browsers that stay signed in: what their cookie opens",
)

workspaces = Table(
    "workspaces",
    metadata,
    _id(),
    Column(
        "slug",
        Text,
        CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9]){0,62}$'", name="slug"),
        nullable=False,
        unique=True,
        comment="Name in commands and addresses",
    ),
    Column("name", Text, nullable=False),
    _person("created_by"),
    _at("created_at"),
    Column(
        "blind",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Others' scores stay hidden until one's own is in",
    ),
    Column("guidelines", Text, nullable=False, server_default=text("''"), comment="What reviewers should know"),
    Column(
        "reject_reasons",
        ARRAY(Text),
        nullable=False,
        server_default=text("ARRAY['Not helpful','Not accurate','Tone is off','Unsafe advice','Broken text']"),
        comment="Reasons offered when a conversation is rejected",
    ),
    Column("language", Text, nullable=False, server_default=text("'en'"), comment="ISO 639-1 code of the set"),
    Column("quota_bytes", BigInteger, comment="Most bytes of files; null is unlimited"),
    comment="Teams; everything belongs to one",
)

workspace_members = Table(
    "workspace_members",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Uuid, ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, CheckConstraint(f"role IN {ROLE_VALUES}", name="role"), nullable=False),
    _at("created_at"),
    Index(None, "user_id"),
    comment="Who may do what where: viewer < reviewer < lead < admin",
)

workspace_invitations = Table(
    "workspace_invitations",
    metadata,
    Column("workspace_id", Uuid, ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "email",
        Text,
        CheckConstraint("email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email"),
        primary_key=True,
    ),
    Column("role", Text, CheckConstraint(f"role IN {ROLE_VALUES}", name="role"), nullable=False),
    _person("invited_by"),
    _at("created_at"),
    comment="Waits for the first sign-in with a verified e-mail",
)


def _scaffold(name: str, key: str, *columns: Column[object], comment: str) -> Table:
    return Table(
        name,
        metadata,
        _id(),
        _workspace(),
        Column(key, String(100), nullable=False),
        Column("name", String(255), nullable=False),
        Column("description", Text),
        *columns,
        _at("created_at"),
        UniqueConstraint("workspace_id", key),
        UniqueConstraint("workspace_id", "id"),
        comment=comment,
    )


personas = _scaffold("personas", "persona_key", Column("archetype", String(255)), comment="Who speaks as the user")
emotional_arcs = _scaffold(
    "emotional_arcs",
    "arc_key",
    Column("starting_emotion", String(100)),
    Column("ending_emotion", String(100)),
    Column("intensity_start", Numeric(3, 2)),
    Column("intensity_end", Numeric(3, 2)),
    comment="How feeling is promised to move",
)
training_topics = _scaffold(
    "training_topics", "topic_key", Column("category", String(100)), comment="What a conversation is about"
)
prompt_templates = _scaffold(
    "prompt_templates",
    "template_key",
    Column("text", Text, nullable=False, server_default=text("''")),
    Column("category", String(100)),
    comment="Prompts that conversations were generated from",
)


def _scaffold_reference(column: str, table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], ondelete=f"SET NULL ({column})"
    )


#: Bits of one score in `conversations.file_tenths`.
FILE_TENTHS_BITS = 6

conversations = Table(
    "conversations",
    metadata,
    _id(),
    _workspace(),
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
    _score("quality_score", comment="Score of the file, 1.0 to 5.0; null is unscored"),
    _score("empathy_score"),
    _score("clarity_score"),
    _score("appropriateness_score"),
    _score("brand_voice_alignment"),
    _score("human_quality_score", precision=3, scale=2, comment="Mean of the reviews of the current turns"),
    _score("human_empathy_score", precision=3, scale=2),
    _score("human_clarity_score", precision=3, scale=2),
    _score("human_appropriateness_score", precision=3, scale=2),
    _score("human_brand_voice_alignment", precision=3, scale=2),
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
    _person("created_by", nullable=False),
    _at("created_at"),
    _at("updated_at"),
    _person("reviewed_by"),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("review_notes", Text),
    Column("expires_at", DateTime(timezone=True), comment="When retention removes it"),
    Column("is_active", Boolean, nullable=False, server_default=text("true"), comment="False: in the trash"),
    Column("deleted_at", DateTime(timezone=True)),
    _person("deleted_by"),
    Column("turns_sha256", Text, nullable=False, comment="Identity of content; decisions bind to it"),
    Column("content_sha256", Text, nullable=False, comment="Integrity of the stored document before gzip"),
    Column("content_bytes", BigInteger, nullable=False, comment="Bytes of the document before gzip"),
    Column("format", Text, nullable=False, comment="Family of the file it came from"),
    Column("source_name", Text, comment="Name of the file it came from"),
    Column("system_prompt", Text),
    _jsonb("extra", comment="What the file says and no column holds"),
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
    _id(),
    _workspace(),
    _conversation(),
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
    _at("created_at"),
    UniqueConstraint("conversation_id", "turn_number", name="unique_conversation_turn"),
    _of_conversation(),
    comment="Normalized storage of individual conversation turns for querying and analysis",
)

conversation_texts = Table(
    "conversation_texts",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    Column(
        "part",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Begins anew every 50,000 characters: a tsvector has an end, and knows 16,383 places",
    ),
    Column("words", TSVECTOR, nullable=False),
    _of_conversation(),
    Index("idx_texts_words", "words", postgresql_using="gin"),
    comment="Words of the turns, for the text search",
)

findings = Table(
    "findings",
    metadata,
    _id(),
    _workspace(),
    _conversation(),
    Column("code", Text, nullable=False),
    Column(
        "severity", Text, CheckConstraint("severity IN ('error', 'warning', 'notice')", name="severity"), nullable=False
    ),
    Column("check_version", Integer, nullable=False),
    Column("turn_number", Integer),
    Column("span_start", Integer, comment="First character in the turn, from 0"),
    Column("span_end", Integer, comment="Behind the last character"),
    Column("explanation", Text, nullable=False),
    _at("created_at"),
    _person("dismissed_by"),
    Column("dismissed_at", DateTime(timezone=True)),
    Column("dismissed_reason", Text),
    _of_conversation(),
    Index("idx_findings_conversation", "workspace_id", "conversation_id"),
    Index(
        "idx_findings_code", "workspace_id", "code", "conversation_id", postgresql_where=text("dismissed_at IS NULL")
    ),
    comment="What the checks noticed; a warning, never a block",
)

reviews = Table(
    "reviews",
    metadata,
    _id(),
    _workspace(),
    _conversation(),
    _person("reviewer_id", nullable=False),
    _score("quality_score"),
    _score("empathy_score"),
    _score("clarity_score"),
    _score("appropriateness_score"),
    _score("brand_voice_alignment"),
    Column(
        "decision",
        String(50),
        CheckConstraint("decision IN ('approved', 'rejected', 'needs_revision')", name="decision"),
    ),
    Column("reasons", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("note", Text),
    _jsonb("turn_notes", comment="Turn number to note"),
    Column("seconds", Integer, CheckConstraint("seconds >= 0", name="seconds"), comment="Time spent reading"),
    Column("turns_sha256", Text, nullable=False, comment="The turns that were read"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("conversation_id", "reviewer_id"),
    _of_conversation(),
    Index("idx_reviews_reviewer", "workspace_id", "reviewer_id", "updated_at"),
    comment="One a reviewer and conversation, bound to the turns that were read",
)

review_drafts = Table(
    "review_drafts",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    Column("reviewer_id", Uuid, ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    _jsonb("draft"),
    _at("updated_at"),
    _of_conversation(),
    comment="Scores and notes that are not sent yet; they survive closing the browser",
)

leases = Table(
    "leases",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    _person("holder_id", nullable=False),
    _at("acquired_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    _of_conversation(),
    Index("idx_leases_holder", "workspace_id", "holder_id"),
    comment="Who reads what at the moment, so that nobody is handed the same conversation",
)

queues = Table(
    "queues",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    _jsonb("filter"),
    Column("sort", Text, nullable=False, server_default=text("'created'")),
    Column("descending", Boolean, nullable=False, server_default=text("false")),
    _person("created_by"),
    _at("created_at"),
    UniqueConstraint("workspace_id", "name"),
    comment="Saved filters with an order, from which reviewers are handed work",
)

turn_exclusions = Table(
    "turn_exclusions",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    Column("turn_number", Integer, primary_key=True),
    Column("turns_sha256", Text, nullable=False),
    _person("excluded_by", nullable=False),
    _at("created_at"),
    _of_conversation(),
    comment="Messages that a reviewer keeps out of training; exported as weight or train",
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workspace_id", Uuid, nullable=False, comment="No foreign key: the audit outlives what it speaks of"),
    Column("conversation_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", Text, comment="What it happened to, where that is no conversation"),
    _at("at"),
    Column("actor_id", Uuid),
    _jsonb("before"),
    _jsonb("after"),
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

releases = Table(
    "releases",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text),
    Column("format", Text, nullable=False),
    _jsonb("filter"),
    _jsonb("rules"),
    _jsonb("options"),
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
    _jsonb("files", empty="[]"),
    _jsonb("left_out", empty="[]"),
    _jsonb("summary"),
    _person("created_by", nullable=False),
    _at("created_at"),
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
    _jsonb("state", comment="Metadata as it went out, so that the same rows can be made again"),
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
    _at("exported_at"),
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

ingest_runs = Table(
    "ingest_runs",
    metadata,
    _id(),
    _workspace(),
    _person("created_by", nullable=False),
    _at("started_at"),
    Column("finished_at", DateTime(timezone=True)),
    Column("on_conflict", Text, nullable=False),
    _jsonb("totals"),
    UniqueConstraint("workspace_id", "id"),
    Index("idx_ingest_runs_started", "workspace_id", "started_at"),
    comment="Imports",
)

ingest_items = Table(
    "ingest_items",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    _workspace(),
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
    _jsonb("report", comment="What became of the file and each conversation in it"),
    ForeignKeyConstraint(
        ["workspace_id", "run_id"], ["ingest_runs.workspace_id", "ingest_runs.id"], ondelete="CASCADE"
    ),
    comment="Files of an import",
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    _workspace(),
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
    _person("created_by", nullable=False),
    _at("created_at"),
    UniqueConstraint("workspace_id", "sha256", "file"),
    comment="Input that could not be read, with its bytes",
)

conversations_archive = Table(
    "conversations_archive",
    metadata,
    Column("id", Uuid, primary_key=True),
    _workspace(),
    Column("conversation_id", String(100), nullable=False),
    Column("conversation_name", String(255), nullable=False),
    Column("row", JSONB, nullable=False, comment="The row of conversations"),
    Column("turns", JSONB, nullable=False),
    Column("findings", JSONB, nullable=False),
    Column("reviews", JSONB, nullable=False),
    Column("exclusions", JSONB, nullable=False),
    _at("archived_at"),
    _person("archived_by"),
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

jobs = Table(
    "jobs",
    metadata,
    _id(),
    _workspace(),
    Column("task", Text, nullable=False),
    _jsonb("arguments"),
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
    _jsonb("state", comment="How far it came, so that another worker can go on from there"),
    Column("result", JSONB),
    Column("error", JSONB),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("queue_id", BigInteger, comment="Its number in the queue"),
    _person("created_by", nullable=False),
    _at("created_at"),
    Column("started_at", DateTime(timezone=True)),
    _at("updated_at"),
    Column("finished_at", DateTime(timezone=True)),
    Index("idx_jobs_created", "workspace_id", "created_at", "id"),
    Index("idx_jobs_open", "workspace_id", "task", postgresql_where=text("status IN ('queued', 'running', 'failed')")),
    comment="Work in the background: who asked for it, how far it is, how it ended",
)

coverage_targets = Table(
    "coverage_targets",
    metadata,
    _id(),
    _workspace(),
    Column("persona_key", String(100)),
    Column("emotional_arc_key", String(100)),
    Column("topic_key", String(100)),
    Column("tier", String(50)),
    Column("wanted", Integer, CheckConstraint("wanted >= 0", name="wanted"), nullable=False),
    _person("created_by"),
    _at("created_at"),
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
    _workspace(),
    _conversation(primary_key=True),
    Column("turns_sha256", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("signature", LargeBinary, nullable=False, comment="MinHash, see convstore.checks.similarity"),
    _of_conversation(),
    comment="What near-duplicates are found by",
)

similarity_bands = Table(
    "similarity_bands",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    Column("band", SmallInteger, primary_key=True),
    Column("key", BigInteger, nullable=False),
    _of_conversation(),
    Index("idx_similarity_bands_key", "workspace_id", "key", "conversation_id"),
    comment="Bands of MinHash signatures: equal keys make candidates",
)

duplicate_members = Table(
    "duplicate_members",
    metadata,
    _workspace(),
    _conversation(primary_key=True),
    Column("group_id", Uuid, nullable=False, comment="The smallest conversation id of the group"),
    Column("similarity", Numeric(4, 3), nullable=False, comment="Highest Jaccard similarity to another member"),
    _at("created_at"),
    _of_conversation(),
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
    _workspace_key(),
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
    _workspace_key(),
    Column("conversations", Integer, nullable=False),
    Column("reply_chars_q1", Double, nullable=False, comment="First quartile of the length of replies"),
    Column("reply_chars_q3", Double, nullable=False),
    _at("counted_at"),
    comment="What checks against the whole set compare with, counted by a job",
)

stock_phrases = Table(
    "stock_phrases",
    metadata,
    _workspace_key(),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("edge", Text, CheckConstraint("edge IN ('opening', 'closing')", name="edge"), nullable=False),
    Column("phrase", Text, nullable=False),
    Column("conversations", Integer, nullable=False),
    comment="Openings and closings that several conversations share, counted by a job",
)

check_progress = Table(
    "check_progress",
    metadata,
    _workspace_key(),
    Column("code", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("checked_through", Uuid, comment="The last conversation that is done; null before the first"),
    Column("finished_at", DateTime(timezone=True)),
    comment="How far each check has been run again over the set, and in which version",
)
