"""v3: hand-written exchanges with a response strategy; one conversation a file, or many under `conversations`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.family import (
    Family,
    Source,
    check_total,
    count_pairs,
    file_node,
    read_conversation,
    read_conversations,
)
from convstore.formats.identity import conversation_id_of, find_id
from convstore.formats.metadata import session_context
from convstore.formats.node import Node, element_node
from convstore.formats.pairs import read_pair, read_pairs
from convstore.formats.paths import ROOT, item_path
from convstore.model import Draft, ParsedFile

__all__ = ["V3_MULTI", "V3_SINGLE"]


def _recognises_multi(document: Any) -> bool:
    return isinstance(document, dict) and "dataset_metadata" in document and "conversations" in document


def _read_multi(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    metadata = file.node("dataset_metadata")
    conversations = read_conversations(file, lambda node: _draft_of_many(file, metadata, node))
    check_total(metadata, "total_conversations", len(conversations), "conversations")
    check_total(metadata, "total_turns", count_pairs(file), "turns")
    return ParsedFile(family=V3_MULTI.name, conversations=conversations, warnings=file.notes.warnings)


def _draft_of_many(file: Node, file_metadata: Node, node: Node) -> Draft:
    metadata = node.node("conversation_metadata")
    # A conversation that does not name itself is named by its pairs.
    named = metadata if find_id(metadata.value.get("conversation_id")) else _first_pair(node)
    conversation_id = conversation_id_of(named, "conversation_id")
    pairs = read_pairs(node)
    check_total(metadata, "total_turns", len(pairs), "turns")
    scenario = metadata.text("scenario")
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=node,
            pairs=pairs,
            pairs_path=node.at("training_pairs"),
            document={**file.value, "conversations": [node.value]},
            name=scenario,
            description=metadata.text("notes") or scenario or session_context(pairs),
            category=file_metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS),
            quality_tier=metadata.text("quality_tier") or file_metadata.text("quality_tier"),
            keys=(node.node("input_parameters"), metadata.node("scaffolding")),
            persona_names=((metadata, "persona"),),
            extra={
                "file_metadata": dict(file_metadata.value),
                "conversation_metadata": dict(metadata.value),
                "consultant_profile": file.value.get("consultant_profile"),
            },
        )
    )


def _first_pair(node: Node) -> Node:
    pairs = node.required_items("training_pairs")
    path = item_path(node.at("training_pairs"), 0)
    return element_node(pairs[0], path, node.notes) if pairs else node.node("conversation_metadata")


def _recognises_single(document: Any) -> bool:
    if not isinstance(document, dict) or "dataset_metadata" not in document:
        return False
    pairs = document.get("training_pairs")
    return isinstance(pairs, list) and any(
        isinstance(pair, dict) and pair.get("response_strategy") is not None for pair in pairs
    )


def _read_single(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    metadata = file.node("dataset_metadata")
    groups = _by_conversation(file.required_items("training_pairs"))
    check_total(metadata, "total_conversations", len(groups), "conversations")
    check_total(metadata, "total_turns", len(document["training_pairs"]), "turns")
    conversations = [
        read_conversation(
            document, ROOT, conversation_id, partial(_draft_of_one, file_metadata=metadata, indices=indices)
        )
        for conversation_id, indices in groups.items()
    ]
    return ParsedFile(family=V3_SINGLE.name, conversations=conversations, warnings=file.notes.warnings)


def _by_conversation(values: Sequence[object]) -> dict[str | None, list[int]]:
    """Indices of the pairs of each conversation; a pair without an id belongs to the conversation before it."""
    groups: dict[str | None, list[int]] = {}
    current = next((found for value in values if (found := _pair_id(value))), None)
    for index, value in enumerate(values):
        current = _pair_id(value) or current
        groups.setdefault(current, []).append(index)
    return groups


def _pair_id(value: object) -> str | None:
    return find_id(value.get("conversation_id")) if isinstance(value, dict) else None


def _draft_of_one(file: Node, *, file_metadata: Node, indices: Sequence[int]) -> Draft:
    values, path = file.value["training_pairs"], file.at("training_pairs")
    nodes = [element_node(values[index], item_path(path, index), file.notes) for index in indices]
    named = next((node for node in nodes if _pair_id(node.value)), nodes[0])
    conversation_id = conversation_id_of(named, "conversation_id")
    pairs = [read_pair(node) for node in nodes]
    document = file.value if len(indices) == len(values) else {**file.value, "training_pairs": [n.value for n in nodes]}
    parameters = file.node("input_parameters")
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=file,
            pairs=pairs,
            pairs_path=path,
            document=document,
            name=file_metadata.text("dataset_name"),
            description=file_metadata.text("notes") or session_context(pairs),
            category=file_metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS),
            quality_tier=file_metadata.text("quality_tier"),
            keys=(parameters,),
            extra={
                "file_metadata": dict(file_metadata.value),
                "input_parameters": dict(parameters.value),
                "consultant_profile": file.value.get("consultant_profile"),
            },
        )
    )


V3_MULTI = Family("v3-multi", _recognises_multi, _read_multi)
V3_SINGLE = Family("v3-single", _recognises_single, _read_single)
