"""Tables of people and workspaces: who is there, who belongs where, who is signed in."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from convstore.database.tables.columns import ROLE_VALUES, metadata, moment, person, row_id

__all__ = [
    "profiles",
    "sign_in_attempts",
    "sign_in_sessions",
    "workspace_invitations",
    "workspace_members",
    "workspaces",
]


profiles = Table(
    "profiles",
    metadata,
    row_id(),
    Column("issuer", Text, nullable=False, comment="Who vouches for the person: local, convstore, or an issuer's URL"),
    Column("subject", Text, nullable=False, comment="The person's id at the issuer"),
    Column(
        "email",
        Text,
        CheckConstraint("email = lower(email)", name="email_lower"),
        comment="Lower case; only ever a verified one",
    ),
    Column("name", Text, nullable=False),
    moment("created_at"),
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
    moment("last_at"),
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
    moment("created_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("idx_sign_in_sessions_expires_at", "expires_at"),
    comment="Browsers that stay signed in: what their cookie opens",
)

workspaces = Table(
    "workspaces",
    metadata,
    row_id(),
    Column(
        "slug",
        Text,
        CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9]){0,62}$'", name="slug"),
        nullable=False,
        unique=True,
        comment="Name in commands and addresses",
    ),
    Column("name", Text, nullable=False),
    person("created_by"),
    moment("created_at"),
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
    moment("created_at"),
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
    person("invited_by"),
    moment("created_at"),
    comment="Waits for the first sign-in with a verified e-mail",
)
