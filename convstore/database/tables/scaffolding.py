"""Tables of what conversations were generated from: personas, arcs, topics, templates."""

from __future__ import annotations

from sqlalchemy import Column, Numeric, String, Table, Text, UniqueConstraint, text

from convstore.database.tables.columns import metadata, moment, row_id, workspace

__all__ = ["emotional_arcs", "personas", "prompt_templates", "training_topics"]


def _scaffold(name: str, key: str, *columns: Column[object], comment: str) -> Table:
    return Table(
        name,
        metadata,
        row_id(),
        workspace(),
        Column(key, String(100), nullable=False),
        Column("name", String(255), nullable=False),
        Column("description", Text),
        *columns,
        moment("created_at"),
        UniqueConstraint("workspace_id", key),
        UniqueConstraint("workspace_id", "id"),
        comment=comment,
    )


personas = _scaffold("personas", "persona_key", Column("archetype", String(255)), comment="Who speaks as the user")
emotional_arcs = _scaffold(
    "emotional_arcs",
    "arc_key",
    Column("starting_emotion", String(100)),
    Column("ending_emotion", String(100)),
    Column("intensity_start", Numeric(3, 2)),
    Column("intensity_end", Numeric(3, 2)),
    comment="How feeling is promised to move",
)
training_topics = _scaffold(
    "training_topics", "topic_key", Column("category", String(100)), comment="What a conversation is about"
)
prompt_templates = _scaffold(
    "prompt_templates",
    "template_key",
    Column("text", Text, nullable=False, server_default=text("''")),
    Column("category", String(100)),
    comment="Prompts that conversations were generated from",
)
