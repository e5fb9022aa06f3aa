"""Saving: every object of the file store and one consistent state of the database, as one file.

Objects are copied before the database is dumped, and what came meanwhile after it: people go on working, and no row
comes into a backup without its file, because an object is there before the row that names it, and goes after it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString, TypeAlias

import psycopg

from convstore.backup.archive import DUMP, FILES, ArchiveWriter, check_backup
from convstore.backup.dump import dump_tables
from convstore.backup.manifest import Manifest
from convstore.backup.placing import draft_of, target_of
from convstore.backup.tables import count_rows, list_tables
from convstore.database import Database
from convstore.database.embedded.programs import get_client_programs
from convstore.errors import ConflictError, NotFoundError
from convstore.files import DamagedFileError, FileStore, unpack

__all__ = ["BackupReport", "back_up"]

Progress: TypeAlias = Callable[[int, int, str], None]

READERS = 8
#: Objects that are held in memory at a time; the largest has 10 MiB.
READ_AHEAD = 32

#: Every object that a row names. An upload is named by the job that waits for it.
_NAMED: LiteralString = """
    SELECT file_path FROM public.conversations
    UNION ALL SELECT row ->> 'file_path' FROM public.conversations_archive
    UNION ALL SELECT file_path FROM public.release_items
    UNION ALL SELECT unnest(object_paths) FROM public.quarantine
    UNION ALL SELECT jsonb_path_query(arguments, '$.files[*].paths[*]') #>> '{}' FROM public.jobs
        WHERE status IN ('queued', 'running')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """A backup that was written and read back."""

    path: Path
    bytes: int
    manifest: Manifest

    @property
    def is_complete(self) -> bool:
        """False if the store itself lacked files, or held damaged ones."""
        return not self.manifest.missing and not self.manifest.damaged


def back_up(
    database: Database, files: FileStore, path: Path, *, pg_bin: Path | None = None, progress: Progress | None = None
) -> BackupReport:
    """Save everything into a file that only its owner may read; it has its name once it is whole.

    Parameters
    ----------
    path
        A folder, which gets a file named by the time, or the file itself.

    Raises
    ------
    ConflictError
        The file exists, or the database is not set up.
    """
    now = datetime.now(UTC)
    target = target_of(path, now)
    with database.admin() as connection:
        programs = get_client_programs(pg_bin, oldest_major=connection.info.server_version // 10_000)
    with draft_of(target) as (file, draft):
        writer = ArchiveWriter(file)
        copying = _Copying(files, writer, progress)
        copying.run()
        with database.admin() as connection, tempfile.TemporaryFile(dir=target.parent) as dump:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            tables = list_tables(connection)
            schema, snapshot = _state(connection)
            dump_tables(programs, database.admin_url, snapshot=snapshot, tables=tables, target=dump)
            copying.run()
            writer.add_file(DUMP, dump)
            with connection.cursor(name="named") as named:
                named.itersize = 10_000
                missing = {row[0] for row in named.execute(_NAMED) if hash(row[0]) not in copying.seen}
            manifest = Manifest(
                convstore=importlib.metadata.version("convstore"),
                created_at=now.isoformat(timespec="seconds"),
                schema=schema,
                postgres=connection.info.server_version,
                bucket=files.bucket,
                files=len(copying.seen),
                file_bytes=copying.bytes,
                tables=count_rows(connection, tables),
                missing=tuple(sorted(missing)),
                damaged=tuple(copying.damaged),
            )
        writer.finish(manifest)
        file.flush()
        # What cannot be read back is no backup.
        check_backup(draft)
    return BackupReport(path=target, bytes=target.stat().st_size, manifest=manifest)


class _Copying:
    """Copies objects into the archive, each once."""

    def __init__(self, files: FileStore, writer: ArchiveWriter, progress: Progress | None) -> None:
        self._files = files
        self._writer = writer
        self._progress = progress
        #: Hashes of the paths, not the paths: a million take 60 MB and not 300.
        self.seen: set[int] = set()
        self.bytes = 0
        self.damaged: list[str] = []

    def run(self) -> None:
        """Copy what is in the store and not in the archive yet."""
        with ThreadPoolExecutor(READERS, thread_name_prefix="convstore-backup") as threads:
            for paths in self._batches():
                for path, data in zip(paths, threads.map(self._read, paths), strict=True):
                    if data is None:
                        continue
                    self.seen.add(hash(path))
                    self.bytes += len(data)
                    if not _is_intact(path, data):
                        self.damaged.append(path)
                    self._writer.add(FILES + path, data)
                if self._progress is not None:
                    self._progress(len(self.seen), 0, "files")

    def _batches(self) -> Iterator[list[str]]:
        after: str | None = None
        while page := self._files.list(after=after):
            new = [stat.path for stat in page if hash(stat.path) not in self.seen]
            for start in range(0, len(new), READ_AHEAD):
                yield new[start : start + READ_AHEAD]
            after = page[-1].path

    def _read(self, path: str) -> bytes | None:
        try:
            return self._files.get(path)
        except NotFoundError:
            return None  # removed since it was listed, so no row names it any more


def _is_intact(path: str, data: bytes) -> bool:
    """Whether a conversation's file holds what its name says; other objects do not say."""
    names = path.split("/")
    if names[-1] != "conversation.json.gz":
        return True
    try:
        return hashlib.sha256(unpack(data)).hexdigest().startswith(names[-2])
    except DamagedFileError:
        return False


def _state(connection: psycopg.Connection) -> tuple[str, str]:
    """The schema's revision, and the name under which this transaction's snapshot can be taken over."""
    row = connection.execute(
        "SELECT to_regclass('public.alembic_version') IS NOT NULL, pg_export_snapshot()"
    ).fetchone()
    assert row is not None
    found = connection.execute("SELECT version_num FROM public.alembic_version").fetchone() if row[0] else None
    if found is None:
        raise ConflictError("there is nothing to save: the database is not set up", hint="Run `convstore init`.")
    return str(found[0]), str(row[1])
