"""What a backup says of itself: which store, when, how far its schema is, and how much there should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from convstore.errors import InvalidInputError

__all__ = ["DAMAGED", "FORMAT", "Manifest"]

#: Grows when an older version could not read what a newer one writes.
FORMAT = 1
DAMAGED = "ERR_BACKUP_DAMAGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The facts of one backup. `schema` is the revision of the database, `tables` the rows of each table."""

    convstore: str
    created_at: str
    schema: str
    postgres: int
    bucket: str
    files: int
    file_bytes: int
    tables: Mapping[str, int]
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    format: int = field(default=FORMAT)

    def to_json(self) -> bytes:
        """As it stands in the archive."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Read it back; `InvalidInputError` if it is none, or one of a newer version."""
        try:
            document: dict[str, Any] = orjson.loads(text)
            number = int(document["format"])
            if number <= FORMAT:
                return cls(**document | {name: tuple(document[name]) for name in ("missing", "damaged")})
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidInputError(
                f"the backup's manifest.json cannot be read: {exc}", hint="Use another backup.", code=DAMAGED
            ) from None
        raise InvalidInputError(
            f"the backup has format {number}; this version of convstore reads up to {FORMAT}",
            hint="Restore it with the version that made it, or a newer one.",
            facts={"format": number},
        )
