"""A large reconciliation by several workers, and one that is cut at every step: the report and the store of one run."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from convstore.core import ConvStore, Resources
from convstore.worker import run_worker
from tests.fixtures_database import Server
from tests.integration.conversations import folder_of
from tests.integration.jobs.workers import ended, kill, start_workers
from tests.integration.reconcile.spoiled import CONVERSATIONS, EACH, everything, spoil

PART_ROWS = 6


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def copies(server: Server, template: str, tmp_path: Path) -> Iterator[Callable[[str], ConvStore]]:
    """Copies by name of one spoiled store, down to every id."""
    spoiled = "test_spoiled"
    with ExitStack() as cleanup:

        def opened(name: str, source: str, home: Path) -> ConvStore:
            server.create(name, source)
            cleanup.callback(server.drop, name)
            resources = Resources(server.settings(name, home))
            cleanup.callback(resources.close)
            return ConvStore.for_operator(resources)

        store = opened(spoiled, template, tmp_path / spoiled)
        spoil(store, tmp_path)
        store.resources.close()

        def copy(name: str) -> ConvStore:
            shutil.copytree(tmp_path / spoiled, tmp_path / name)
            return opened(name, spoiled, tmp_path / name)

        yield copy


def test_workers_that_are_killed_leave_the_report_and_the_store_of_one_that_is_not(
    copies: Callable[[str], ConvStore],
) -> None:
    one, many, cut = copies("test_one"), copies("test_many"), copies("test_cut")
    assert in_parts(many, "verify", looks=CONVERSATIONS) == one.verify().as_dict()
    assert in_parts(many, "reconcile", looks=2 * CONVERSATIONS) == one.reconcile().as_dict()
    mended = one.reconcile(repair=True)
    report, after = mended.as_dict(), everything(one)
    assert kinds_of(report) == {
        ("missing", "file written again from the rows"): 2 * EACH - 1,
        ("missing", None): 2 * EACH + 1,
        ("damaged", "file written again from its own bytes"): EACH,
        ("damaged", "file written again from the rows"): EACH,
        ("damaged", None): EACH,
        ("drifted", "rows derived again"): 2 * EACH,
        ("orphans", "removed"): 3 * EACH,
        ("orphans", "kept in quarantine"): 2 * EACH,
        ("orphans", "adopted"): EACH,
        ("orphans", None): EACH,
    }

    assert cut_at_every_step(cut) == report
    assert everything(cut) == after

    workers = start_workers(many, 3)
    job_id = many.defer("reconcile", {"repair": True, "part_rows": PART_ROWS})
    kills = 0
    with ended(workers):
        for phase in ("rows", "objects"):
            holder = wait_for_repair(many, job_id, phase)
            if holder is not None:
                kill(workers.pop(holder))
                kills += 1
        while many.job(job_id).status in ("queued", "running"):
            time.sleep(0.05)
    assert kills >= 1, "the kills came in the middle"
    assert (many.job(job_id).status, many.job(job_id).result) == ("succeeded", report)
    assert everything(many) == after
    parts = parts_of(many, job_id)
    counts = Counter(task for task, _ in parts)
    assert counts["reconcile: others"] == 1
    assert min(counts["reconcile: rows"], counts["reconcile: objects"]) > 4
    assert sum(attempt - 1 for _, attempt in parts) >= kills, "what the killed workers had was begun again"
    left = many.reconcile(repair=True)
    assert kinds_of(left.as_dict()) == {("orphans", None): EACH}, "they may belong to another workspace"


def test_what_is_small_is_not_shared_out(store: ConvStore, tmp_path: Path) -> None:
    store.ingest([folder_of(tmp_path / "in", count=3)])
    for task in ("reconcile", "verify"):
        job_id = store.defer(task)
        run_worker(store.resources, once=True)
        assert (store.job(job_id).status, parts_of(store, job_id)) == ("succeeded", [])


def parts_of(store: ConvStore, job_id: UUID) -> list[tuple[str, int]]:
    """Task and attempt of the parts."""
    with store.database.admin() as connection:
        rows = connection.execute("SELECT task, attempt FROM jobs WHERE parent_id = %s", [job_id]).fetchall()
    return [(row[0], row[1]) for row in rows]


def in_parts(store: ConvStore, task: str, *, looks: int) -> Mapping[str, Any] | None:
    """The report of a job in parts that changes nothing."""
    job_id = store.defer(task, {"part_rows": PART_ROWS})
    run_worker(store.resources, once=True)
    job = store.job(job_id)
    assert job.status == "succeeded", job.error
    assert job.total == looks
    assert isinstance(job.done, int)
    assert job.done >= CONVERSATIONS
    assert len(parts_of(store, job_id)) > CONVERSATIONS // PART_ROWS
    return job.result


def kinds_of(report: Mapping[str, Any]) -> Counter[tuple[str, str | None]]:
    """How many entries of each kind had what done about them."""
    lists = ("missing", "damaged", "drifted", "orphans")
    return Counter((name, entry["repair"]) for name in lists for entry in report[name])


def cut_at_every_step(store: ConvStore) -> Mapping[str, Any]:
    """The report of one that does every step twice: cut before it could keep the state after it, and right after."""
    kept: list[dict[str, Any]] = []

    def forget(_state: Mapping[str, Any]) -> None:
        raise Cut

    def keep(state: Mapping[str, Any]) -> None:
        kept.append(orjson.loads(orjson.dumps(state)))
        raise Cut

    while True:
        start = kept[-1] if kept else None
        for checkpoint in (forget, keep):
            with suppress(Cut):
                return store.reconcile(repair=True, start=start, checkpoint=checkpoint).as_dict()


def wait_for_repair(store: ConvStore, job_id: UUID, phase: str) -> int | None:
    """The worker that is about to repair what it found in a part of this phase; None if the job is over."""
    query = """
        SELECT q.worker_id FROM jobs AS j JOIN procrastinate.procrastinate_jobs AS q ON q.id = j.queue_id
        WHERE j.parent_id = %s AND j.task = %s AND q.status = 'doing' AND j.state -> 'pending' <> '[]' LIMIT 1
    """
    with store.database.admin() as connection:
        while store.job(job_id).status in ("queued", "running"):
            row = connection.execute(query, [job_id, f"reconcile: {phase}"]).fetchone()
            if row is not None:
                return int(row[0])
            time.sleep(0.002)
    return None
