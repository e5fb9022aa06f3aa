"""Rows to try things on: one valid row of any table, made from the catalogue, with everything that it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from convstore.isolation.catalogue import Column, Table

__all__ = ["OWNER_COLUMNS", "Specimens"]

#: Columns that say whose row it is; in every table at most one of them.
OWNER_COLUMNS = ("created_by", "reviewer_id", "holder_id", "excluded_by", "invited_by")

_SHA256 = "0" * 64
_BY_TYPE: Mapping[str, Any] = {
    "smallint": 1,
    "integer": 1,
    "bigint": 1,
    "numeric": 1,
    "double precision": 1,
    "boolean": True,
    "jsonb": "{}",
    "text[]": "{}",
    "bigint[]": "{}",
    "smallint[]": "{}",
    "timestamp with time zone": "2100-01-01T00:00:00Z",  # a lease that has run out is anybody's
    "date": "2100-01-01",
}


@dataclass(frozen=True, slots=True)
class Specimens:
    """Makes rows in the open transaction of `connection`, which belongs to the owner of the tables."""

    connection: psycopg.Connection
    tables: Mapping[str, Table]

    def person(self) -> UUID:
        """A new profile."""
        return self._insert(self.tables["profiles"], self.values("profiles", None, None))["id"]  # type: ignore[no-any-return]

    def workspace(self) -> UUID:
        """A new workspace."""
        return self._insert(self.tables["workspaces"], self.values("workspaces", None, None))["id"]  # type: ignore[no-any-return]

    def member(self, workspace: UUID, user: UUID, role: str) -> None:
        """Let somebody belong to a workspace."""
        self.connection.execute(
            "INSERT INTO public.workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
            [workspace, user, role],
        )

    def row(self, table: str, workspace: UUID, owner: UUID) -> dict[str, Any]:
        """A new row; what of it identifies it."""
        if table == "workspaces":
            return {"id": workspace}
        made = self._insert(self.tables[table], self.values(table, workspace, owner))
        if table == "profiles":
            self.member(workspace, made["id"], "viewer")
        return made

    def values(self, table: str, workspace: UUID | None, owner: UUID | None) -> dict[str, Any]:
        """Values of a row that could be inserted now; what it refers to is there."""
        described = self.tables[table]
        values: dict[str, Any] = {}
        for reference in described.references:
            if reference.table in ("workspaces", "profiles") or not any(
                column.required and column.name in reference.columns and column.name != "workspace_id"
                for column in described.columns
            ):
                continue
            assert workspace is not None
            assert owner is not None
            parent = self.row(reference.table, workspace, owner)
            parent = {**parent, "workspace_id": workspace}
            values |= {mine: parent[theirs] for mine, theirs in zip(reference.columns, reference.theirs, strict=True)}
        has_file = described.has("file_path")  # its path holds the row's id, which is known beforehand
        for column in described.columns:
            if column.name in values or column.made_by_the_server:
                continue
            if column.name == "workspace_id":
                values[column.name] = workspace or uuid4()
            elif column.name in OWNER_COLUMNS:
                if owner is not None:
                    values[column.name] = owner
            elif column.required or (column.distinct and column.is_text) or (column.name == "id" and has_file):
                values[column.name] = self._value(described, column, workspace, owner)
        if "file_path" in values:
            row_id = values["conversation_id"] if table == "release_items" else values["id"]
            values["file_path"] = f"{owner}/{row_id}/{values['content_sha256'][:12]}/conversation.json.gz"
        return values

    def _value(self, table: Table, column: Column, workspace: UUID | None, owner: UUID | None) -> Any:
        if column.name == "user_id":
            return self.person()
        if column.name == "conversation_id" and column.type == "uuid":
            assert workspace is not None
            assert owner is not None
            return self.row("conversations", workspace, owner)["id"]
        if column.values:
            return self._unused(table, column, workspace)
        if column.type == "uuid":
            return uuid4()
        if column.name.endswith("sha256"):
            return _SHA256
        if column.type in _BY_TYPE:
            return _BY_TYPE[column.type]
        return f"{uuid4().hex}@example.invalid" if column.name == "email" else f"specimen-{uuid4().hex[:20]}"

    def _unused(self, table: Table, column: Column, workspace: UUID | None) -> str:
        """An allowed value; where it is part of the key, one that the workspace has no row with."""
        if not column.in_key:
            return column.values[0]
        query = sql.SQL("SELECT {} FROM public.{} WHERE workspace_id = %s").format(
            sql.Identifier(column.name), sql.Identifier(table.name)
        )
        taken = {row[0] for row in self.connection.execute(query, [workspace])}
        return next(value for value in column.values if value not in taken)

    def _insert(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        key = [column.name for column in table.columns if column.in_key]
        row = self.connection.execute(
            sql.SQL("INSERT INTO public.{} ({}) VALUES ({}) RETURNING {}").format(
                sql.Identifier(table.name),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(map(sql.Literal, values.values())),
                sql.SQL(", ").join(map(sql.Identifier, key)),
            )
        ).fetchone()
        assert row is not None
        return dict(zip(key, row, strict=True))
