"""Buckets and objects as rows of the real database, under the caller's role and claims; bytes as files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from tests.supabase_storage.replies import (
    database_error,
    duplicate,
    invalid_key,
    invalid_mime_type,
    invalid_request,
    no_bucket,
    no_object,
    too_large,
    unauthorized,
)

KEY = re.compile(r"^[A-Za-z0-9_/!.*'() &$=@;:+,?-]*$")
SERVER_MAX_BYTES = 50 * 1024 * 1024

Claims = dict[str, Any]
Connection = psycopg.Connection[DictRow]


class Objects:
    """What the storage server does in its database, as the caller wherever policies count."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._folder = folder
        self._database_url = database_url
        self._idle: list[Connection] = []

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = psycopg.connect(self._database_url, row_factory=dict_row)
        try:
            with connection.transaction():
                yield connection
        except psycopg.OperationalError:
            self.close()  # the others are broken as well
            raise
        finally:
            if connection.broken:
                connection.close()
            else:
                self._idle.append(connection)

    @contextmanager
    def acting(self, claims: Claims | None) -> Iterator[Connection]:
        """A transaction as the caller, or as the server itself."""
        try:
            with self._transaction() as connection:
                if claims is not None:
                    connection.execute(
                        "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                        (claims["role"], json.dumps(claims)),
                    )
                yield connection
        except psycopg.errors.InsufficientPrivilege:
            raise unauthorized("new row violates row-level security policy") from None
        except psycopg.errors.UniqueViolation:
            raise duplicate() from None
        except psycopg.Error as exc:
            raise database_error(str(exc)) from None

    # Buckets

    def bucket(self, bucket: str, claims: Claims | None = None) -> DictRow:
        with self.acting(claims) as connection:
            row = connection.execute("SELECT * FROM storage.buckets WHERE id = %s", (bucket,)).fetchone()
        if row is None:
            raise no_bucket()
        return row

    def create_bucket(self, body: dict[str, Any], claims: Claims) -> None:
        with self.acting(claims) as connection:
            connection.execute(
                "INSERT INTO storage.buckets (id, name, public, file_size_limit, allowed_mime_types)"
                " VALUES (%s, %s, %s, %s, %s)",
                (
                    body["id"],
                    body.get("name") or body["id"],
                    body.get("public", False),
                    _bytes_of(body.get("file_size_limit")),
                    body.get("allowed_mime_types"),
                ),
            )

    # Objects

    def upload(
        self, bucket: str, name: str, data: bytes, mime: str, claims: Claims, *, upsert: bool, must_exist: bool = False
    ) -> UUID:
        if not name or not KEY.match(name):
            raise invalid_key(name)
        row = self.bucket(bucket)
        if len(data) > min(row["file_size_limit"] or SERVER_MAX_BYTES, SERVER_MAX_BYTES):
            raise too_large()
        essence = mime.partition(";")[0].strip()
        if row["allowed_mime_types"] and essence not in row["allowed_mime_types"]:
            raise invalid_mime_type(essence)
        if must_exist:
            self.find(bucket, name, claims)
        version, object_id = uuid4(), uuid4()
        (self._folder / str(version)).write_bytes(data)
        metadata = {"eTag": f'"{hashlib.md5(data).hexdigest()}"', "size": len(data), "mimetype": mime}  # noqa: S324
        on_conflict = (
            " ON CONFLICT (bucket_id, name) DO UPDATE SET version = excluded.version, metadata = excluded.metadata,"
            " updated_at = now()"
            if upsert
            else ""
        )
        with self.acting(claims) as connection:
            connection.execute(
                "INSERT INTO storage.objects (id, bucket_id, name, owner, version, metadata)"
                f" VALUES (%s, %s, %s, %s, %s, %s){on_conflict}",
                (object_id, bucket, name, claims.get("sub"), version, Jsonb(metadata)),
            )
        return object_id

    def find(self, bucket: str, name: str, claims: Claims | None) -> DictRow:
        """An object as the caller sees it; the same error for a missing and a hidden one."""
        self.bucket(bucket)
        with self.acting(claims) as connection:
            row = connection.execute(
                "SELECT * FROM storage.objects WHERE bucket_id = %s AND name = %s", (bucket, name)
            ).fetchone()
        if row is None:
            raise no_object()
        return row

    def read(self, row: DictRow) -> bytes:
        return (self._folder / str(row["version"])).read_bytes()

    def list_folder(self, bucket: str, body: dict[str, Any], claims: Claims) -> list[dict[str, Any]]:
        folder = body.get("prefix", "").strip("/")
        prefix = f"{folder}/" if folder else ""
        with self.acting(claims) as connection:
            rows = connection.execute(LIST, {
                "bucket": bucket,
                "prefix": prefix,
                "depth": prefix.count("/") + 1,
                "search": body.get("search", ""),
                "limit": body.get("limit", 100),
                "offset": body.get("offset", 0),
            }).fetchall()  # fmt: skip
        return [dict(row) for row in rows]

    def move(self, bucket: str, source: str, target: str, claims: Claims) -> None:
        with self.acting(claims) as connection:
            moved = connection.execute(
                "UPDATE storage.objects SET name = %s, updated_at = now() WHERE bucket_id = %s AND name = %s",
                (target, bucket, source),
            ).rowcount
        if not moved:
            raise no_object()

    def copy(self, bucket: str, source: str, target: str, claims: Claims) -> UUID:
        row = self.find(bucket, source, claims)
        return self.upload(bucket, target, self.read(row), row["metadata"]["mimetype"], claims, upsert=False)

    def remove(self, bucket: str, names: list[str], claims: Claims) -> list[dict[str, Any]]:
        with self.acting(claims) as connection:
            rows = connection.execute(
                "DELETE FROM storage.objects WHERE bucket_id = %s AND name = ANY(%s)"
                " RETURNING id, bucket_id, name, owner, version, metadata, created_at, updated_at",
                (bucket, names),
            ).fetchall()
        for row in rows:
            (self._folder / str(row["version"])).unlink(missing_ok=True)
        return [dict(row) for row in rows]


LIST = """
WITH visible AS (
    SELECT path_tokens[%(depth)s] COLLATE "C" AS name, cardinality(path_tokens) > %(depth)s AS is_folder,
        id, updated_at, created_at, last_accessed_at, metadata
    FROM storage.objects
    WHERE bucket_id = %(bucket)s AND starts_with(objects.name, %(prefix)s)
        AND path_tokens[%(depth)s] ILIKE %(search)s || '%%'
)
(SELECT DISTINCT name, NULL::uuid AS id, NULL::timestamptz AS updated_at, NULL::timestamptz AS created_at,
    NULL::timestamptz AS last_accessed_at, NULL::jsonb AS metadata
FROM visible WHERE is_folder ORDER BY name)
UNION ALL
(SELECT name, id, updated_at, created_at, last_accessed_at, metadata FROM visible WHERE NOT is_folder ORDER BY name)
LIMIT %(limit)s OFFSET %(offset)s
"""


def _bytes_of(limit: int | str | None) -> int | None:
    """A size limit: a number of bytes, or text with a decimal unit."""
    if not isinstance(limit, str):
        return limit
    found = re.fullmatch(r"(\d+)\s*([KMG]?)B?", limit, re.IGNORECASE)
    if found is None:
        raise invalid_request("body/file_size_limit is malformed")
    power: int = " KMG".index(found[2].upper() or " ")
    return int(found[1]) * int(1000**power)
