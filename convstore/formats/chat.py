"""The two field standards, so that anyone's data can come in: rows of `messages` and rows of ShareGPT.

A file is JSON lines, an array of rows or one row. Rows have no id: it follows from the file's name and the row's
number, unless a row says `conversation_id`, as the documents that we store do.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from convstore.formats.drafting import present
from convstore.formats.family import Family, Source, read_conversation
from convstore.formats.identity import conversation_id_of, find_id, slug_of_file
from convstore.formats.node import Node
from convstore.formats.rows import numbered_rows
from convstore.formats.spoken import Dialect, read_spoken
from convstore.model import Draft, ParsedFile

__all__ = ["MESSAGES", "SHAREGPT"]

_ID_KEY = "conversation_id"
_SYSTEM_KEY = "system"

_OPENAI = Dialect(
    role_key="role",
    content_key="content",
    # A developer message is what newer models call a system message.
    roles={"user": "user", "assistant": "assistant", "system": "system", "developer": "system"},
)
_SHAREGPT = Dialect(
    role_key="from",
    content_key="value",
    roles={"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"},
)


def _recognises_messages(document: Any) -> bool:
    return _has_list_of(document, "messages", _OPENAI)


def _recognises_sharegpt(document: Any) -> bool:
    return _has_list_of(document, "conversations", _SHAREGPT)


def _has_list_of(document: Any, key: str, dialect: Dialect) -> bool:
    """True if any row has a list of messages in that dialect; an empty list speaks every dialect."""
    rows = document if isinstance(document, list) else [document]
    lists = [row[key] for row in rows if isinstance(row, dict) and isinstance(row.get(key), list)]
    spoken = [value for messages in lists for value in messages if isinstance(value, dict)]
    return bool(lists) and (
        not any(lists) or any(dialect.role_key in value or dialect.content_key in value for value in spoken)
    )


def _read_messages(document: Any, source: Source) -> ParsedFile:
    return _read(MESSAGES, "messages", _OPENAI, document, source)


def _read_sharegpt(document: Any, source: Source) -> ParsedFile:
    return _read(SHAREGPT, "conversations", _SHAREGPT, document, source)


def _read(family: Family, key: str, dialect: Dialect, document: Any, source: Source) -> ParsedFile:
    slug = slug_of_file(source.name)
    conversations = []
    for number, row in enumerate(numbered_rows(document), start=1):
        derived = f"{slug}-{number}"
        own = find_id(row.value.get(_ID_KEY)) if isinstance(row.value, dict) else None
        conversations.append(
            read_conversation(
                row.value,
                row.path,
                own or derived,
                partial(_draft, key=key, dialect=dialect, derived=derived),
            )
        )
    return ParsedFile(family=family.name, conversations=conversations)


def _draft(node: Node, *, key: str, dialect: Dialect, derived: str) -> Draft:
    is_derived = node.value.get(_ID_KEY) is None
    conversation_id = derived if is_derived else conversation_id_of(node, _ID_KEY)
    spoken = read_spoken(node, key, dialect)
    own = {key, _ID_KEY, _SYSTEM_KEY}
    return Draft(
        conversation_id=conversation_id,
        id_is_derived=is_derived,
        turns=spoken.turns,
        document={**node.value, _ID_KEY: conversation_id},
        conversation_name=conversation_id,
        system_prompt=spoken.system_prompt or node.text(_SYSTEM_KEY),
        extra=present(
            {
                "row": {name: value for name, value in node.value.items() if name not in own},
                "messages": spoken.extras,
            }
        ),
        warnings=node.notes.warnings,
    )


MESSAGES = Family("messages", _recognises_messages, _read_messages)
SHAREGPT = Family("sharegpt", _recognises_sharegpt, _read_sharegpt)
