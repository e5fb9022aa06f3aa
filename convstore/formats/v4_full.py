"""v4-full: a training file's metadata, a consultant's profile and many conversations, each with its scaffolding."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.family import Family, Source, check_total, count_pairs, file_node, read_conversations
from convstore.formats.identity import conversation_id_of
from convstore.formats.metadata import session_context
from convstore.formats.node import Node
from convstore.formats.pairs import read_pairs
from convstore.model import Draft, ParsedFile

__all__ = ["V4_FULL"]


def _recognises(document: Any) -> bool:
    return isinstance(document, dict) and "training_file_metadata" in document and "conversations" in document


def _read(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    metadata = file.node("training_file_metadata")
    conversations = read_conversations(file, lambda node: _draft(file, metadata, node))
    check_total(metadata, "total_conversations", len(conversations), "conversations")
    check_total(metadata, "total_training_pairs", count_pairs(file), "training pairs")
    return ParsedFile(family=V4_FULL.name, conversations=conversations, warnings=file.notes.warnings)


def _draft(file: Node, file_metadata: Node, node: Node) -> Draft:
    metadata = node.node("conversation_metadata")
    conversation_id = conversation_id_of(metadata, "conversation_id")
    scaffolding = metadata.node("scaffolding")
    parameters = node.node("input_parameters")
    pairs = read_pairs(node)
    check_total(metadata, "total_turns", len(pairs), "turns")
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=node,
            pairs=pairs,
            pairs_path=node.at("training_pairs"),
            document={**file.value, "conversations": [node.value]},
            name=_name(metadata, scaffolding),
            description=metadata.text("notes") or metadata.text("scenario") or session_context(pairs),
            category=_category(metadata) or _category(file_metadata),
            quality_tier=metadata.text("quality_tier"),
            keys=(parameters, scaffolding),
            persona_names=((scaffolding, "persona_name"),),
            extra={
                "file_metadata": dict(file_metadata.value),
                "conversation_metadata": dict(metadata.value),
                "consultant_profile": file.value.get("consultant_profile"),
                "input_parameters": dict(parameters.value),
            },
        )
    )


def _category(metadata: Node) -> str | None:
    vertical = metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS)
    return vertical or metadata.text("domain", limit=LONGEST_CATEGORY_CHARS)


def _name(metadata: Node, scaffolding: Node) -> str | None:
    persona, topic = scaffolding.text("persona_name"), scaffolding.text("training_topic")
    if persona and topic:
        return f"{persona}: {topic}"
    return PurePosixPath(metadata.text("source_file") or "").stem or persona or topic


V4_FULL = Family("v4-full", _recognises, _read)
