"""Input that could not be read, kept with its bytes and the reason, so that nothing is lost."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import quarantine
from convstore.files import FileStore, pack, unpack
from convstore.model import Actor, Rejection
from convstore.queries.storing import hold_objects

__all__ = ["keep", "read"]

#: Bytes of one part: a bucket takes objects of 10 MiB, and gzip adds a little to what it cannot shrink.
PART_BYTES = 8 << 20


def keep(
    database: Database,
    files: FileStore,
    actor: Actor,
    *,
    name: str,
    sha256: str,
    size: int,
    data: bytes | None,
    why: Rejection,
) -> None:
    """Keep the bytes and the reason; the same file again is kept once.

    Parameters
    ----------
    data
        None where the file was too large to be read: only its name, size and hash are kept.
    """
    q = quarantine.c
    with database.transaction(Context.of(actor), read_only=True) as connection:
        known = connection.execute(
            select(q.file, q.object_paths, q.created_by).where(q.workspace_id == actor.workspace_id, q.sha256 == sha256)
        ).all()
    if any(row.file == name for row in known):
        return
    # The person's own copy, kept under another name, serves again; a path of somebody else's is not theirs to name.
    paths: list[str] = next((row.object_paths for row in known if row.created_by == actor.user_id), [])
    parts: dict[str, int] = {}
    if not paths and data:
        folder = f"{actor.user_id}/{uuid5(NAMESPACE_URL, str(actor.workspace_id))}/quarantine-{sha256[:24]}"
        parts = {f"{folder}/{start // PART_BYTES:04d}.gz": start for start in range(0, len(data), PART_BYTES)}
        paths = list(parts)
    row = {
        "id": uuid4(),
        "workspace_id": actor.workspace_id,
        "file": name,
        "sha256": sha256,
        "bytes": size,
        "object_paths": paths,
        "code": why.code,
        "reason": why.reason,
        "path": why.path,
        "line": why.line,
        "column": why.column,
        "byte": why.byte,
        "created_by": actor.user_id,
    }
    with database.transaction(Context.of(actor)) as connection:
        hold_objects(connection)
        if data:
            files.put_many((path, pack(data[start : start + PART_BYTES])) for path, start in parts.items())
        connection.execute(
            insert(quarantine).values(row).on_conflict_do_nothing(index_elements=["workspace_id", "sha256", "file"])
        )


def read(database: Database, files: FileStore, actor: Actor, *, sha256: str) -> bytes | None:
    """The kept bytes of a file by its hash; None where there are none: it was too large, empty, or never here."""
    q = quarantine.c
    query = select(q.object_paths).where(
        q.workspace_id == actor.workspace_id, q.sha256 == sha256, func.cardinality(q.object_paths) > 0
    )
    with database.transaction(Context.of(actor), read_only=True) as connection:
        paths = connection.execute(query.limit(1)).scalar_one_or_none()
    return b"".join(unpack(files.get(path)) for path in paths) if paths else None
