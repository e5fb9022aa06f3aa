"""mp: business conversations deliberated by several personas; one a file, or many under `conversations`.

Their quality is on a scale from 0 to 1, which is not ours: it is kept in the document and never rescaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convstore.formats.drafting import LONGEST_CATEGORY_CHARS, PairedConversation, draft_of_pairs
from convstore.formats.emotion import read_detected
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
from convstore.formats.node import Node
from convstore.formats.pairs import Pair, Text
from convstore.formats.paths import ROOT
from convstore.model import Draft, ParsedFile

__all__ = ["MP_FULL", "MP_SINGLE"]

_SCHEMA_PREFIX = "brightrun-multi-lora"


def _recognises_full(document: Any) -> bool:
    if not isinstance(document, dict) or "conversations" not in document:
        return False
    metadata = document.get("dataset_metadata")
    version = metadata.get("schema_version") if isinstance(metadata, dict) else None
    return isinstance(version, str) and version.startswith(_SCHEMA_PREFIX)


def _read_full(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    metadata = file.node("dataset_metadata")
    conversations = read_conversations(
        file, lambda node: _draft(node, {**file.value, "conversations": [node.value]}, metadata)
    )
    check_total(metadata, "conversation_count", len(conversations), "conversations")
    check_total(metadata, "total_training_pairs", count_pairs(file), "training pairs")
    return ParsedFile(family=MP_FULL.name, conversations=conversations, warnings=file.notes.warnings)


def _recognises_single(document: Any) -> bool:
    return isinstance(document, dict) and "purpose_framework" in document and "training_pairs" in document


def _read_single(document: Any, source: Source) -> ParsedFile:
    file = file_node(document)
    file.required_items("training_pairs")
    reported = find_id(document.get("conversation_id"))
    conversation = read_conversation(document, ROOT, reported, lambda node: _draft(node, document, None))
    return ParsedFile(family=MP_SINGLE.name, conversations=[conversation], warnings=file.notes.warnings)


def _draft(node: Node, document: Any, file_metadata: Node | None) -> Draft:
    metadata = node.node("conversation_metadata")
    named = node if find_id(node.value.get("conversation_id")) or not metadata.value else metadata
    conversation_id = conversation_id_of(named, "conversation_id")
    pairs = [_pair(pair) for pair in node.required_nodes("training_pairs")]
    check_total(metadata, "total_turns", len(pairs), "turns")
    _note_quality(pairs)
    extra = {"conversation_metadata": dict(metadata.value)}
    tier = metadata.text("quality_tier")
    if file_metadata is not None:
        extra["file_metadata"] = dict(file_metadata.value)
        tier = tier or file_metadata.text("quality_tier")
    return draft_of_pairs(
        PairedConversation(
            conversation_id=conversation_id,
            node=node,
            pairs=pairs,
            pairs_path=node.at("training_pairs"),
            document=document,
            description=metadata.text("notes") or metadata.text("scenario") or session_context(pairs),
            category=metadata.text("vertical", limit=LONGEST_CATEGORY_CHARS)
            or metadata.text("domain", limit=LONGEST_CATEGORY_CHARS),
            quality_tier=tier,
            keys=(node.node("input_parameters"), metadata.node("scaffolding")),
            extra=extra,
            has_scores=False,
        )
    )


def _pair(node: Node) -> Pair:
    output = node.node("synthesized_output")
    training = node.node("training_metadata")
    return Pair(
        node=node,
        number=node.whole("turn_number"),
        user=Text(node, "user_input"),
        reply=Text(output, "response_to_user"),
        emotion=read_detected(node.node("emotional_context")),
        strategy=None,
        tone=None,
        has_strategy=False,
        metadata=node.node("conversation_metadata"),
        training=training,
        criteria=training.node("quality_criteria"),
        system_prompt=node.text("system_prompt"),
    )


def _note_quality(pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        output = pair.node.node("synthesized_output")
        if output.value.get("quality_score") is not None:
            message = "a quality on a scale from 0 to 1; kept as unknown, not rescaled"
            output.notes.warn("WARN_SCORE_SCALE", output.at("quality_score"), message)


MP_FULL = Family("mp-full", _recognises_full, _read_full)
MP_SINGLE = Family("mp-single", _recognises_single, _read_single)
