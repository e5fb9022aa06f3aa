"""Importing files of the v4 family, 47 KB a conversation: durable, with files, rows and findings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson

from benchmarks.measuring import Measurement, PeakMemory, Target, sample_of
from convstore.core import ConvStore
from convstore.demo import generate
from convstore.demo.documents import v4_document

__all__ = ["measure"]

_FILES = 300
_WANTED_PER_S = 150
_RUNS = 3


def measure(store: ConvStore) -> Iterator[Measurement]:
    """The whole import, beside a staged COPY of the same rows into the same indexed tables."""
    imports, copies, memory = [], [], 0.0
    size = 0
    for run in range(_RUNS):
        with tempfile.TemporaryDirectory(prefix="convstore-bench-") as folder:
            size = _write(Path(folder), run)
            with PeakMemory() as peak:
                began = time.perf_counter()
                report = store.ingest([folder])
                imports.append(time.perf_counter() - began)
            memory = max(memory, peak.mb)
        names = [one.conversation_id for file in report.files for one in file.conversations]
        assert report.totals["stored"] == _FILES, report.totals
        copies.append(_copy_again(store, [str(name) for name in names]))
        store.delete([str(name) for name in names], hard=True, confirm=True)
    product, limit = sample_of(imports), sample_of(copies)
    rate = _FILES / (product.median_ms / 1000)
    yield Measurement(
        group="ingest",
        case=f"{_FILES} files of {size / 1000:.0f} KB: read, stored as files, rows and findings",
        product=product,
        limit=limit,
        target=Target(per_second=_WANTED_PER_S),
        per_second=rate,
        peak_mb=memory,
        note="limit: the database part alone, a staged COPY of the same rows into the same tables",
    )


def _write(folder: Path, run: int) -> int:
    size = 0
    made = generate(_FILES, seed=1_000 + run + int(time.time()), messages=12)
    for number, one in enumerate(islice(made, _FILES)):
        document = orjson.dumps(v4_document([one], file_name=f"{number:04}.json"))
        (folder / f"{number:04}.json").write_bytes(document)
        size += len(document)
    return size // _FILES


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
