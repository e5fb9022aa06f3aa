"""The columnar shape: Arrow schema of a conversation and batches built column by column.

Messages are exactly the stored turns; the system prompt and what is known of each message stand in columns of
their own, so that `messages` stays `list<struct<role, content>>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from convstore.model import DIMENSIONS
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.samples import system_prompt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SCHEMA_KEY", "arrow_schema", "hf_features", "record_batch", "row_receipts"]

SCHEMA_KEY = b"convstore.release"

_TEXT = (
    "id", "conversation_id", "conversation_name", "description", "category", "status", "tier",
    "persona_key", "emotional_arc_key", "topic_key",
)  # fmt: skip
_SCORES = (*DIMENSIONS.values(), *(f"human_{column}" for column in DIMENSIONS.values()), "effective_quality")


def arrow_schema(release: Mapping[str, Any] | None = None) -> pa.Schema:
    """The schema of a release; `release` goes into its metadata as JSON."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    message = pa.struct([pa.field("role", text), pa.field("content", text)])
    moment = pa.timestamp("us", tz="UTC")
    fields = [
        *((name, text) for name in _TEXT),
        ("messages", pa.list_(message)),
        ("train", pa.list_(pa.bool_())),
        ("detected_emotion", pa.list_(text)),
        ("emotional_intensity", pa.list_(number)),
        ("primary_strategy", pa.list_(text)),
        ("tone", pa.list_(text)),
        ("turn_count", pa.int32()),
        ("system_prompt", text),
        *((name, number) for name in _SCORES),
        ("starting_emotion", text),
        ("ending_emotion", text),
        ("emotional_intensity_start", number),
        ("emotional_intensity_end", number),
        ("source_name", text),
        ("turns_sha256", text),
        ("content_sha256", text),
        ("reviewed_by", text),
        ("reviewed_at", moment),
        ("created_at", moment),
        ("extra", text),
        ("split", text),
    ]
    metadata = {SCHEMA_KEY: json.dumps(release or {}, ensure_ascii=False, sort_keys=True).encode("utf-8")}
    return pa.schema(fields, metadata=metadata)


def hf_features() -> list[dict[str, Any]]:
    """The schema as the `dataset_info.features` of a data set card."""
    return [_feature(field.name, field.type) for field in arrow_schema()]


def record_batch(rows: Sequence[ReleaseRow], options: ReleaseOptions, schema: pa.Schema) -> pa.RecordBatch:
    """Conversations as one batch of `schema`."""
    import pyarrow as pa

    turns = [turn for row in rows for turn in row.turns]
    offsets = [0]
    for row in rows:
        offsets.append(offsets[-1] + len(row.turns))
    starts = pa.array(offsets, pa.int32())
    message = schema.field("messages").type.value_type
    columns: dict[str, Any] = {
        "messages": pa.ListArray.from_arrays(
            starts,
            pa.StructArray.from_arrays(
                [pa.array([t.role for t in turns], pa.string()), pa.array([t.content for t in turns], pa.string())],
                fields=list(message),
            ),
        ),
        "train": pa.ListArray.from_arrays(starts, pa.array([flag for row in rows for flag in _train(row)], pa.bool_())),
    }
    for name in ("detected_emotion", "emotional_intensity", "primary_strategy", "tone"):
        values = pa.array([getattr(turn, name) for turn in turns], schema.field(name).type.value_type)
        columns[name] = pa.ListArray.from_arrays(starts, values)
    flat = [_flat(row, options) for row in rows]
    for name in schema.names:
        if name not in columns:
            columns[name] = pa.array([values[name] for values in flat], schema.field(name).type)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def row_receipts(rows: Sequence[ReleaseRow], options: ReleaseOptions) -> list[RowReceipt]:
    """A receipt for each row: the hash of its flat columns, in which `turns_sha256` stands for the messages."""
    return [RowReceipt(1, hashlib.sha256(orjson.dumps([_flat(row, options), _train(row)])).hexdigest()) for row in rows]


def _feature(name: str, arrow: pa.DataType) -> dict[str, Any]:
    import pyarrow as pa

    if not pa.types.is_list(arrow):
        return {"name": name, "dtype": _dtype(arrow)}
    inner = arrow.value_type
    if pa.types.is_struct(inner):
        return {"name": name, "list": [_feature(field.name, field.type) for field in inner]}
    return {"name": name, "list": _dtype(inner)}


def _dtype(arrow: pa.DataType) -> str:
    return "float64" if str(arrow) == "double" else str(arrow)


def _train(row: ReleaseRow) -> list[bool]:
    excluded = row.excluded_turns
    return [turn.role == "assistant" and turn.turn_number not in excluded for turn in row.turns]


def _flat(row: ReleaseRow, options: ReleaseOptions) -> dict[str, str | float | int | datetime | None]:
    conversation = row.conversation
    values: dict[str, str | float | int | datetime | None] = {name: getattr(conversation, name) for name in _TEXT}
    values["id"] = str(conversation.id)
    values["turn_count"] = len(row.turns)
    values["system_prompt"] = system_prompt(row, options)
    for dimension, column in DIMENSIONS.items():
        values[column] = _number(getattr(conversation.scores, dimension))
        values[f"human_{column}"] = _number(getattr(conversation.human_scores, dimension))
    values["effective_quality"] = _number(conversation.quality)
    values["starting_emotion"] = conversation.starting_emotion
    values["ending_emotion"] = conversation.ending_emotion
    values["emotional_intensity_start"] = _number(conversation.emotional_intensity_start)
    values["emotional_intensity_end"] = _number(conversation.emotional_intensity_end)
    values["source_name"] = conversation.source_name
    values["turns_sha256"] = conversation.turns_sha256
    values["content_sha256"] = conversation.content_sha256
    values["reviewed_by"] = conversation.reviewed_by
    values["reviewed_at"] = conversation.reviewed_at
    values["created_at"] = conversation.created_at
    values["extra"] = json.dumps(conversation.extra, ensure_ascii=False, sort_keys=True) if conversation.extra else None
    values["split"] = row.split
    return values


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
