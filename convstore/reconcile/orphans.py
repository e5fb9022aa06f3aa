"""From the files to the rows: objects that nothing names, where they come from, and what becomes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection, exists, select

from convstore.database import Context, Database
from convstore.database.tables import quarantine
from convstore.documents import CONTENT_COLUMNS, StoredDocument, check_draft, conversation_row, finding_rows, turn_rows
from convstore.errors import InvalidInputError, NotFoundError
from convstore.files import FileStat, FileStore, unpack
from convstore.model import Actor, Rejection, turns_sha256
from convstore.quarantine import keep
from convstore.queries.integrity import find_archived_turns, find_deletion, find_origins, find_unnamed
from convstore.queries.storing import (
    claim_objects,
    find_existing,
    insert_conversations,
    take_turns,
    try_claim_objects,
)
from convstore.reconcile.inspection import read_draft

__all__ = ["Orphan", "find_orphans", "repair_orphans"]

#: While somebody imports, an object younger than this may be about to be named.
IMPORT_S = 3600

_COLUMNS = ("id", "workspace_id", "conversation_id", "created_by", *CONTENT_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An object that nothing names."""

    path: str
    size: int
    modified_at: datetime
    cause: Literal["superseded", "unfinished", "unknown", "elsewhere"]

    @property
    def owner(self) -> UUID | None:
        """Whose it is, as its path says."""
        return _owner_and_row(self.path)[0]

    @property
    def row_id(self) -> UUID | None:
        """The row that it was made for, if it is a conversation's."""
        return _owner_and_row(self.path)[1]

    @property
    def reason(self) -> str:
        """Why it is there, in words."""
        return {
            "superseded": "the conversation was replaced or deleted",
            "unfinished": "an import ended before its row was written",
            "unknown": "nothing names it",
            "elsewhere": "nothing names it, and it may belong to another workspace of its owner",
        }[self.cause]

    def entry(self, *, repair: str | None = None) -> dict[str, Any]:
        """What a report says of it."""
        return {"path": self.path, "bytes": self.size, "reason": self.reason, "repair": repair}

    def as_dict(self) -> dict[str, Any]:
        """The orphan as a JSON document."""
        return {**asdict(self), "modified_at": self.modified_at.isoformat()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Orphan:
        """An orphan that was kept."""
        return cls(**{**document, "modified_at": datetime.fromisoformat(document["modified_at"])})


def find_orphans(database: Database, actor: Actor, page: Sequence[FileStat]) -> list[Orphan]:
    """Those of a page of objects that nothing names and that concern this workspace."""
    with database.transaction(Context.of(actor)) as connection:
        # For a moment only: whoever put one of these objects has named it by now.
        is_quiet = try_claim_objects(connection)
    with database.transaction(Context.of(actor, elevated=True)) as connection:
        return _orphans(connection, actor, page, is_quiet=is_quiet)


def _orphans(connection: Connection, actor: Actor, page: Sequence[FileStat], *, is_quiet: bool) -> list[Orphan]:
    if not is_quiet:
        before = datetime.now(UTC) - timedelta(seconds=IMPORT_S)
        page = [stat for stat in page if stat.modified_at < before]
    unnamed = find_unnamed(connection, [stat.path for stat in page])
    strays = [stat for stat in page if stat.path in unnamed]
    keys = [_owner_and_row(stat.path) for stat in strays]
    found = []
    for stat, (_, row_id), origin in zip(strays, keys, find_origins(connection, keys), strict=True):
        in_folder = _workspace_folder(stat.path)
        if in_folder is not None and in_folder != _folder_of(actor):
            continue
        if in_folder is None and origin.workspace_id not in (None, actor.workspace_id):
            continue
        cause: Literal["superseded", "unfinished", "unknown", "elsewhere"]
        if in_folder is not None or origin.was_stored:
            cause = "superseded"
        elif not origin.is_certain:
            cause = "elsewhere"
        else:
            cause = "unfinished" if row_id is not None else "unknown"
        found.append(Orphan(path=stat.path, size=stat.size, modified_at=stat.modified_at, cause=cause))
    return found


def repair_orphans(
    database: Database, files: FileStore, actor: Actor, orphans: Sequence[Orphan], *, language: str
) -> dict[str, str]:
    """Adopt what can be adopted, remove what is done with, keep the rest in quarantine: path -> what was done.

    An attempt that was cut is gone through again. Of several files that cut imports left of one conversation, the one
    that is looked at first is adopted.
    """
    done: dict[str, str] = {}
    for orphan in orphans:
        if orphan.cause == "superseded":
            done[orphan.path] = "removed"
        elif orphan.cause != "elsewhere":
            done[orphan.path] = _take_in(database, files, actor, orphan, language=language)
    remove = [path for path, action in done.items() if action != "adopted"]
    if remove:
        with database.transaction(Context.of(actor, elevated=True)) as connection:
            # Whoever puts the same content again names the same object: nobody may while it is removed.
            claim_objects(connection)
            files.delete(find_unnamed(connection, remove))
    return done


def _take_in(database: Database, files: FileStore, actor: Actor, orphan: Orphan, *, language: str) -> str:
    try:
        packed = files.get(orphan.path)
    except NotFoundError:
        return "kept in quarantine" if _is_kept(database, actor, orphan.path) else "removed"
    try:
        document = unpack(packed)
        digest = hashlib.sha256(document).hexdigest()
        read = read_draft(document, name=f"{orphan.row_id}.json", conversation_id=str(orphan.row_id))
    except InvalidInputError as exc:
        read = Rejection(code=exc.code, reason=exc.message)
    why = Rejection(code="ERR_ORPHAN", reason="nothing names this file")
    if isinstance(read, Rejection):
        why = read
    elif orphan.row_id is not None and f"/{digest[:12]}/" in orphan.path:
        draft, family = read
        stored = StoredDocument(
            draft=draft,
            family=family,
            source_name=f"{orphan.row_id}.json",
            row_id=orphan.row_id,
            turns_sha256=turns_sha256(draft.turns),
            content_sha256=digest,
            content_bytes=len(document),
            packed=packed,
            path=orphan.path,
            findings=check_draft(draft, language=language),
        )
        outcome = _adopt(database, files, actor, stored, orphan)
        if outcome is not None:
            return outcome
        why = Rejection(code="ERR_CONFLICT", reason="the conversation is stored with other turns, or was deleted since")
    sha256 = hashlib.sha256(packed).hexdigest()
    with database.transaction(Context.of(actor)) as connection:
        take_turns(connection)
        keep(database, files, actor, name=orphan.path, sha256=sha256, size=len(packed), data=packed, why=why)
    return "kept in quarantine"


def _is_kept(database: Database, actor: Actor, path: str) -> bool:
    q = quarantine.c
    with database.transaction(Context.of(actor), read_only=True) as connection:
        query = select(exists().where(q.workspace_id == actor.workspace_id, q.file == path))
        return bool(connection.execute(query).scalar_one())


def _adopt(
    database: Database, files: FileStore, actor: Actor, stored: StoredDocument, orphan: Orphan
) -> Literal["adopted", "removed"] | None:
    """Give an object the row that it was stored for; None if the conversation has gone another way since.

    A deletion is for good: what an import left before it does not come back, and goes with everything else.
    """
    with database.transaction(Context.of(actor, elevated=True, note="adopted by reconciliation")) as connection:
        claim_objects(connection)
        if not find_unnamed(connection, [orphan.path]):
            return "adopted"  # by whoever imported it meanwhile
        rows = find_existing(
            connection,
            actor.workspace_id,
            conversation_ids=[stored.draft.conversation_id],
            hashes=[stored.turns_sha256] if stored.draft.id_is_derived else [],
        )
        if rows:
            return "removed" if any(row.turns_sha256 == stored.turns_sha256 for row in rows) else None
        public_id = stored.draft.conversation_id
        archived = find_archived_turns(connection, actor.workspace_id, public_id)
        if archived is not None:
            return "removed" if archived == stored.turns_sha256 else None
        deleted_at = find_deletion(connection, actor.workspace_id, public_id)
        if deleted_at is not None and deleted_at > orphan.modified_at:
            return "removed"
        if deleted_at is not None and deleted_at > orphan.modified_at - timedelta(seconds=IMPORT_S):
            # An upload may arrive after its import was given up, and after the deletion too.
            return None
        values: dict[str, Any] = conversation_row(stored, bucket=files.bucket)
        values |= {
            "id": stored.row_id,
            "workspace_id": actor.workspace_id,
            "conversation_id": stored.draft.conversation_id,
            "created_by": orphan.owner,
        }
        insert_conversations(
            connection,
            columns=_COLUMNS,
            rows=[[values[name] for name in _COLUMNS]],
            turns=turn_rows(stored, actor.workspace_id),
            findings=finding_rows(stored, actor.workspace_id),
        )
    return "adopted"


def _owner_and_row(path: str) -> tuple[UUID | None, UUID | None]:
    names = path.split("/")
    owner = _uuid(names[0])
    is_conversation = len(names) == 4 and names[3] == "conversation.json.gz" and owner is not None
    return owner, _uuid(names[1]) if is_conversation else None


def _workspace_folder(path: str) -> UUID | None:
    """The second name of quarantine and uploads, which stands for a workspace."""
    names = path.split("/")
    if len(names) == 4 and names[2].startswith(("quarantine-", "upload-")):
        return _uuid(names[1])
    return None


def _folder_of(actor: Actor) -> UUID:
    return uuid5(NAMESPACE_URL, str(actor.workspace_id))


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
