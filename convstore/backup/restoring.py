"""Restoring: files first, then every table in one transaction; a store is as it was before or as the backup says.

The schema comes from the migrations of this version, up to the backup's revision; after the rows are in, the rest of
them follow. So an older backup comes into a newer version, and nothing that stands in a backup is executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import psycopg
from psycopg import sql

from convstore import schema
from convstore.backup.archive import DUMP, FILES, check_backup, iter_members
from convstore.backup.dump import load_tables
from convstore.backup.manifest import DAMAGED, Manifest
from convstore.backup.tables import count_rows, drop_everything, is_empty, list_tables
from convstore.database import Database
from convstore.database.embedded.programs import get_client_programs
from convstore.database.migration import MIGRATION_LOCK
from convstore.errors import ConflictError, DatabaseError, ForbiddenError, InvalidInputError
from convstore.files import FileStore
from convstore.saol import verify_setup
from convstore.storage_setup import prepare_storage

__all__ = ["RestoreReport", "restore"]

Progress: TypeAlias = Callable[[int, int, str], None]

BATCH_OBJECTS = 64
#: The oldest pg_restore that reads what our pg_dump writes; it only unpacks, whatever the server.
PG_RESTORE_MAJOR = 15
#: Somebody who uses the store holds its tables; waiting longer would only hide that.
LOCK_TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What came out of a backup, or would. `schema` is the revision that the store has now."""

    path: Path
    manifest: Manifest
    schema: str
    removed_files: int
    dry_run: bool


def restore(
    database: Database,
    files: FileStore,
    path: Path,
    *,
    pg_bin: Path | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> RestoreReport:
    """Bring a store back from a backup.

    Parameters
    ----------
    replace
        Even if the store holds something: all of it goes, rows and files.
    dry_run
        Check the backup and whether it could be restored here; change nothing.

    Raises
    ------
    InvalidInputError
        The backup is damaged, or made by a newer version.
    ConflictError
        The store holds something, or somebody uses it. Nothing was changed.
    """
    manifest = check_backup(path)
    wanted = schema.newest_revision()
    if manifest.schema > wanted:
        raise InvalidInputError(
            f"the backup's schema is at version {manifest.schema}, this version of convstore knows up to {wanted}",
            hint="Restore it with the version that made it, or a newer one.",
            facts={"backup": manifest.schema, "known": wanted},
        )
    programs = get_client_programs(pg_bin, oldest_major=PG_RESTORE_MAJOR)
    with database.admin() as connection:
        if not replace and not is_empty(connection):
            raise ConflictError(
                "the store is not empty, and a restore replaces everything in it",
                hint="Restore into a new CONVSTORE_HOME or database, or say --replace.",
            )
    if dry_run:
        return RestoreReport(path=path, manifest=manifest, schema=wanted, removed_files=0, dry_run=True)
    files.prepare()
    restored = _put_files(files, path, manifest, replace=replace, progress=progress)
    _fill_database(database, programs, path, manifest, wanted)
    verified = verify_setup(database)
    if not verified.success:
        raise DatabaseError(
            verified.summary, code=verified.code, hint="`convstore saol verify` names every difference."
        )
    prepare_storage(database, files)
    removed = files.delete(_iter_others(files, restored)) if replace else 0
    return RestoreReport(path=path, manifest=manifest, schema=wanted, removed_files=removed, dry_run=False)


def _put_files(
    files: FileStore, path: Path, manifest: Manifest, *, replace: bool, progress: Progress | None
) -> set[int]:
    """Store every object of the backup; hashes of their paths."""
    seen: set[int] = set()
    with iter_members(path) as members:
        objects = ((name.removeprefix(FILES), part.read()) for name, part in members if name.startswith(FILES))
        batch: list[tuple[str, bytes]] = []
        for key, data in objects:
            seen.add(hash(key))
            batch.append((key, data))
            if len(batch) == BATCH_OBJECTS:
                _put_batch(files, batch, replace=replace)
                batch = []
                if progress is not None:
                    progress(len(seen), manifest.files, "files")
        _put_batch(files, batch, replace=replace)
    return seen


def _put_batch(files: FileStore, batch: list[tuple[str, bytes]], *, replace: bool) -> None:
    with suppress(ConflictError):
        files.put_many(batch)
        return
    for key, data in batch:
        try:
            files.put(key, data)
        except ConflictError as exc:
            if not replace:
                raise ConflictError(
                    f"the file store holds other bytes at {key}",
                    hint="Empty it, name another bucket, or say --replace.",
                    facts=exc.facts,
                ) from None
            files.delete([key])
            files.put(key, data)


def _fill_database(database: Database, programs: Path, path: Path, manifest: Manifest, wanted: str) -> None:
    with database.admin() as connection:
        connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        drop_everything(connection)
        connection.execute(schema.render_upgrade(None, manifest.schema).encode())
        tables = list_tables(connection)
        _load_rows(connection, programs, path, tables)
        _compare(count_rows(connection, tables), manifest.tables)
        if manifest.schema != wanted:
            connection.execute(schema.render_upgrade(manifest.schema, wanted).encode())
    with database.admin(autocommit=True) as connection:
        # Without statistics the first pages would be planned blindly.
        connection.execute("ANALYZE")


def _load_rows(connection: psycopg.Connection, programs: Path, path: Path, tables: list[str]) -> None:
    try:
        # Rows come in whatever order, and each was checked and noted in the audit when it was written.
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        raise ForbiddenError(
            f"{connection.info.user} may not load rows without their triggers",
            hint=f'As a superuser: GRANT SET ON PARAMETER session_replication_role TO "{connection.info.user}".',
        ) from None
    connection.execute("SET LOCAL client_encoding = 'UTF8'")
    for name in tables:  # what the migrations wrote themselves is in the dump too
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*name.split(".", 1))))
    with iter_members(path) as members:
        dump = next(part for name, part in members if name == DUMP)
        load_tables(programs, dump, connection, tables)
    connection.execute("SET LOCAL session_replication_role = origin")


def _compare(found: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    wrong = [f"{name}: {found.get(name, 0):,} of {rows:,}" for name, rows in wanted.items() if found.get(name) != rows]
    if wrong:
        raise InvalidInputError(
            f"rows are missing after loading: {'; '.join(wrong)}",
            hint="Nothing was changed in the database. Use another backup.",
            facts={"tables": wrong},
            code=DAMAGED,
        )


def _iter_others(files: FileStore, restored: set[int]) -> Iterator[str]:
    """Objects that were there before and are not in the backup."""
    after: str | None = None
    while page := files.list(after=after):
        yield from (stat.path for stat in page if hash(stat.path) not in restored)
        after = page[-1].path
