"""Many files as one zip that is made while it is read: memory holds a page of rows and one file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from convstore.database import Context, Database
from convstore.errors import NotFoundError
from convstore.files import DamagedFileError, FileStore, unpack
from convstore.files.zipped import ZipPieces
from convstore.model import Actor, Filter
from convstore.queries.pages import list_conversations

__all__ = ["iter_zip"]

PAGE = 200
MAX_NAME = 150
_UNSAFE = re.compile(r"[^\w.@+=-]+")
#: A zip knows no earlier time.
_FIRST_YEAR = 1980


class _Member(NamedTuple):
    conversation_id: str
    path: str
    created_at: datetime


def iter_zip(database: Database, files: FileStore, actor: Actor, wanted: Filter) -> Iterator[bytes]:
    """The documents of every matching conversation, `<conversation id>.json` each, in pieces of one zip.

    Rows are read with the person's own rights before any file is. What cannot be read is named in `MISSING.txt`.
    """
    sink = ZipPieces()
    names: set[str] = set()
    missing: list[str] = []
    with zipfile.ZipFile(sink, "w") as archive:
        for member in _iter_members(database, actor, wanted):
            try:
                document = unpack(files.get(member.path))
            except (NotFoundError, DamagedFileError) as exc:
                missing.append(f"{member.conversation_id}: {exc.message}\n")
                continue
            moment = member.created_at
            stamp = (max(moment.year, _FIRST_YEAR), moment.month, moment.day, moment.hour, moment.minute, moment.second)
            info = zipfile.ZipInfo(_unique_name(member.conversation_id, names), stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, document)
            yield sink.take()
        if missing:
            archive.writestr("MISSING.txt", "".join(missing))
    yield sink.take()


def _iter_members(database: Database, actor: Actor, wanted: Filter) -> Iterator[_Member]:
    cursor: str | None = None
    while True:
        with database.transaction(Context.of(actor), read_only=True) as connection:
            page = list_conversations(connection, wanted, actor.workspace_id, order="asc", limit=PAGE, cursor=cursor)
        for row in page.items:
            yield _Member(row.conversation_id, row.file_path, row.created_at)
        if page.next is None:
            return
        cursor = page.next


def _unique_name(conversation_id: str, names: set[str]) -> str:
    # An id is a stranger's text: as a file name it must not leave the folder that the zip is unpacked into.
    base = _UNSAFE.sub("_", conversation_id).strip(".")[:MAX_NAME] or "conversation"
    name, number = base, 1
    while name.lower() in names:
        number += 1
        name = f"{base}-{number}"
    names.add(name.lower())
    return f"{name}.json"
