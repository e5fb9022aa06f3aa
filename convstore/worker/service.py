"""The worker: takes jobs from the queue, takes over those of dead workers, and stops gracefully.

procrastinate prunes the rows of dead workers and leaves their jobs as they are, so taking over is ours.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy import func, select

from convstore.core import Resources
from convstore.database import system_context
from convstore.database.translation import translated
from convstore.errors import ConvstoreError, SettingsError
from convstore.queue import QUEUE_SCHEMA
from convstore.worker.running import run_job
from convstore.worker.schedule import DAILY, defer_daily, prune_jobs

__all__ = ["run_worker", "run_worker_in_background"]

log = logging.getLogger(__name__)

#: How long a job may go on after the worker was told to stop, before it is asked to put itself back.
GRACE_S = 2.0
POLL_S = 5.0
CONNECT_WITHIN_S = 30


class _Again(Exception):
    def __init__(self, after_s: float) -> None:
        super().__init__(f"again in {after_s:g} s")
        self.after_s = after_s


class _WhenAsked(BaseRetryStrategy):
    """A job says itself whether and when it wants to be started again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, _Again):
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=exception.after_s))


def make_app(resources: Resources) -> App:
    """procrastinate's app with our one task; jobs name what they do in our own table."""
    app = App(
        connector=PsycopgConnector(
            conninfo=_session_url(resources),
            configure=_enter_queue,
            min_size=1,
            max_size=4,
            kwargs={"application_name": "convstore worker"},
        )
    )

    @app.task(name="run", queue="convstore", pass_context=True, retry=_WhenAsked())
    def run(context: JobContext, *, job_id: str) -> None:
        after_s = run_job(resources, UUID(job_id), is_interrupted=context.should_abort)
        if after_s is not None:
            raise _Again(after_s)

    @app.periodic(cron=DAILY)
    @app.task(name="daily", queue="convstore")
    def daily(timestamp: int) -> None:
        defer_daily(resources)
        log.info("old jobs removed", extra={"jobs": prune_jobs(resources)})

    return app


async def serve(
    resources: Resources,
    *,
    heartbeat_s: float = 10.0,
    silent_s: float = 30.0,
    once: bool = False,
    stop: threading.Event,
) -> None:
    """Work until told to stop; with `once`, until the queue is empty."""
    _check_database(resources)
    app = make_app(resources)
    async with app.open_async():
        work = asyncio.create_task(
            app.run_worker_async(
                queues=["convstore"],
                wait=not once,
                fetch_job_polling_interval=POLL_S,
                abort_job_polling_interval=POLL_S,
                shutdown_graceful_timeout=GRACE_S,
                install_signal_handlers=threading.current_thread() is threading.main_thread(),
                update_heartbeat_interval=heartbeat_s,
                stalled_worker_timeout=silent_s,
            )
        )
        helpers = [
            asyncio.create_task(_take_over(resources, heartbeat_s, silent_s)),
            asyncio.create_task(_cancel_when_told(work, stop)),
        ]
        try:
            await work
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)


def run_worker(resources: Resources, *, heartbeat_s: float = 10.0, silent_s: float = 30.0, once: bool = False) -> None:
    """Work until a signal comes; with `once`, until the queue is empty.

    Parameters
    ----------
    heartbeat_s
        How often the worker says that it lives.
    silent_s
        A worker that has not said so for this long is dead; its jobs are taken over.
    """
    asyncio.run(serve(resources, heartbeat_s=heartbeat_s, silent_s=silent_s, once=once, stop=threading.Event()))


@contextmanager
def run_worker_in_background(resources: Resources) -> Iterator[None]:
    """A worker in a thread of this process, for as long as the block lasts."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                asyncio.run(serve(resources, stop=stop))
            # The app serves on without a worker; jobs wait, and Home says so.
            except ConvstoreError as error:
                log.warning("no worker: %s; another try follows", error)
                stop.wait(POLL_S)
            except Exception:
                log.exception("the worker ended; another try follows")
                stop.wait(POLL_S)

    thread = threading.Thread(target=work, name="convstore-worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=GRACE_S + POLL_S)


def _check_database(resources: Resources) -> None:
    """Refuse a database that lets nobody in or is of another version; the queue's own pool would try for long first."""
    with translated(), psycopg.connect(_session_url(resources), connect_timeout=CONNECT_WITHIN_S):
        resources.check_version()


def _session_url(resources: Resources) -> str:
    # The queue's functions need a search path, and LISTEN a session: a transaction pooler gives neither.
    database = resources.database
    for url in (database.url, database.admin_url):
        if ":6543/" not in url:
            return url
    raise SettingsError(
        "a worker cannot work through a transaction pooler",
        hint="Set CONVSTORE_ADMIN_URL to the direct address or the session pooler (port 5432).",
    )


async def _enter_queue(connection: psycopg.AsyncConnection) -> None:
    await connection.execute("SET ROLE service_role")
    await connection.execute(f"SET search_path = {QUEUE_SCHEMA}, pg_temp")
    await connection.commit()


async def _take_over(resources: Resources, heartbeat_s: float, silent_s: float) -> None:
    while True:
        await asyncio.to_thread(_take_over_now, resources, silent_s)
        await asyncio.sleep(heartbeat_s)


def _take_over_now(resources: Resources, silent_s: float) -> None:
    with suppress(ConvstoreError), resources.database.transaction(system_context()) as connection:
        taken = connection.execute(select(func.convstore.take_over_jobs(silent_s))).scalar_one()
        if taken:
            log.warning("took over the jobs of dead workers", extra={"jobs": taken})


async def _cancel_when_told(work: asyncio.Task[None], stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.2)
    # A cancelled worker lets its jobs end as one that gets a signal does.
    work.cancel()
