"""The same imports with one, two and three workers on one server: how throughput rises until the machine is full."""

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
_IMPORTS = 6
_FILES = 60
_RUNS = 3


def measure(_store: ConvStore) -> Iterator[Measurement]:
    """The time from queueing to the end of the last import, in a store of its own that has nothing else to do."""
    with TemporaryDirectory(prefix="convstore-bench-") as folder, open_store(home=Path(folder)) as empty:
        yield from _measure(empty)


def _measure(store: ConvStore) -> Iterator[Measurement]:
    alone: Sample | None = None
    for count in _WORKERS:
        taken = []
        with _workers(store, count):
            # The first time they load what they need.
            _import_all(store, run=0)
            for run in range(_RUNS):
                taken.append(_import_all(store, run=1 + run))
        product = sample_of(taken)
        alone = alone or product
        yield Measurement(
            group="workers",
            case=f"{_IMPORTS} imports of {_FILES} files queued at once; workers: {count}",
            product=product,
            limit=None if count == 1 else alone,
            per_second=_IMPORTS * _FILES / (product.median_ms / 1000),
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


def _import_all(store: ConvStore, *, run: int) -> float:
    uploads = []
    for number in range(_IMPORTS):
        with TemporaryDirectory(prefix="convstore-bench-") as folder:
            write_files(Path(folder), _FILES, seed=run * _IMPORTS + number)
            uploads.append({f"{folder[-8:]}-{path.name}": path.read_bytes() for path in Path(folder).iterdir()})
    began = time.perf_counter()
    jobs = [store.ingest_later(files) for files in uploads]
    while any(store.job(job).status in ("queued", "running") for job in jobs):
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    results = [store.job(job) for job in jobs]
    assert all(one.status == "succeeded" for one in results), [one.error for one in results]
    names = tuple(name for files in uploads for name in files)
    stored = [row.conversation_id for start in range(0, len(names), 500)
              for row in store.search(Filter(sources=names[start : start + 500]), limit=500).items]  # fmt: skip
    assert len(stored) == _IMPORTS * _FILES
    store.delete(stored, hard=True, confirm=True)
    return seconds
