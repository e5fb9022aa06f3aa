"""raw: turns with explicit roles as a generator returned them; no ids, scores, names or dates."""

from __future__ import annotations

from typing import Any

from convstore.formats.drafting import clipped_name, emotion_bounds, present
from convstore.formats.family import Family, Source, file_node, read_conversation
from convstore.formats.identity import checked_id, conversation_id_of, slug_of_file
from convstore.formats.metadata import first_key, persona_from_name
from convstore.formats.node import Node
from convstore.formats.paths import ROOT
from convstore.formats.spoken import Dialect, read_spoken
from convstore.model import Draft, ParsedFile

__all__ = ["RAW"]

_DIALECT = Dialect(
    role_key="role",
    content_key="content",
    roles={"user": "user", "assistant": "assistant"},
    emotion_key="emotional_context",
)


def _recognises(document: Any) -> bool:
    return isinstance(document, dict) and "turns" in document and "conversation_metadata" in document


def _read(document: Any, source: Source) -> ParsedFile:
    file_node(document).required_items("turns")
    conversation = read_conversation(document, ROOT, source.conversation_id, lambda node: _draft(node, source))
    return ParsedFile(family=RAW.name, conversations=[conversation])


def _conversation_id(node: Node, source: Source) -> str:
    """The caller's; else the one with which the document was stored; else the name of the file."""
    if source.conversation_id is not None:
        return checked_id(source.conversation_id, node.path)
    if node.value.get("conversation_id") is not None:
        return conversation_id_of(node, "conversation_id")
    return slug_of_file(source.name)


def _draft(node: Node, source: Source) -> Draft:
    conversation_id = _conversation_id(node, source)
    metadata = node.node("conversation_metadata")
    spoken = read_spoken(node, "turns", _DIALECT, are_numbered=True)
    context = metadata.text("session_context")
    return Draft(
        conversation_id=conversation_id,
        turns=spoken.turns,
        document={**node.value, "conversation_id": conversation_id},
        conversation_name=clipped_name(context or conversation_id, node),
        description=metadata.text("notes") or metadata.text("scenario") or context,
        persona_key=first_key([(metadata, "persona_archetype")]) or persona_from_name([(metadata, "client_persona")]),
        emotional_arc_key=first_key([(metadata, "emotional_arc_key")]),
        topic_key=first_key([(metadata, "training_topic_key")]),
        system_prompt=node.text("system_prompt"),
        **emotion_bounds(spoken.turns),
        extra=present({"conversation_metadata": dict(metadata.value), "messages": spoken.extras}),
        warnings=node.notes.warnings,
    )


RAW = Family("raw", _recognises, _read)
