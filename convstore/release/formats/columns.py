"""The columnar shape: Arrow schema of a conversation and batches built column by column.

Messages are exactly the stored turns; the system prompt and what is known of each message stand in columns of
their own, so that `messages` stays `list<struct<role, content>>`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from convstore.model import DIMENSIONS
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.samples import system_prompt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SCHEMA_KEY", "FlatRow", "arrow_schema", "flatten", "hf_features", "record_batch"]

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
_OWN = ("id", "turn_count", "system_prompt", "extra", "split")
_FLAT = (*_OWN, *_TEXT, *_NUMBERS, *_MOMENTS)
_read = attrgetter(*_TEXT, *("quality" if name == "effective_quality" else name for name in _NUMBERS), *_MOMENTS)


class FlatRow(NamedTuple):
    """A conversation with its flat columns, in the order of `_FLAT`, and a training flag for each message."""

    row: ReleaseRow
    values: tuple[Any, ...]
    train: list[bool]

    def receipt(self) -> RowReceipt:
        """The hash of the flat columns, in which `turns_sha256` stands for the messages, and of the flags."""
        return RowReceipt(1, hashlib.sha256(orjson.dumps((self.values, self.train))).hexdigest())


def flatten(row: ReleaseRow, options: ReleaseOptions) -> FlatRow:
    """Read the columns of a conversation once."""
    conversation, excluded = row.conversation, row.excluded_turns
    roles = row.columns.roles
    own = (
        str(conversation.id),
        len(roles),
        system_prompt(row, options),
        None if conversation.extra_json == "{}" else json.dumps(conversation.extra, ensure_ascii=False, sort_keys=True),
        row.split,
    )
    train = [role == "assistant" for role in roles]
    if excluded:
        train = [flag and number not in excluded for flag, number in zip(train, row.columns.numbers, strict=True)]
    return FlatRow(row, own + _read(conversation), train)


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


def record_batch(rows: Sequence[FlatRow], schema: pa.Schema) -> pa.RecordBatch:
    """Conversations as one batch of `schema`."""
    import pyarrow as pa

    starts = pa.array([0, *accumulate(len(flat.train) for flat in rows)], pa.int32())

    def lists(name: str, values: list[Any]) -> pa.ListArray:
        return pa.ListArray.from_arrays(starts, pa.array(values, schema.field(name).type.value_type))

    def of_turns(field: str) -> list[Any]:
        return list(chain.from_iterable(getattr(flat.row.columns, field) for flat in rows))

    texts = [pa.array(of_turns("roles"), pa.string()), pa.array(of_turns("contents"), pa.string())]
    message = list(schema.field("messages").type.value_type)
    columns: dict[str, pa.Array] = {
        "messages": pa.ListArray.from_arrays(starts, pa.StructArray.from_arrays(texts, fields=message)),
        "train": lists("train", [flag for flat in rows for flag in flat.train]),
    }
    for name, field in _BY_TURN.items():
        columns[name] = lists(name, of_turns(field))
    for name, values in zip(_FLAT, zip(*(flat.values for flat in rows), strict=True), strict=True):
        columns[name] = pa.array(values, schema.field(name).type)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


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
