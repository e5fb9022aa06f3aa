"""Parquet files, and the data files of a Hugging Face folder: sharded, zstd, with a page index, deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convstore.release.formats.columns import arrow_schema, flatten, record_batch
from convstore.release.formats.writer import ClosedPart, refuse_blank
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.staging import HashedFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ParquetPart"]

_GROUP_ROWS = 1_000
_SHARD_BYTES = 500_000_000
# A dictionary of long texts is tried and thrown away on every page.
_PLAIN_COLUMNS = {"messages.list.element.content", "id", "conversation_id", "turns_sha256", "content_sha256", "extra"}


class ParquetPart:
    """The rows of one split: one file, or shards `SPLIT-00000-of-0000N.parquet` in a folder.

    Rows are cut into groups by count alone, so the same rows give the same bytes however they arrive.

    Parameters
    ----------
    path
        The file, or the folder that the shards go to.
    split
        Name in front of the shards; None writes one file at `path`.
    """

    def __init__(
        self,
        path: Path,
        split: str | None,
        options: ReleaseOptions,
        release: Mapping[str, Any] | None = None,
        *,
        shard_bytes: int = _SHARD_BYTES,
    ) -> None:
        self._path = path
        self._split = split
        self._options = options
        self._shard_bytes = shard_bytes
        self._schema = arrow_schema(release)
        self._pending: list[pa.RecordBatch] = []
        self._waiting = 0
        self._closed: list[ClosedPart] = []
        if split is not None:
            path.mkdir(parents=True, exist_ok=True)
        self._shard: _Shard | None = self._open()

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Take rows; whole row groups are written as they fill."""
        if not rows:
            return []
        refuse_blank(rows)
        flat = flatten(rows, self._options)
        self._pending.append(record_batch(flat, self._schema))
        self._waiting += len(rows)
        while self._waiting >= _GROUP_ROWS:
            self._write(_GROUP_ROWS)
        return flat.receipts()

    def close(self) -> list[ClosedPart]:
        """Write what is left and name the shards by their number."""
        if self._waiting:
            self._write(self._waiting)
        if self._shard is not None:
            self._closed.append(self._shard.close())
            self._shard = None
        if self._split is None:
            return self._closed
        total = len(self._closed)
        named = []
        for i, part in enumerate(self._closed):
            path = self._path / f"{self._split}-{i:05d}-of-{total:05d}.parquet"
            part.path.rename(path)
            named.append(part._replace(path=path))
        self._closed = named
        return named

    def discard(self) -> None:
        """Close without any promise."""
        if self._shard is not None:
            self._shard.discard()

    def _write(self, count: int) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._pending)
        group, self._pending = table.slice(0, count), table.slice(count).to_batches()
        self._waiting -= count
        # The size is asked for only now: it waits for the group before, which was compressed in the meantime.
        if self._shard is not None and self._split is not None and self._shard.bytes >= self._shard_bytes:
            self._closed.append(self._shard.close())
            self._shard = None
        shard = self._shard = self._shard or self._open()
        shard.write(group)

    def _open(self) -> _Shard:
        path = self._path if self._split is None else self._path / f"{self._split}.{len(self._closed)}"
        return _Shard(path, self._schema)


class _Shard:
    """One Parquet file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._file = HashedFile(path)
        self._rows = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parquet")
        self._writing: Future[None] | None = None
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._file, mode="w"),
            schema,
            compression="zstd",
            use_dictionary=[name for name in _leaves(schema) if name not in _PLAIN_COLUMNS],
            write_page_index=True,
        )

    @property
    def bytes(self) -> int:
        """Bytes so far, all that was given to `write` included."""
        self._wait()
        return self._file.bytes

    def write(self, group: pa.Table) -> None:
        """Write one row group; it is compressed while the caller makes the next one."""
        self._wait()
        self._writing = self._pool.submit(self._compress, group)
        self._rows += group.num_rows

    def close(self) -> ClosedPart:
        """Write the footer and bring the file to the disk."""
        self._wait()
        self._pool.shutdown()
        self._writer.close()
        return ClosedPart(self._file.path, self._file.seal(), self._rows, self._file.bytes)

    def discard(self) -> None:
        """Close without any promise."""
        self._pool.shutdown()
        # A disk that is full refuses the footer too, and that is not what the caller has to hear.
        with suppress(OSError):
            self._writer.close()
            self._file.close()

    def _compress(self, group: pa.Table) -> None:
        # In one piece, or its pages would tell how the rows arrived.
        self._writer.write_table(group.combine_chunks(), row_group_size=group.num_rows)

    def _wait(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()


def _leaves(schema: pa.Schema) -> list[str]:
    leaves = []
    for field in schema:
        if field.name == "messages":
            leaves += ["messages.list.element.role", "messages.list.element.content"]
        elif str(field.type).startswith("list"):
            leaves.append(f"{field.name}.list.element")
        else:
            leaves.append(field.name)
    return leaves
