"""What tables have in common: names of constraints, and the columns that many of them share."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Numeric,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

__all__ = [
    "ROLE_VALUES",
    "STATUS_VALUES",
    "conversation",
    "json_object",
    "metadata",
    "moment",
    "of_conversation",
    "person",
    "row_id",
    "score",
    "workspace",
    "workspace_key",
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


def row_id() -> Column[object]:
    """The primary key of most tables, made by the database."""
    return Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"))


def workspace() -> Column[object]:
    """The tenant."""
    return Column(
        "workspace_id",
        Uuid,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        nullable=False,
        comment="Tenant; every query names it by equality",
    )


def workspace_key() -> Column[object]:
    """The tenant, as part of the primary key."""
    return Column(
        "workspace_id",
        Uuid,
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Tenant; every query names it by equality",
    )


def moment(name: str, *, comment: str | None = None) -> Column[object]:
    """When something happened; now, unless told."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"), comment=comment)


def json_object(name: str, *, empty: str = "{}", comment: str | None = None) -> Column[object]:
    """A JSON value that is never null."""
    return Column(name, JSONB, nullable=False, server_default=text(f"'{empty}'::jsonb"), comment=comment)


def person(name: str, *, nullable: bool = True, comment: str | None = None) -> Column[object]:
    """Who did something."""
    return Column(name, Uuid, ForeignKey("profiles.id"), nullable=nullable, comment=comment)


def score(name: str, *, precision: int = 2, scale: int = 1, comment: str | None = None) -> Column[object]:
    """A score from 1.0 to 5.0; null where nobody gave one."""
    return Column(
        name, Numeric(precision, scale), CheckConstraint(f"{name} BETWEEN 1.0 AND 5.0", name=name), comment=comment
    )


def conversation(*, primary_key: bool = False) -> Column[object]:
    """The conversation that a row belongs to; see `of_conversation`."""
    return Column("conversation_id", Uuid, primary_key=primary_key, nullable=False)


def of_conversation() -> ForeignKeyConstraint:
    """The rule that binds it: composite, so that a child row cannot name another workspace's conversation."""
    return ForeignKeyConstraint(
        ["workspace_id", "conversation_id"], ["conversations.workspace_id", "conversations.id"], ondelete="CASCADE"
    )
