"""The same import with one, two and three workers on one server: how throughput rises until the machine is full."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ingest import write_files
from benchmarks.measuring import Measurement, Sample, sample_of
from benchmarks.store import open_store
from convstore.core import ConvStore
from convstore.model import Filter

__all__ = ["measure"]

_WORKERS = (1, 2, 3)
_FILES = 600
_RUNS = 3


def measure(_store: ConvStore) -> Iterator[Measurement]:
    """The time from queueing an import to its end, in a store of its own that has nothing else to do."""
    with TemporaryDirectory(prefix="convstore-bench-") as folder, open_store(home=Path(folder)) as empty:
        yield from _measure(empty)


def _measure(store: ConvStore) -> Iterator[Measurement]:
    alone: Sample | None = None
    for count in _WORKERS:
        taken = []
        with _workers(store, count):
            # The first time they load what they need.
            _import(store, run=0)
            for run in range(_RUNS):
                taken.append(_import(store, run=1 + run))
        product = sample_of(taken)
        alone = alone or product
        yield Measurement(
            group="workers",
            case=f"one import of {_FILES} files, shared out; workers: {count}",
            product=product,
            limit=None if count == 1 else alone,
            per_second=_FILES / (product.median_ms / 1000),
            note="limit: one worker" if count > 1 else "",
        )


@contextmanager
def _workers(store: ConvStore, count: int) -> Iterator[None]:
    settings = store.settings
    environment = os.environ | {
        "CONVSTORE_HOME": str(settings.home),
        "CONVSTORE_DATABASE_URL": store.database.url,
        "CONVSTORE_ADMIN_URL": store.database.admin_url,
    }
    command = Path(sys.executable).with_name("convstore")
    running = [subprocess.Popen([command, "worker"], env=environment, stderr=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait(timeout=60)


def _import(store: ConvStore, *, run: int) -> float:
    with TemporaryDirectory(prefix="convstore-bench-") as folder:
        write_files(Path(folder), _FILES, seed=run)
        uploads = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    began = time.perf_counter()
    job_id = store.ingest_later(uploads)
    while (job := store.job(job_id)).status in ("queued", "running"):
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    assert job.status == "succeeded", job.error
    names = tuple(uploads)
    pages = (names[start : start + 500] for start in range(0, _FILES, 500))
    stored = [row.conversation_id for page in pages for row in store.search(Filter(sources=page), limit=500).items]
    assert len(stored) == _FILES
    store.delete(stored, hard=True, confirm=True)
    return seconds
