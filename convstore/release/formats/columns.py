"""The columnar shape: Arrow schema of a conversation and batches built column by column.

Messages are exactly the stored turns; the system prompt and what is known of each message stand in columns of
their own, so that `messages` stays `list<struct<role, content>>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from convstore.model import DIMENSIONS
from convstore.queries.export_rows import ExportConversation
from convstore.queries.turn_columns import TurnColumns, merged
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.samples import system_prompt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SCHEMA_KEY", "FlatRows", "arrow_schema", "flatten", "hf_features", "record_batch"]

SCHEMA_KEY = b"convstore.release"

_TEXT = (
    "conversation_id", "conversation_name", "description", "category", "status", "tier", "persona_key",
    "emotional_arc_key", "topic_key", "starting_emotion", "ending_emotion", "source_name", "turns_sha256",
    "content_sha256", "reviewed_by",
)  # fmt: skip
_NUMBERS = (
    *DIMENSIONS.values(), *(f"human_{column}" for column in DIMENSIONS.values()), "effective_quality",
    "emotional_intensity_start", "emotional_intensity_end",
)  # fmt: skip
_MOMENTS = ("reviewed_at", "created_at")
#: Column -> where the turns of a conversation have it.
_BY_TURN = {
    "detected_emotion": "emotions",
    "emotional_intensity": "intensities",
    "primary_strategy": "strategies",
    "tone": "tones",
}
_FLAT = ("id", "turn_count", "system_prompt", "extra", "split", *_TEXT, *_NUMBERS, *_MOMENTS)


class FlatRows(NamedTuple):
    """Conversations column by column: their turns, the columns of `_FLAT`, and a training flag for each message."""

    turns: list[TurnColumns]
    lengths: list[int]
    values: dict[str, Sequence[Any]]
    train: list[bool]

    def receipts(self) -> list[RowReceipt]:
        """For each the hash of its flat columns, in which `turns_sha256` stands for the messages, and of its flags."""
        bounds = pairwise(accumulate(self.lengths, initial=0))
        rows = zip(*(self.values[name] for name in _FLAT), strict=True)
        return [
            RowReceipt(1, hashlib.sha256(orjson.dumps((row, self.train[start:stop]))).hexdigest())
            for row, (start, stop) in zip(rows, bounds, strict=True)
        ]


def flatten(rows: Sequence[ReleaseRow], options: ReleaseOptions) -> FlatRows:
    """Read the columns of conversations, of one at least."""
    conversations = [row.conversation for row in rows]
    stored = dict(zip(ExportConversation._fields, zip(*conversations, strict=True), strict=True))
    turns = merged(row.columns for row in rows)
    lengths = [len(row.columns) for row in rows]
    train = [role == "assistant" for part in turns for role in part.roles]
    for row, start in zip(rows, accumulate(lengths, initial=0), strict=False):
        if row.excluded_turns:
            for i, number in enumerate(row.columns.numbers, start):
                train[i] = train[i] and number not in row.excluded_turns
    made: dict[str, Sequence[Any]] = {
        "id": [str(conversation_id) for conversation_id in stored["id"]],
        "turn_count": lengths,
        "system_prompt": [system_prompt(row, options) for row in rows],
        "extra": [None if extra == "{}" else _sorted(extra) for extra in stored["extra_json"]],
        "split": [row.split for row in rows],
        "effective_quality": [conversation.quality for conversation in conversations],
    }
    return FlatRows(turns, lengths, {**stored, **made}, train)


def _sorted(extra_json: str) -> str:
    return json.dumps(json.loads(extra_json), ensure_ascii=False, sort_keys=True)


def arrow_schema(release: Mapping[str, Any] | None = None) -> pa.Schema:
    """The schema of a release; `release` goes into its metadata as JSON."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    message = pa.struct([pa.field("role", text), pa.field("content", text)])
    types = {
        "id": text,
        **dict.fromkeys(_TEXT, text),
        "messages": pa.list_(message),
        "train": pa.list_(pa.bool_()),
        "detected_emotion": pa.list_(text),
        "emotional_intensity": pa.list_(number),
        "primary_strategy": pa.list_(text),
        "tone": pa.list_(text),
        "turn_count": pa.int32(),
        "system_prompt": text,
        **dict.fromkeys(_NUMBERS, number),
        **dict.fromkeys(_MOMENTS, pa.timestamp("us", tz="UTC")),
        "extra": text,
        "split": text,
    }
    metadata = {SCHEMA_KEY: json.dumps(release or {}, ensure_ascii=False, sort_keys=True).encode("utf-8")}
    return pa.schema(list(types.items()), metadata=metadata)


def hf_features() -> list[dict[str, Any]]:
    """The schema as the `dataset_info.features` of a data set card."""
    return [_feature(field.name, field.type) for field in arrow_schema()]


def record_batch(flat: FlatRows, schema: pa.Schema) -> pa.RecordBatch:
    """Conversations as one batch of `schema`."""
    import pyarrow as pa

    starts = pa.array(accumulate(flat.lengths, initial=0), pa.int32())

    def of_turns(field: str, arrow: pa.DataType) -> pa.Array:
        parts = [getattr(turns, field) for turns in flat.turns]
        return pa.array(parts[0] if len(parts) == 1 else list(chain.from_iterable(parts)), arrow)

    def column(field: pa.Field) -> pa.Array:
        if field.name in flat.values:
            return pa.array(flat.values[field.name], field.type)
        inner = field.type.value_type
        if field.name == "messages":
            texts = [of_turns("roles", pa.string()), of_turns("contents", pa.string())]
            values = pa.StructArray.from_arrays(texts, fields=list(inner))
        elif field.name == "train":
            values = pa.array(flat.train, inner)
        else:
            values = of_turns(_BY_TURN[field.name], inner)
        return pa.ListArray.from_arrays(starts, values)

    return pa.RecordBatch.from_arrays([column(field) for field in schema], schema=schema)


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
