"""Parts that are text: JSON Lines, and bodies whose head is known only at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from convstore.release.formats.writer import ClosedPart, refuse_blank
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.staging import HashedFile

__all__ = ["HeadedPart", "LinesPart", "Records"]

Records = Callable[[ReleaseRow, ReleaseOptions], list[dict[str, Any]]]

_COPY_BYTES = 1 << 20


class LinesPart:
    """JSON Lines: each record of a conversation is one line, nothing else is in the file."""

    def __init__(self, path: Path, records: Records, options: ReleaseOptions) -> None:
        self._file = HashedFile(path)
        self._records = records
        self._options = options
        self._rows = 0

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write the lines of conversations."""
        refuse_blank(rows)
        receipts = []
        written = []
        for row in rows:
            records = self._records(row, self._options)
            data = b"".join([orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records])
            written.append(data)
            receipts.append(RowReceipt(len(records), hashlib.sha256(data).hexdigest()))
        self._file.write(b"".join(written))
        self._rows += sum([receipt.rows for receipt in receipts])
        return receipts

    def close(self) -> list[ClosedPart]:
        """Bring the file to the disk."""
        return [ClosedPart(self._file.path, self._file.seal(), self._rows, self._file.bytes)]

    def discard(self) -> None:
        """Close without any promise."""
        self._file.close()


class HeadedPart:
    """A text file whose head holds totals: the body waits in a scratch file until they are known.

    A format derives from it: `encode` spells a conversation and counts it, `head` and `tail` enclose the body.
    """

    separator = b""

    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        self._scratch = scratch
        self._body = scratch.open("w+b", buffering=_COPY_BYTES)
        self._rows = 0
        self._is_first = True

    def encode(self, row: ReleaseRow) -> tuple[bytes, int]:
        """The bytes of a conversation and how many rows they hold."""
        raise NotImplementedError

    def head(self) -> bytes:
        """What stands before the body, once every row was seen."""
        raise NotImplementedError

    def tail(self) -> bytes:
        """What stands after the body."""
        return b""

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write conversations to the body."""
        refuse_blank(rows)
        receipts = []
        for row in rows:
            data, count = self.encode(row)
            if data:
                if not self._is_first:
                    self._body.write(self.separator)
                self._is_first = False
                self._body.write(data)
            self._rows += count
            receipts.append(RowReceipt(count, hashlib.sha256(data).hexdigest()))
        return receipts

    def close(self) -> list[ClosedPart]:
        """Put head, body and tail together."""
        target = HashedFile(self._path)
        target.write(self.head())
        self._body.seek(0)
        while chunk := self._body.read(_COPY_BYTES):
            target.write(chunk)
        target.write(self.tail())
        self._body.close()
        self._scratch.unlink()
        return [ClosedPart(self._path, target.seal(), self._rows, target.bytes)]

    def discard(self) -> None:
        """Close without any promise."""
        self._body.close()
