"""A document as it lies in a store: gzip, the same bytes for the same document on one machine.

Gzip output differs between zlib builds, so packed bytes are never compared across machines: `content_sha256` of the
unpacked document is the identity.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator

from convstore.errors import InvalidInputError

__all__ = ["MAX_DOCUMENT_BYTES", "DamagedFileError", "iter_unpacked", "pack", "unpack"]

LEVEL = 6
PIECE_BYTES = 256 * 1024
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024


class DamagedFileError(InvalidInputError):
    """Stored bytes are not the gzip file that was put there."""

    code = "ERR_FILE_DAMAGED"
    hint = "`convstore reconcile` lists damaged files and repairs what can be repaired."


def pack(document: bytes) -> bytes:
    """Compress a document for storage."""
    return gzip.compress(document, compresslevel=LEVEL, mtime=0)


def unpack(data: bytes, *, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The document inside stored bytes.

    Raises
    ------
    DamagedFileError
        The bytes are no gzip, are cut short, fail their checksum, go on after the end, or hold more than `limit`.
    """
    inflater = zlib.decompressobj(wbits=31)
    try:
        document = inflater.decompress(data, limit + 1)
    except zlib.error as exc:
        raise DamagedFileError("the stored file is damaged", facts={"detail": str(exc)}) from None
    if len(document) > limit:
        raise DamagedFileError(f"the stored file holds more than {limit:,} bytes", facts={"limit": limit})
    if not inflater.eof:
        raise DamagedFileError("the stored file is cut short", facts={"bytes": len(data)})
    if inflater.unused_data:
        raise DamagedFileError(
            "the stored file goes on after its end", facts={"extra_bytes": len(inflater.unused_data)}
        )
    return document


def iter_unpacked(packed: Iterable[bytes], *, limit: int = MAX_DOCUMENT_BYTES) -> Iterator[bytes]:
    """The document inside stored bytes, piece by piece; raises as `unpack` does, where it comes to the damage."""
    inflater = zlib.decompressobj(wbits=31)
    size = 0
    try:
        for data in packed:
            rest = data
            while rest and not inflater.eof:
                piece = inflater.decompress(rest, PIECE_BYTES)
                rest = inflater.unconsumed_tail
                size += len(piece)
                if size > limit:
                    raise DamagedFileError(f"the stored file holds more than {limit:,} bytes", facts={"limit": limit})
                if piece:
                    yield piece
            if inflater.eof and (rest or inflater.unused_data):
                raise DamagedFileError("the stored file goes on after its end")
        if last := inflater.flush():
            yield last
    except zlib.error as exc:
        raise DamagedFileError("the stored file is damaged", facts={"detail": str(exc)}) from None
    if not inflater.eof:
        raise DamagedFileError("the stored file is cut short")
