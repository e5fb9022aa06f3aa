"""Importing files of the v4 family, 47 KB a conversation: durable, with files, rows and findings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection

from benchmarks.measuring import Measurement, PeakMemory, Target, sample_of
from convstore.core import ConvStore
from convstore.database import Context
from convstore.demo import generate
from convstore.demo.documents import v4_document
from convstore.ingest import writing
from convstore.queries import storing

__all__ = ["measure", "write_files"]

_FILES = 300
_WANTED_PER_S = 150
_RUNS = 3


def measure(store: ConvStore) -> Iterator[Measurement]:
    """The whole import, beside a staged COPY of the same rows into the same indexed tables."""
    imports, parts, copies, memory = [], [], [], 0.0
    size = 0
    for run in range(_RUNS):
        with tempfile.TemporaryDirectory(prefix="convstore-bench-") as folder:
            size = write_files(Path(folder), _FILES, seed=run)
            with PeakMemory() as peak, _batches_kept() as batches:
                began = time.perf_counter()
                report = store.ingest([folder])
                imports.append(time.perf_counter() - began)
            memory = max(memory, peak.mb)
        names = [one.conversation_id for file in report.files for one in file.conversations]
        assert report.totals["stored"] == _FILES, report.totals
        copies.append(_copy_again(store, [str(name) for name in names]))
        store.delete([str(name) for name in names], hard=True, confirm=True)
        parts.append(_insert_again(store, batches))
    product = sample_of(imports)
    rate = _FILES / (product.median_ms / 1000)
    yield Measurement(
        group="ingest",
        case=f"{_FILES} files of {size / 1000:.0f} KB: read, stored as files, rows and findings",
        product=product,
        target=Target(per_second=_WANTED_PER_S),
        per_second=rate,
        peak_mb=memory,
    )
    yield Measurement(
        group="ingest",
        case="the database's part of it",
        product=sample_of(parts),
        limit=sample_of(copies),
        target=Target(ratio=1.5),
        note="its statements once more by themselves, with events, words, counts and checks by triggers; limit: a"
        " staged COPY of the same rows, no triggers",
    )


def write_files(folder: Path, count: int, *, seed: int) -> int:
    """Files of one conversation each, never the same twice; the mean size in bytes."""
    size = 0
    made = generate(count, seed=1_000_003 * seed + time.time_ns() // 1_000_000, messages=12)
    for number, one in enumerate(islice(made, count)):
        document = orjson.dumps(v4_document([one], file_name=f"{number:04}.json"))
        (folder / f"{number:04}.json").write_bytes(document)
        size += len(document)
    return size // count


@contextmanager
def _batches_kept() -> Iterator[list[dict[str, Any]]]:
    """What is given to the database while this is open, batch by batch."""
    kept: list[dict[str, Any]] = []
    store_rows = storing.insert_conversations

    def keeping(
        connection: Connection,
        *,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        turns: Iterable[Sequence[Any]],
        findings: Iterable[Sequence[Any]],
    ) -> set[UUID]:
        made: dict[str, Any] = {
            "columns": columns,
            "rows": list(rows),
            "turns": list(turns),
            "findings": list(findings),
        }
        kept.append(made)
        return store_rows(connection, **made)

    setattr(writing, "insert_conversations", keeping)  # noqa: B010
    try:
        yield kept
    finally:
        setattr(writing, "insert_conversations", store_rows)  # noqa: B010


def _insert_again(store: ConvStore, batches: Iterable[dict[str, Any]]) -> float:
    """Seconds that the same batches take when nothing else is done meanwhile; rolled back."""
    with store.database.transaction(Context.of(store.actor, batch_id=uuid4(), note="import")) as connection:
        began = time.perf_counter()
        for batch in batches:
            storing.insert_conversations(connection, **batch)
        seconds = time.perf_counter() - began
        connection.rollback()
    return seconds


def _copy_again(store: ConvStore, names: list[str]) -> float:
    """Rows that are stored, through temporary tables into the same tables under new ids; rolled back."""
    columns = ", ".join
    with store.database.admin() as connection:

        def stored(table: str) -> list[str]:
            found = connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                " AND attgenerated = '' AND attidentity = ''",
                (table,),
            )
            return [name for (name,) in found]

        ids = "SELECT id FROM conversations WHERE conversation_id = ANY (%s)"
        data: dict[str, tuple[list[str], bytes]] = {}
        for table, key in (
            ("conversations", "id"),
            ("conversation_turns", "conversation_id"),
            ("findings", "conversation_id"),
        ):
            names_of = stored(table)
            where = f"{key} IN ({ids})"
            parts = bytearray()
            connection.execute(
                f"CREATE TEMPORARY TABLE again_{table} ON COMMIT DROP AS SELECT {columns(names_of)}"
                f" FROM {table} WHERE {where}",
                (names,),
            )
            with connection.cursor().copy(f"COPY again_{table} TO STDOUT (FORMAT binary)") as copy:
                for part in copy:
                    parts += part
            data[table] = names_of, bytes(parts)
            connection.execute(f"TRUNCATE again_{table}")
        connection.execute("DELETE FROM conversations WHERE conversation_id = ANY (%s)", (names,))
        connection.execute("ALTER TABLE conversations DISABLE TRIGGER USER")
        connection.execute("ALTER TABLE findings DISABLE TRIGGER USER")
        began = time.perf_counter()
        for table, (names_of, packed) in data.items():
            with connection.cursor().copy(f"COPY again_{table} FROM STDIN (FORMAT binary)") as copy:
                copy.write(packed)
            connection.execute(
                f"INSERT INTO {table} ({columns(names_of)}) SELECT {columns(names_of)} FROM again_{table}"
            )
        seconds = time.perf_counter() - began
        connection.rollback()
    return seconds
