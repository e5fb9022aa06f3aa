"""Workers as processes of their own, which can be killed: others soon take over what they had."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from convstore.core import ConvStore
from convstore.settings import Settings

__all__ = ["ended", "holder_among", "kill", "start_worker", "start_workers"]

_WORKER = """
import sys
from pathlib import Path
from convstore.core import Resources
from convstore.settings import Settings
from convstore.worker import run_worker
settings = Settings(database_url=sys.argv[1], admin_url=sys.argv[2], home=Path(sys.argv[3]))
run_worker(Resources(settings), heartbeat_s=0.3, silent_s=1.5)
"""


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    assert settings.database_url is not None
    assert settings.admin_url is not None
    addresses = [settings.database_url.get_secret_value(), settings.admin_url.get_secret_value(), str(settings.home)]
    return subprocess.Popen([sys.executable, "-c", _WORKER, *addresses], stderr=subprocess.DEVNULL)


def start_workers(store: ConvStore, count: int) -> dict[int, subprocess.Popen[bytes]]:
    """Workers by the number that the queue knows them by."""
    workers: dict[int, subprocess.Popen[bytes]] = {}
    for _ in range(count):
        process = start_worker(store.settings)
        while not (new := known_workers(store) - workers.keys()):
            assert process.poll() is None, "the worker did not start"
            time.sleep(0.02)
        workers[new.pop()] = process
    return workers


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker as a power cut does."""
    worker.kill()
    worker.wait()


@contextmanager
def ended(workers: Mapping[int, subprocess.Popen[bytes]]) -> Iterator[None]:
    """Tell those that are left to stop when the block is over, and see that they do."""
    try:
        yield
    finally:
        for worker in workers.values():
            worker.terminate()
        endings = [worker.wait(timeout=60) for worker in workers.values()]
    assert set(endings) == {0}, "a signal ends a worker gracefully"


def known_workers(store: ConvStore) -> set[int]:
    with store.database.admin() as connection:
        return {row[0] for row in connection.execute("SELECT id FROM procrastinate.procrastinate_workers")}


def holder_among(workers: Collection[int], store: ConvStore, job_id: UUID) -> int | None:
    """One of these workers that has the job, or a part of it, now."""
    query = """
        SELECT q.worker_id FROM jobs AS j JOIN procrastinate.procrastinate_jobs AS q ON q.id = j.queue_id
        WHERE (j.id = %s OR j.parent_id = %s) AND q.status = 'doing' AND q.worker_id = ANY (%s) LIMIT 1
    """
    with store.database.admin() as connection:
        row = connection.execute(query, [job_id, job_id, list(workers)]).fetchone()
    return None if row is None else row[0]
