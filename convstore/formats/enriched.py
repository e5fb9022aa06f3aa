"""enriched: one generated conversation a file, one message a pair, with or without `input_parameters`.

The pairs' own `conversation_id` is a category label shared by many conversations; the dataset's name holds the id.
"""

from __future__ import annotations

from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.family import Family, Source, check_total, file_node, read_conversation
from convstore.formats.identity import checked_id, conversation_id_of, find_id
from convstore.formats.metadata import session_context
from convstore.formats.node import Node
from convstore.formats.pairs import read_pairs
from convstore.formats.paths import ROOT
from convstore.model import Draft, ParsedFile

__all__ = ["ENRICHED"]

_NAME_PREFIX = "fp_conversation_"


def _recognises(document: Any) -> bool:
    return isinstance(document, dict) and "dataset_metadata" in document and "training_pairs" in document


def _read(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    metadata = file.node("dataset_metadata")
    pairs = file.required_items("training_pairs")
    check_total(metadata, "total_conversations", 1, "conversations")
    check_total(metadata, "total_turns", len(pairs), "turns")
    dataset_name = find_id(metadata.value.get("dataset_name"))
    reported = dataset_name.removeprefix(_NAME_PREFIX) if dataset_name else None
    conversation = read_conversation(document, ROOT, reported, lambda node: _draft(node, metadata))
    return ParsedFile(family=ENRICHED.name, conversations=[conversation], warnings=file.notes.warnings)


def _draft(file: Node, metadata: Node) -> Draft:
    dataset_name = metadata.value.get("dataset_name")
    if isinstance(dataset_name, str) and (without_prefix := find_id(dataset_name.removeprefix(_NAME_PREFIX))):
        conversation_id = checked_id(without_prefix, metadata.at("dataset_name"))
    else:
        conversation_id = conversation_id_of(metadata, "dataset_name")
    pairs = read_pairs(file)
    parameters = file.node("input_parameters")
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=file,
            pairs=pairs,
            pairs_path=file.at("training_pairs"),
            document=file.value,
            name=metadata.text("dataset_name"),
            description=metadata.text("notes") or session_context(pairs),
            category=metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS),
            quality_tier=metadata.text("quality_tier"),
            keys=(parameters,),
            extra={
                "file_metadata": dict(metadata.value),
                "input_parameters": dict(parameters.value),
                "consultant_profile": file.value.get("consultant_profile"),
            },
        )
    )


ENRICHED = Family("enriched", _recognises, _read)
