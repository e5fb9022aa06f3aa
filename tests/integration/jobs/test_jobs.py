"""Jobs from the request to the result: in whose name, how far, stopped, retried, taken over."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from convstore.core import ConvStore, Resources
from convstore.database import Context
from convstore.errors import ConflictError, DatabaseError, ForbiddenError, NotFoundError, StorageUnavailableError
from convstore.queue import defer
from convstore.retention import RETRY_DAYS
from convstore.worker import run_worker, run_worker_in_background, task
from convstore.worker.schedule import DAILY_TASKS, KEEP_JOBS_DAYS, defer_daily, prune_jobs
from tests.fixtures_database import Server
from tests.integration.conversations import document

_calls: list[tuple[str, str]] = []


@task("test: note", role="reviewer")
def _note(store: ConvStore, job: object) -> dict[str, str]:
    _calls.append((store.actor.name, store.actor.role))
    return {"by": store.actor.name}


@task("test: slow", role="reviewer")
def _slow(store: ConvStore, job) -> dict[str, int]:  # type: ignore[no-untyped-def]
    for number in range(job.state.get("next", 0), 1000):
        job.keep({"next": number})
        job.progress(number, 1000, "counting")
        time.sleep(0.02)
    return {}


@task("test: weak", role="reviewer")
def _weak(store: ConvStore, job) -> dict[str, int]:  # type: ignore[no-untyped-def]
    if job.attempt == 1:
        raise StorageUnavailableError("not now")
    return {"attempt": job.attempt}


@task("test: broken", role="reviewer")
def _broken(store: ConvStore, job: object) -> dict[str, int]:
    raise ZeroDivisionError("secret text")


@pytest.fixture(autouse=True)
def no_calls() -> None:
    _calls.clear()


def member(store: ConvStore, role: str) -> ConvStore:
    """Somebody else of this role in the same workspace."""
    person = uuid4()
    with store.database.admin() as connection:
        connection.execute(
            "INSERT INTO profiles (id, issuer, subject, name) VALUES (%s, 'test', %s, 'Omar')", [person, str(person)]
        )
        connection.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
            [store.actor.workspace_id, person, role],
        )
    return ConvStore.for_person(store.resources, user_id=person, name="Omar", email=None)


def wait_for(store: ConvStore, job_id: UUID, *statuses: str) -> str:
    for _ in range(1200):
        status = store.job(job_id).status
        if status in statuses:
            return status
        time.sleep(0.05)
    raise AssertionError(f"{status}, not {statuses}: {store.job(job_id)}")


def test_a_job_acts_as_who_asked_and_says_how_it_ended(store: ConvStore, resources: Resources) -> None:
    omar = member(store, "reviewer")
    job_id = omar.defer("test: note")
    assert [(job.task, job.status, job.asked_by) for job in store.jobs()] == [("test: note", "queued", "Omar")]
    run_worker(resources, once=True)
    job = store.job(job_id)
    assert (job.status, job.result, job.attempt) == ("succeeded", {"by": "Omar"}, 1)
    assert _calls == [("Omar", "reviewer")]


def test_a_job_is_deferred_with_the_change_or_not_at_all(store: ConvStore, resources: Resources) -> None:
    workspace_id = store.actor.workspace_id

    def change_that_fails() -> None:
        with store.database.transaction(Context.of(store.actor)) as connection:
            defer(connection, workspace_id, "test: note")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_that_fails()
    run_worker(resources, once=True)
    assert store.jobs() == ()
    assert _calls == []


def test_who_lost_the_right_meanwhile_gets_nothing_done(store: ConvStore, resources: Resources) -> None:
    lead = member(store, "lead")
    retention, note = lead.defer("retention"), lead.defer("test: note")
    with store.database.admin() as connection:
        connection.execute("DELETE FROM workspace_members WHERE user_id = %s", [lead.actor.user_id])
    run_worker(resources, once=True)
    assert [store.job(one).error["code"] for one in (retention, note)] == ["ERR_AUTH_RLS_DENIED"] * 2  # type: ignore[index]
    assert _calls == []


def test_rights_of_people(store: ConvStore) -> None:
    viewer, omar = member(store, "viewer"), member(store, "reviewer")
    with pytest.raises(ForbiddenError):
        viewer.defer("test: note")
    mine = store.defer("test: note")
    with pytest.raises(ForbiddenError):
        omar.cancel_job(mine)
    assert viewer.job(mine).status == "queued"
    with pytest.raises(NotFoundError):
        omar.cancel_job(uuid4())
    for statement in (
        "UPDATE jobs SET status = 'succeeded'",
        "INSERT INTO jobs (workspace_id, task, created_by) SELECT id, 'x', auth.uid() FROM workspaces",
        "SELECT * FROM procrastinate.procrastinate_jobs",
        "SELECT convstore.put_in_queue(gen_random_uuid(), NULL)",
        "SELECT convstore.take_over_jobs(0)",
        "SELECT convstore.prune_jobs(0)",
        "SELECT convstore.archive_conversations(gen_random_uuid(), '{}')",
    ):
        with pytest.raises(ForbiddenError), store.database.transaction(Context.of(omar.actor)) as connection:
            connection.execute(text(statement))


def test_the_same_job_is_queued_once(store: ConvStore) -> None:
    assert store.defer("verify") == store.defer("verify")
    assert store.defer("verify") != store.defer("reconcile")


def test_unknown_task_and_bug_end_as_failed_without_a_secret(
    store: ConvStore, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    unknown, broken = store.defer("test: nothing"), store.defer("test: broken")
    run_worker(resources, once=True)
    assert "knows no task" in store.job(unknown).error["message"]  # type: ignore[index]
    shown = store.job(broken).error
    assert shown is not None
    assert "ZeroDivisionError" in shown["message"]
    assert "secret" not in shown["message"]
    assert "secret text" in caplog.text
    assert [line.status for line in store.health() if line.name == "jobs"] == ["warn"]


def test_a_passing_fault_is_tried_again(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: weak")
    run_worker(resources, once=True)
    assert store.job(job_id).status == "queued"
    with store.database.admin() as connection:
        connection.execute("SET search_path = procrastinate")
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(resources, once=True)
    assert (store.job(job_id).status, store.job(job_id).result) == ("succeeded", {"attempt": 2})


def test_cancel_and_retry(store: ConvStore, resources: Resources) -> None:
    waiting = store.defer("test: note")
    store.cancel_job(waiting)
    run_worker(resources, once=True)
    assert (store.job(waiting).status, _calls) == ("cancelled", [])
    with pytest.raises(ConflictError):
        store.cancel_job(waiting)

    running = store.defer("test: slow")
    with run_worker_in_background(resources):
        wait_for(store, running, "running")
        time.sleep(0.3)
        store.cancel_job(running)
        assert wait_for(store, running, "cancelled") == "cancelled"
        store.retry_job(waiting)
        assert wait_for(store, waiting, "succeeded") == "succeeded"
    assert _calls == [("Jana", "admin")]


def test_a_worker_that_stops_puts_its_job_back_and_another_goes_on(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: slow")
    with run_worker_in_background(resources):
        wait_for(store, job_id, "running")
        time.sleep(0.5)
    job = store.job(job_id)
    assert job.status == "queued"
    with store.database.admin() as connection:
        row = connection.execute("SELECT state FROM jobs").fetchone()
        assert row is not None
        assert 0 < row[0]["next"] < 1000
        connection.execute("UPDATE jobs SET state = '{\"next\": 990}'")
    run_worker(resources, once=True)
    assert (store.job(job_id).status, store.job(job_id).attempt) == ("succeeded", 2)


def test_a_worker_taken_for_dead_is_stopped_by_its_attempt(store: ConvStore, resources: Resources) -> None:
    job_id = store.defer("test: slow")
    with run_worker_in_background(resources):
        wait_for(store, job_id, "running")
        with store.database.admin() as connection:
            connection.execute("UPDATE jobs SET attempt = attempt + 1")
        time.sleep(0.5)
        # Nobody else runs it here: the first attempt has let go, and wrote nothing about the end.
        with store.database.admin() as connection:
            before = connection.execute("SELECT state, status FROM jobs").fetchone()
            time.sleep(0.3)
            assert connection.execute("SELECT state, status FROM jobs").fetchone() == before
        assert before is not None
        assert before[1] == "running"


def test_daily_work_is_done_in_convstores_own_name(store: ConvStore, resources: Resources) -> None:
    assert defer_daily(resources) == len(DAILY_TASKS)
    defer_daily(resources)
    run_worker(resources, once=True)
    assert sorted((job.task, job.status, job.asked_by) for job in store.jobs()) == [
        (name, "succeeded", "convstore") for name in sorted(DAILY_TASKS)
    ]


def test_jobs_that_are_long_over_go_and_what_can_go_on_stays(store: ConvStore, resources: Resources) -> None:
    def later(days: int) -> None:
        with store.database.admin() as connection:
            connection.execute("UPDATE jobs SET finished_at = finished_at - make_interval(days => %s)", [days])
            connection.execute(
                "UPDATE procrastinate.procrastinate_events SET at = at - make_interval(days => %s)", [days]
            )

    def queue_rows() -> int:
        with store.database.admin() as connection:
            row = connection.execute("SELECT count(*) FROM procrastinate.procrastinate_jobs").fetchone()
        assert row is not None
        return int(row[0])

    store.defer("test: note")
    failed = store.defer("test: broken")
    run_worker(resources, once=True)
    # Tried again, it has a second row in the queue; the first is nobody's.
    store.retry_job(failed)
    run_worker(resources, once=True)
    cancelled_import = store.ingest_later(uploads(1))
    store.cancel_job(cancelled_import)
    assert queue_rows() == 4

    later(KEEP_JOBS_DAYS - 1)
    assert prune_jobs(resources) == 0
    assert queue_rows() == 4
    waiting = store.defer("verify")
    later(2)
    assert prune_jobs(resources) == 2
    assert {job.id for job in store.jobs()} == {cancelled_import, waiting}
    assert queue_rows() == 2
    store.retry_job(cancelled_import)
    run_worker(resources, once=True)
    assert {job.status for job in store.jobs()} == {"succeeded"}


def uploads(count: int, prefix: str = "talk") -> dict[str, bytes]:
    return {f"{prefix}-{n}.json": json.dumps(document(f"{prefix}-{n}")).encode() for n in range(count)}


def items(store: ConvStore) -> dict[str, str]:
    with store.database.admin() as connection:
        rows = connection.execute("SELECT file, processing_status FROM ingest_items ORDER BY position").fetchall()
    return dict(rows)


def test_an_import_in_the_background(store: ConvStore, resources: Resources) -> None:
    job_id = store.ingest_later({**uploads(3), "broken.json": b"{"})
    assert set(items(store).values()) == {"queued"}
    assert store.reconcile(repair=True).orphans == [], "bytes that wait are no orphans"
    run_worker(resources, once=True)
    assert items(store) == {
        "talk-0.json": "completed", "talk-1.json": "completed", "talk-2.json": "completed", "broken.json": "failed",
    }  # fmt: skip
    result = store.job(job_id).result
    assert result is not None
    assert result["totals"]["stored"] == 3
    assert store.reconcile().is_clean
    assert not [stat for stat in store.files.list() if "/upload-" in stat.path]


def test_a_cancelled_import_says_so(store: ConvStore, resources: Resources) -> None:
    job_id = store.ingest_later(uploads(2))
    store.cancel_job(job_id)
    assert set(items(store).values()) == {"failed"}
    store.retry_job(job_id)
    assert set(items(store).values()) == {"queued"}
    run_worker(resources, once=True)
    assert set(items(store).values()) == {"completed"}
    assert store.count() == (2, True)


def test_files_of_an_import_that_nobody_tries_again_go_in_time(store: ConvStore, resources: Resources) -> None:
    def kept_bytes() -> int:
        return sum(stat.size for stat in store.files.list() if "/upload-" in stat.path)

    def later(days: int) -> None:
        with store.database.admin() as connection:
            connection.execute("UPDATE jobs SET finished_at = finished_at - make_interval(days => %s)", [days])

    job_id, waiting = store.ingest_later(uploads(2)), store.ingest_later(uploads(1, "other"))
    store.cancel_job(job_id)
    assert store.storage_use().bytes_by_kind["uploads"] == kept_bytes(), "cancelled, they still take space"
    later(RETRY_DAYS - 1)
    assert store.apply_retention().uploads == []
    later(2)
    planned = store.apply_retention(dry_run=True).uploads
    assert [(entry["job_id"], entry["files"]) for entry in planned] == [(str(job_id), 2)]
    before = kept_bytes()
    assert store.apply_retention().uploads == planned
    assert kept_bytes() == before - planned[0]["bytes"]
    assert store.apply_retention().uploads == [], "once"
    with pytest.raises(ConflictError, match="not kept any more"):
        store.retry_job(job_id)
    with pytest.raises(AssertionError), store.database.transaction(Context.of(store.actor)) as connection:
        assert connection.execute(text("SELECT convstore.retry_job(:job)"), {"job": job_id}).scalar_one()
    assert [event.action for event in store.events(limit=1)] == ["uploads discarded"]
    assert store.reconcile().is_clean
    run_worker(resources, once=True)
    assert store.job(waiting).status == "succeeded"
    assert kept_bytes() == 0


def test_nobody_works(store: ConvStore) -> None:
    assert [line.status for line in store.health()] == ["ok"] * 4
    store.defer("verify")
    [workers] = [line for line in store.health() if line.name == "workers"]
    assert workers.status == "fail"
    assert "no worker" in workers.fact


def test_a_worker_refuses_a_database_that_is_not_set_up(server: Server, tmp_path: Path) -> None:
    server.create("nothing_in_it")
    bare = Resources(server.settings("nothing_in_it", tmp_path))
    with pytest.raises(DatabaseError, match="version none"):
        run_worker(bare, once=True)
    bare.close()
    server.drop("nothing_in_it")


def test_background_worker_needs_no_main_thread(store: ConvStore, resources: Resources) -> None:
    with run_worker_in_background(resources):
        wait_for(store, store.defer("test: note"), "succeeded")
    assert [thread.name for thread in threading.enumerate() if thread.name == "convstore-worker"] == []
