"""flat: rows of a table of exchanges, as a JSON array or as NDJSON; everything of substance is in `parameters`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.family import Family, Source
from convstore.formats.identity import checked_id, conversation_id_of
from convstore.formats.metadata import session_context
from convstore.formats.node import Node, Refused, kind_of
from convstore.formats.pairs import Pair, read_pair
from convstore.formats.rows import Row, document_of_rows, numbered_rows, read_groups
from convstore.model import Draft, ParsedFile

__all__ = ["FLAT"]

_TURN_SUFFIX = re.compile(r"_turn(\d+)$", re.ASCII)
# More turns than a conversation has, and few enough to convert.
_LONGEST_TURN_DIGITS = 9


def _recognises(document: Any) -> bool:
    if isinstance(document, dict):
        # NDJSON of a single row.
        return "parameters" in document and "conversation_id" in document
    return isinstance(document, list) and any(isinstance(row, dict) and "parameters" in row for row in document)


def _read(document: Any, source: Source) -> ParsedFile:
    return ParsedFile(family=FLAT.name, conversations=read_groups(numbered_rows(document), _without_turn, _draft))


def _without_turn(row_id: str) -> str:
    # A name that is nothing but a turn's suffix is still a name.
    return _TURN_SUFFIX.sub("", row_id) or row_id


def _turn_of(row: Node) -> int | None:
    found = _TURN_SUFFIX.search(row.text("conversation_id") or "")
    return int(found.group(1)) if found and len(found.group(1)) <= _LONGEST_TURN_DIGITS else None


def _draft(first: Node, *, rows: Sequence[Row]) -> Draft:
    row_id = conversation_id_of(first, "conversation_id", check_length=False)
    conversation_id = checked_id(_without_turn(row_id), first.at("conversation_id"))
    nodes = [row.node(first) for row in rows]
    pairs = [_pair(node) for node in nodes]
    statuses = _statuses(nodes)
    parameters = first.node("parameters")
    title = next((title for node in nodes if (title := node.text("title"))), None)
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=first,
            pairs=pairs,
            pairs_path=first.path,
            document=document_of_rows(rows),
            name=title,
            description=first.text("notes") or first.text("scenario") or session_context(pairs) or title,
            category=_category(first),
            quality_tier=first.text("tier"),
            keys=(parameters.node("input_parameters"), first.node("input_parameters")),
            persona_names=[(node, "persona") for node in nodes],
            extra={"status": statuses, "row": _plain_fields(first)},
        )
    )


def _pair(row: Node) -> Pair:
    parameters = row.value.get("parameters")
    if not isinstance(parameters, dict):
        raise Refused("ERR_FIELD_TYPE", f"parameters is {kind_of(parameters)}, not an object", row.at("parameters"))
    return read_pair(row.node("parameters"), number=_turn_of(row))


def _statuses(nodes: Sequence[Node]) -> list[str]:
    """The file's own statuses, which are kept and reported and not taken over."""
    statuses = dict.fromkeys(status for node in nodes if (status := node.text("status")))
    if statuses:
        message = f"status {', '.join(statuses)} is kept for reference; imports start as pending_review"
        nodes[0].notes.warn("WARN_STATUS_IGNORED", nodes[0].at("status"), message)
    return list(statuses)


def _category(row: Node) -> str | None:
    if isinstance(row.value.get("category"), str):
        return row.text("category", limit=LONGEST_CATEGORY_CHARS)
    for value in row.items("category"):
        if isinstance(value, str) and value and not value.isspace():
            return row.cut(value, LONGEST_CATEGORY_CHARS, "category")
    return None


def _plain_fields(row: Node) -> dict[str, Any]:
    """The first row's own fields without its bulk."""
    return {name: value for name, value in row.value.items() if not isinstance(value, dict) and value is not None}


FLAT = Family("flat", _recognises, _read)
