"""Releases of every conversation, beside reading the same rows with COPY and throwing them away."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.measuring import Measurement, PeakMemory, Target, sample_of
from convstore.core import ConvStore

__all__ = ["measure"]

#: One takes a minute or more.
_RUNS = 1
_RAW = """
    COPY (
        SELECT c.conversation_id, c.status, c.effective_quality, t.turn_number, t.role, t.content
        FROM conversations AS c
        CROSS JOIN LATERAL (
            SELECT turn_number, role, content FROM conversation_turns AS t
            WHERE t.workspace_id = c.workspace_id AND t.conversation_id = c.id ORDER BY turn_number
        ) AS t
        WHERE c.is_active
    ) TO STDOUT (FORMAT binary)
"""
_MOST_MB = 400


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Parquet and JSONL."""
    for name, ending in (("parquet", "parquet"), ("messages", "jsonl")):
        ours, theirs, memory, released = [], [], 0.0, 0
        for _ in range(_RUNS):
            theirs.append(_raw(store.database.admin_url))
            with tempfile.TemporaryDirectory(prefix="convstore-bench-") as folder, PeakMemory() as peak:
                began = time.perf_counter()
                report = store.export(name, Path(folder) / f"all.{ending}")
                ours.append(time.perf_counter() - began)
            memory, released = max(memory, peak.mb), report.conversations
        yield Measurement(
            group="export",
            case=f"{released:,} conversations as {name}",
            product=sample_of(ours),
            limit=sample_of(theirs),
            target=Target(ratio=3),
            peak_mb=memory,
            note=f"memory wanted: under {_MOST_MB} MB; limit: COPY of every message",
        )


def _raw(url: str) -> float:
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor().copy(_RAW) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - began
