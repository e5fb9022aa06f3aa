"""Files that are missing or damaged: written again where something still proves what was in them.

Two proofs, the better first: damaged bytes that still hold a document of the right hash, and rows that hold turns of
the right hash, of which a file of convstore's own family is made. Without either the file is lost: what is left of it
goes into quarantine under `LOST`, a conversation into the trash, and from then on nobody is told of it again. Importing
the original once more brings such a conversation back.

Every step bears being done twice: an attempt that was cut is gone through again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from convstore.database import Context, Database
from convstore.database.tables import conversations, conversations_archive
from convstore.documents import CONTENT_COLUMNS, StoredDocument, conversation_row, finding_rows, turn_rows
from convstore.errors import NotFoundError
from convstore.files import DamagedFileError, FileStore, pack, unpack
from convstore.model import Actor, Rejection, Turn
from convstore.quarantine import keep
from convstore.queries.integrity import KeptFile, Source
from convstore.queries.storing import hold_objects, lock_version, replace_conversation
from convstore.queries.turns import list_turns
from convstore.reconcile.inspection import read_draft
from convstore.reconcile.kept_files import LOST, find_bad_file, find_lost
from convstore.reconcile.remains import document_in, document_of_rows, turns_of
from convstore.reconcile.reports import Finding

__all__ = ["Mended", "mend"]

_SALVAGED = "file written again from its own bytes"
_REWRITTEN = "file written again from the rows"
_CHANGED = "changed meanwhile"

c = conversations.c
a = conversations_archive.c


class Mended(NamedTuple):
    """What was done about a file, None if nothing could be; `reason` says why."""

    repair: str | None
    reason: str | None = None


def mend(
    database: Database, files: FileStore, actor: Actor, finding: Finding, *, language: str, again: bool = False
) -> Mended:
    """Write a file again, or put what is left of it into quarantine.

    Parameters
    ----------
    again
        An attempt that was cut may have done it, or a part of it.
    """
    source, kept = finding.source, finding.kept
    with database.transaction(Context.of(actor, elevated=True, note="file written again")) as connection:
        left = _Remains(connection, actor, source, kept)
        is_renamed = again and left.is_changed and bool(left.row)
        if left.is_changed and not is_renamed:
            return Mended(_CHANGED)
        hold_objects(connection)
        packed = _find(files, kept.path)
        is_whole = packed is not None and find_bad_file(files, kept.path, kept.content_sha256) is None
        if is_renamed and is_whole:
            return Mended(_CHANGED)
        if again and is_whole and _is_readable(packed, kept):
            files.delete([_copy_of(kept.path)])
            return Mended(_SALVAGED if finding.kind == "damaged" else _REWRITTEN)
        if not is_renamed and not is_whole:
            document = document_in(packed or _find(files, _copy_of(kept.path)) or b"", kept.content_sha256)
            if document is not None:
                _put_instead(files, kept.path, pack(document))
                return Mended(_SALVAGED)
        stored = left.rewrite(language=language) if not is_renamed else None
        if stored is not None:
            # The path follows from the content: where the rows were the file's source before, it is the same one.
            files.delete([stored.path])
            files.put_many([(stored.path, stored.packed)])
            left.name(stored, bucket=files.bucket)
            is_renamed = stored.path != kept.path
    if stored is not None or is_renamed:
        if packed is not None and is_renamed:
            why = Rejection(
                code="ERR_FILE_DAMAGED", reason=f"damaged; the file of {kept.conversation_id} was written again"
            )
            _keep(database, files, actor, kept, packed, why)
            files.delete([kept.path])
        return Mended(_REWRITTEN)
    if is_whole:
        return Mended(None, "the file is whole, and this version cannot read it")
    return Mended(None, _lose(database, files, actor, source, kept, packed, left.as_document()))


class _Remains:
    """What the database still says of a file, held until the transaction ends."""

    def __init__(self, connection: Connection, actor: Actor, source: Source, kept: KeptFile) -> None:
        self._connection = connection
        self._workspace_id = actor.workspace_id
        self._is_archived = source == "archive"
        self.row: Mapping[str, Any] = {}
        self.turns: list[Turn] = []
        self.is_changed = False
        if source == "releases":
            # An older version: no row knows its turns any more.
            return
        row_id = UUID(kept.key)
        if self._is_archived:
            own = (a.workspace_id == actor.workspace_id, a.id == row_id)
            found = connection.execute(select(a.row, a.turns).where(*own).with_for_update()).first()
            if found is not None:
                self.row, self.turns = found.row, turns_of(found.turns)
        elif lock_version(connection, row_id, actor.workspace_id) is not None:
            query = select(conversations).where(c.workspace_id == actor.workspace_id, c.id == row_id)
            self.row = dict(connection.execute(query).mappings().one())
            self.turns = list(list_turns(connection, row_id, actor.workspace_id))
        self.is_changed = not self.row or self.row["file_path"] != kept.path

    def rewrite(self, *, language: str) -> StoredDocument | None:
        """The file as the rows have it; None if they do not prove it."""
        return document_of_rows(self.row, self.turns, language=language) if self.row else None

    def name(self, stored: StoredDocument, *, bucket: str) -> None:
        """Have the rows name the new file."""
        values = conversation_row(stored, bucket=bucket)
        if self._is_archived:
            names = ("file_path", "file_size", "storage_bucket", "content_sha256", "content_bytes")
            row = a.row.op("||")(literal({name: values[name] for name in names}, JSONB))
            own = (a.workspace_id == self._workspace_id, a.id == stored.row_id)
            self._connection.execute(update(conversations_archive).where(*own).values(row=row))
            return
        replace_conversation(
            self._connection,
            row_id=stored.row_id,
            workspace_id=self._workspace_id,
            values=values,
            turns=turn_rows(stored, self._workspace_id),
            findings=finding_rows(stored, self._workspace_id),
        )

    def as_document(self) -> bytes | None:
        """Everything that the rows say of the content; None where there are none."""
        if not self.row:
            return None
        content = {name: self.row[name] for name in ("conversation_id", *CONTENT_COLUMNS)}
        return orjson.dumps({"row": content, "turns": self.turns}, default=str)


def _find(files: FileStore, path: str) -> bytes | None:
    try:
        return files.get(path)
    except NotFoundError:
        return None


def _put_instead(files: FileStore, path: str, packed: bytes) -> None:
    # An object is never overwritten, and of these bytes there may be no others: a copy stands in for them meanwhile.
    copy = _copy_of(path)
    files.put_many([(copy, packed)])
    files.delete([path])
    files.put_many([(path, packed)])
    files.delete([copy])


def _copy_of(path: str) -> str:
    return f"{path}.again"


def _is_readable(packed: bytes | None, kept: KeptFile) -> bool:
    try:
        document = unpack(packed or b"")
    except DamagedFileError:
        return False
    return not isinstance(read_draft(document, name=kept.path, conversation_id=kept.conversation_id), Rejection)


def _lose(
    database: Database,
    files: FileStore,
    actor: Actor,
    source: Source,
    kept: KeptFile,
    packed: bytes | None,
    rows: bytes | None,
) -> str:
    """Keep what is left, note that the file is lost, and take the conversation out of the set."""
    reason = f"lost: neither the file of {kept.conversation_id} nor its rows prove what it held"
    why = Rejection(code=LOST, reason=f"{reason}; what is left is kept")
    if rows is not None:
        _keep(database, files, actor, kept, rows, why)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        is_known = bool(find_lost(connection, actor.workspace_id, [kept.path]))
    if packed is not None or not is_known:
        _keep(database, files, actor, kept, packed, why)
    if packed is not None:
        files.delete([kept.path])
    if source == "conversations":
        with database.transaction(Context.of(actor, elevated=True, note=reason)) as connection:
            connection.execute(
                update(conversations)
                .where(c.workspace_id == actor.workspace_id, c.id == UUID(kept.key), c.file_path == kept.path)
                .values(processing_status="failed", is_active=False)
            )
    return reason


def _keep(
    database: Database, files: FileStore, actor: Actor, kept: KeptFile, data: bytes | None, why: Rejection
) -> None:
    digest = kept.content_sha256 if data is None else hashlib.sha256(data).hexdigest()
    keep(database, files, actor, name=kept.path, sha256=digest, size=len(data or b""), data=data, why=why)
