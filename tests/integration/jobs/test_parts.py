"""A job in parts: shared out once, put together when the last part ends, whatever happens to those who do them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from convstore.core import ConvStore, Resources
from convstore.errors import UsageError
from convstore.jobs import RunningJob
from convstore.worker import run_worker, run_worker_in_background, task
from convstore.worker.schedule import KEEP_JOBS_DAYS, prune_jobs

_began: list[int] = []
_broken: set[int] = set()
_slow = threading.Event()


@task("test: whole", role="reviewer")
def _whole(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    squares = job.in_parts("test: square", lambda: [{"of": number} for number in range(5)], total=50)
    sums = job.in_parts("test: sum", lambda: [{"of": [found["square"] for found in squares]}])
    return {"sum": sums[0]["sum"]}


@task("test: square", role="reviewer")
def _square(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    number = job.arguments["of"]
    _began.append(number)
    if number in _broken:
        raise UsageError("three is not to be had", hint="Ask for another.")
    for done in range(10):
        job.progress(done, 10)
        while _slow.is_set():
            job.keep({})
            time.sleep(0.02)
    job.progress(10, 10)
    return {"square": number**2}


@task("test: sum", role="reviewer")
def _sum(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"sum": sum(job.arguments["of"])}


@task("test: nothing to do", role="reviewer")
def _nothing(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"parts": job.in_parts("test: square", list)}


@pytest.fixture(autouse=True)
def nothing_before() -> None:
    _began.clear()
    _broken.clear()
    _slow.clear()


def parts_of(store: ConvStore, job_id: UUID) -> dict[str, list[str]]:
    """Statuses of the parts, by task."""
    with store.database.admin() as connection:
        rows = connection.execute("SELECT task, status FROM jobs WHERE parent_id = %s ORDER BY task, part", [job_id])
        found: dict[str, list[str]] = {}
        for name, status in rows:
            found.setdefault(name, []).append(status)
        return found


def wait_until(store: ConvStore, job_id: UUID, status: str) -> None:
    for _ in range(400):
        if store.job(job_id).status == status:
            return
        time.sleep(0.02)
    raise AssertionError(store.job(job_id))


def test_results_come_in_the_order_of_the_parts_and_one_job_is_seen(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: whole")
    run_worker(resources, once=True)
    job = store.job(job_id)
    assert (job.status, job.result, job.done, job.total) == ("succeeded", {"sum": 30}, 50, 50)
    assert sorted(_began) == [0, 1, 2, 3, 4]
    assert [one.task for one in store.jobs()] == ["test: whole"]
    assert parts_of(store, job_id) == {"test: square": ["succeeded"] * 5, "test: sum": ["succeeded"]}
    assert [line.status for line in store.health()] == ["ok"] * 4


def test_a_task_without_parts_goes_on(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: nothing to do")
    run_worker(resources, once=True)
    assert store.job(job_id).result == {"parts": []}


def test_one_waits_for_parts_as_for_a_running_job(store: ConvStore, resources: Resources) -> None:
    _slow.set()
    job_id = store.defer("test: whole")
    with run_worker_in_background(resources):
        while not _began:
            time.sleep(0.02)
        assert store.job(job_id).status == "running"
        # The same work asked for again is the work that is under way.
        assert store.defer("test: whole") == job_id
        with store.database.admin() as connection:
            connection.execute("UPDATE jobs SET updated_at = now() - interval '1 hour' WHERE id = %s", [job_id])
        [workers] = [line for line in store.health() if line.name == "workers"]
        assert workers.status == "ok", "its parts speak for it"
        _slow.clear()
        wait_until(store, job_id, "succeeded")


def test_a_part_that_fails_fails_the_job_and_only_it_is_done_again(store: ConvStore, resources: Resources) -> None:
    _broken.add(3)
    job_id = store.defer("test: whole")
    run_worker(resources, once=True)
    job = store.job(job_id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error["code"], job.error["message"]) == ("ERR_USAGE", "three is not to be had")
    assert parts_of(store, job_id) == {"test: square": ["succeeded"] * 3 + ["failed", "succeeded"]}
    _broken.clear()
    _began.clear()
    store.retry_job(job_id)
    run_worker(resources, once=True)
    assert (store.job(job_id).status, store.job(job_id).result) == ("succeeded", {"sum": 30})
    assert _began == [3]


def test_who_stops_a_job_stops_its_parts(store: ConvStore, resources: Resources) -> None:
    _slow.set()
    job_id = store.defer("test: whole")
    with run_worker_in_background(resources):
        while not _began:
            time.sleep(0.02)
        store.cancel_job(job_id)
        wait_until(store, job_id, "cancelled")
    assert parts_of(store, job_id) == {"test: square": ["cancelled"] * 5}
    _slow.clear()
    store.retry_job(job_id)
    run_worker(resources, once=True)
    assert (store.job(job_id).status, store.job(job_id).result) == ("succeeded", {"sum": 30})


def test_shared_out_once_though_its_worker_dies_right_after(store: ConvStore, resources: Resources) -> None:
    """The queue never heard that the run which shared it out had ended: it runs again, beside its parts."""
    _slow.set()
    job_id = store.defer("test: whole")
    with run_worker_in_background(resources):
        while not _began:
            time.sleep(0.02)
        with store.database.admin() as connection:
            connection.execute("SET search_path = procrastinate, public")
            connection.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL"
                " WHERE id = (SELECT queue_id FROM jobs WHERE id = %s)",
                [job_id],
            )
            connection.execute("SELECT convstore.take_over_jobs(60)")
        _slow.clear()
        wait_until(store, job_id, "succeeded")
    assert store.job(job_id).result == {"sum": 30}
    assert sorted(_began) == [0, 1, 2, 3, 4]


def test_parts_go_with_their_job(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: whole")
    run_worker(resources, once=True)
    with store.database.admin() as connection:
        connection.execute("UPDATE jobs SET finished_at = finished_at - make_interval(days => %s)", [KEEP_JOBS_DAYS])
        connection.execute("UPDATE jobs SET finished_at = now() WHERE id = %s", [job_id])
    assert prune_jobs(resources) == 0
    assert len(parts_of(store, job_id)["test: square"]) == 5
    with store.database.admin() as connection:
        connection.execute("UPDATE jobs SET finished_at = finished_at - make_interval(days => %s)", [KEEP_JOBS_DAYS])
    assert prune_jobs(resources) == 1
    assert parts_of(store, job_id) == {}
