"""Files that something names, read again a page at a time: which of them are missing or damaged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from convstore.database import Context, Database
from convstore.database.tables import quarantine
from convstore.errors import NotFoundError, UsageError
from convstore.files import DamagedFileError, FileStore
from convstore.model import Actor
from convstore.queries.integrity import Source, list_kept_files
from convstore.reconcile.inspection import read_document
from convstore.reconcile.reports import BadKind, Finding

__all__ = ["LOST", "FilePage", "find_bad_file", "find_lost", "iter_file_pages"]

#: Code in the quarantine of a file that nothing can make again.
LOST = "ERR_FILE_LOST"

_PAGE = 200


class FilePage(NamedTuple):
    """Files that were read: how many, what was found, and the cursor after which the next ones come."""

    cursor: str
    looked_at: int
    findings: list[Finding]


def iter_file_pages(
    database: Database,
    files: FileStore,
    actor: Actor,
    threads: Executor,
    sources: Sequence[Source],
    *,
    after: str | None,
    through: UUID | None = None,
) -> Iterator[FilePage]:
    """Read every file that these sources name; of conversations those up to `through`.

    What was found to be lost before is not found again.
    """
    source, key = _place(sources, after)
    for current in sources[sources.index(source) :]:
        while True:
            with database.transaction(Context.of(actor), read_only=True) as connection:
                page = list_kept_files(connection, actor.workspace_id, current, after=key, through=through, limit=_PAGE)
            if not page:
                break
            problems = threads.map(lambda kept: find_bad_file(files, kept.path, kept.content_sha256), page)
            wrong = [(kept, problem) for kept, problem in zip(page, problems, strict=True) if problem is not None]
            with database.transaction(Context.of(actor), read_only=True) as connection:
                lost = find_lost(connection, actor.workspace_id, [kept.path for kept, _ in wrong])
            key = page[-1].key
            yield FilePage(
                f"{current}:{key}",
                len(page),
                [
                    Finding(kind=kind, source=current, kept=kept, reason=reason)
                    for kept, (kind, reason) in wrong
                    if kept.path not in lost
                ],
            )
        key = None


def find_bad_file(files: FileStore, path: str, content_sha256: str) -> tuple[BadKind, str] | None:
    """What is wrong with a file: (`missing` or `damaged`, the reason); None if nothing is."""
    try:
        read_document(files, path, content_sha256)
    except NotFoundError:
        return "missing", "there is no such file"
    except DamagedFileError as damage:
        return "damaged", damage.message
    return None


def find_lost(connection: Connection, workspace_id: UUID, paths: Iterable[str]) -> set[str]:
    """Those of the paths whose files were found to be lost before."""
    q = quarantine.c
    wanted = list(paths)
    if not wanted:
        return set()
    query = select(q.file).where(q.workspace_id == workspace_id, q.code == LOST, q.file.in_(wanted))
    return set(connection.execute(query).scalars())


def _place(sources: Sequence[Source], cursor: str | None) -> tuple[Source, str | None]:
    if cursor is None:
        return sources[0], None
    source, _, key = cursor.partition(":")
    for known in sources:
        if source == known and key:
            return known, key
    raise UsageError(f"{cursor!r} is no place to go on from", hint="Use `next` of an earlier report.")
