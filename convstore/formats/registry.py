"""Which families are known, in the order in which a file's content is held against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convstore.formats.chat import MESSAGES, SHAREGPT
from convstore.formats.enriched import ENRICHED
from convstore.formats.family import Family
from convstore.formats.flat import FLAT
from convstore.formats.mp import MP_FULL, MP_SINGLE
from convstore.formats.node import kind_of
from convstore.formats.own import OWN
from convstore.formats.raw import RAW
from convstore.formats.v3 import V3_MULTI, V3_SINGLE
from convstore.formats.v4_full import V4_FULL
from convstore.formats.v5_jsonl import V5_JSONL
from convstore.model import Rejection

__all__ = ["FAMILIES", "detect"]

# The order matters: mp-full and v3-multi hold the same keys, v3-single is a stricter enriched.
_IN_ORDER: Sequence[Family] = (
    V4_FULL, MP_FULL, V3_MULTI, MP_SINGLE, V3_SINGLE, ENRICHED, RAW, FLAT, V5_JSONL, MESSAGES, SHAREGPT, OWN,
)  # fmt: skip

#: The names of the families, as reports and the command line show them.
FAMILIES: tuple[str, ...] = tuple(family.name for family in _IN_ORDER)

_SCHEMA_KEYS = ("properties", "$defs", "dataset_structure")
_KEYS_SHOWN = 12
_KEY_CHARS_SHOWN = 40


def detect(document: Any) -> Family | Rejection:
    """The family of a file by its parsed content alone, or why there is none."""
    if isinstance(document, dict) and "$schema" in document and any(key in document for key in _SCHEMA_KEYS):
        return Rejection(code="ERR_IS_SCHEMA", reason="a JSON Schema, not data", path="$")
    for family in _IN_ORDER:
        if family.recognises(document):
            return family
    reason = f"no known family: {_seen(document)}; known are {', '.join(FAMILIES)}"
    return Rejection(code="ERR_FAMILY_UNKNOWN", reason=reason, path="$")


def _seen(document: Any) -> str:
    if isinstance(document, dict):
        return f"an object with {_keys_of(document)}"
    if isinstance(document, list):
        first = next((row for row in document if isinstance(row, dict)), None)
        if first is not None:
            return f"a list of objects with {_keys_of(first)}"
        return f"a list of {len(document)} without an object"
    return kind_of(document)


def _keys_of(document: dict[str, Any]) -> str:
    shown = [key[:_KEY_CHARS_SHOWN] for key in list(document)[:_KEYS_SHOWN]]
    more = len(document) - len(shown)
    return "the keys " + ", ".join(shown) + (f" and {more} more" if more else "") if shown else "no keys"
