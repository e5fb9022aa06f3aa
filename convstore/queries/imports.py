"""What came in: the imports of a workspace, and the input that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from convstore.database.tables import ingest_runs, profiles, quarantine

__all__ = ["ImportRun", "QuarantinedFile", "list_imports", "list_quarantined"]

r = ingest_runs.c
q = quarantine.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """One import. `finished_at` is None while it runs, and for ever where it was interrupted."""

    id: UUID
    person: str | None
    started_at: datetime
    finished_at: datetime | None
    on_conflict: str
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFile:
    """A file, or a part of one, that could not be read. `line` and `column` count from 1, `byte` from 0."""

    file: str
    sha256: str
    bytes: int
    has_bytes: bool
    code: str
    reason: str
    path: str | None
    line: int | None
    column: int | None
    byte: int | None
    created_at: datetime


def list_imports(connection: Connection, workspace_id: UUID, *, limit: int = 10) -> tuple[ImportRun, ...]:
    """The latest imports first."""
    query = (
        select(r.id, profiles.c.name.label("person"), r.started_at, r.finished_at, r.on_conflict, r.totals)
        .select_from(ingest_runs.outerjoin(profiles, profiles.c.id == r.created_by))
        .where(r.workspace_id == workspace_id)
        .order_by(r.started_at.desc(), r.id)
        .limit(limit)
    )
    return tuple(ImportRun(**row) for row in connection.execute(query).mappings())


def list_quarantined(connection: Connection, workspace_id: UUID, *, limit: int = 50) -> tuple[QuarantinedFile, ...]:
    """The latest first."""
    query = (
        select(
            q.file, q.sha256, q.bytes, (func.cardinality(q.object_paths) > 0).label("has_bytes"), q.code, q.reason,
            q.path, q.line, q.column, q.byte, q.created_at,
        )
        .where(q.workspace_id == workspace_id)
        .order_by(q.created_at.desc(), q.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(QuarantinedFile(**row) for row in connection.execute(query).mappings())
