"""v5-jsonl: one line an assistant's message, with the messages before it in `conversation_history`.

A first line `{"_meta": …}` is a header and is optional. The rows of one conversation need not stand together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.family import Family, Source, check_total
from convstore.formats.identity import conversation_id_of
from convstore.formats.metadata import session_context
from convstore.formats.node import Node, Notes
from convstore.formats.pairs import Pair, read_pair
from convstore.formats.rows import Row, document_of_rows, numbered_rows, read_groups
from convstore.model import Draft, ParsedFile

__all__ = ["V5_JSONL"]

_HEADER_KEY = "_meta"


def _is_header(row: object) -> bool:
    return isinstance(row, dict) and _HEADER_KEY in row


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and "target_response" in row
        and ("current_user_input" in row or "conversation_history" in row)
    )


def _recognises(document: Any) -> bool:
    rows = document if isinstance(document, list) else [document]
    return bool(rows) and (_is_header(rows[0]) or any(map(_is_row, rows)))


def _read(document: Any, source: Source) -> ParsedFile:
    rows = numbered_rows(document)
    notes = Notes()
    header: Row | None = rows[0] if _is_header(rows[0].value) else None
    if header is not None:
        rows = rows[1:]
        metadata = Node(header.value if isinstance(header.value, dict) else {}, header.path, notes).node(_HEADER_KEY)
    else:
        metadata = Node({}, rows[0].path, notes)
    check_total(metadata, "total_pairs", len(rows), "pairs")
    conversations = read_groups(rows, str, partial(_draft, header=header, file_metadata=metadata))
    return ParsedFile(family=V5_JSONL.name, conversations=conversations, warnings=notes.warnings)


def _draft(first: Node, *, rows: Sequence[Row], header: Row | None, file_metadata: Node) -> Draft:
    conversation_id = conversation_id_of(first, "conversation_id")
    pairs = [read_pair(row.node(first)) for row in rows]
    metadata = pairs[0].metadata
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=first,
            pairs=pairs,
            pairs_path=first.path,
            document=document_of_rows(rows, None if header is None else header.value),
            name=_name(pairs),
            description=metadata.text("notes") or metadata.text("scenario") or session_context(pairs),
            category=file_metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS),
            quality_tier=metadata.text("quality_tier") or file_metadata.text("quality_tier"),
            keys=(first.node("input_parameters"), metadata.node("scaffolding")),
            extra={"file_metadata": dict(file_metadata.value)},
            assistants_only=True,
        )
    )


def _name(pairs: Sequence[Pair]) -> str | None:
    persona, topic = pairs[0].metadata.text("client_persona"), pairs[0].metadata.text("training_topic")
    return f"{persona}: {topic}" if persona and topic else persona or topic


V5_JSONL = Family("v5-jsonl", _recognises, _read)
