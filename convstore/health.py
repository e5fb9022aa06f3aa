"""What an operator should know of a workspace: work that waits for nobody, work that failed, space that runs out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, exists, func, select

from convstore.database import Context, Database
from convstore.database.tables import ingest_items, jobs
from convstore.model import Actor, CheckResult
from convstore.retention.space import get_storage_use, size_in_words

__all__ = ["examine_workspace"]

j = jobs.c
i = ingest_items.c

#: A worker that has not been heard of for this long is gone.
SILENT_S = 60.0
#: A job that waits for this long waits for nobody, one that says nothing for this long hangs.
STUCK_S = 300


def examine_workspace(database: Database, actor: Actor) -> tuple[CheckResult, ...]:
    """One line a concern, the order being that of the screen."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        found = [*_jobs(connection, actor), *_imports(connection, actor)]
    return (*found, _space(database, actor))


def _jobs(connection: Connection, actor: Actor) -> Iterator[CheckResult]:
    before = datetime.now(UTC) - timedelta(seconds=STUCK_S)
    later = jobs.alias()
    # What was done since, or cannot be done again, is nobody's concern any more.
    is_over = j.arguments.has_key("discarded_at") | (
        (j.task != "ingest")
        & exists().where(
            later.c.workspace_id == j.workspace_id,
            later.c.task == j.task,
            later.c.status == "succeeded",
            later.c.created_at > j.created_at,
        )
    )
    # A job that was shared out speaks through its parts.
    parts = jobs.alias()
    heard = func.greatest(
        j.updated_at, select(func.max(parts.c.updated_at)).where(parts.c.parent_id == j.id).scalar_subquery()
    )
    counts = connection.execute(
        select(
            func.count().filter(j.status == "queued"),
            func.count().filter((j.status == "queued") & (j.updated_at < before)),
            func.count().filter((j.status == "running") & (heard < before)),
            func.count().filter((j.status == "failed") & ~is_over),
        ).where(
            j.workspace_id == actor.workspace_id,
            j.parent_id.is_(None),
            j.status.in_(("queued", "running", "failed")),
        )
    ).one()
    queued, waiting, silent, failed = counts
    workers = connection.execute(select(func.convstore.workers_alive(SILENT_S))).scalar_one()
    if queued and not workers:
        yield CheckResult(
            name="workers",
            status="fail",
            fact=f"{_jobs_that(queued, 'waits', 'wait')} and no worker runs",
            next_action="Start one: convstore worker.",
        )
    elif waiting or silent:
        yield CheckResult(
            name="workers",
            status="warn",
            fact=f"{_jobs_that(waiting, 'waits', 'wait')} for more than five minutes, "
            f"{_jobs_that(silent, 'says', 'say')} nothing for as long",
            next_action="Look at them on the System screen; more workers take more at once.",
        )
    else:
        yield CheckResult(name="workers", status="ok", fact=f"{workers} running, {_jobs_that(queued, 'waits', 'wait')}")
    if failed:
        yield CheckResult(
            name="jobs",
            status="warn",
            fact=_jobs_that(failed, "failed", "failed"),
            next_action="Read why on the System screen, and retry or cancel them.",
        )
    else:
        yield CheckResult(name="jobs", status="ok", fact="none has failed")


def _jobs_that(count: int, does: str, do: str) -> str:
    return f"1 job {does}" if count == 1 else f"{count:,} jobs {do}"


def _imports(connection: Connection, actor: Actor) -> Iterator[CheckResult]:
    left = connection.execute(
        select(func.count()).where(
            i.workspace_id == actor.workspace_id, i.processing_status.in_(("queued", "processing"))
        )
    ).scalar_one()
    fact = "no file waits" if not left else "1 file is on its way" if left == 1 else f"{left:,} files are on their way"
    yield CheckResult(name="imports", status="ok", fact=fact)


def _space(database: Database, actor: Actor) -> CheckResult:
    use = get_storage_use(database, actor)
    if use.quota_bytes is None:
        return CheckResult(name="storage", status="ok", fact=f"{size_in_words(use.used_bytes)} used, no limit")
    fact = f"{size_in_words(use.used_bytes)} of {size_in_words(use.quota_bytes)} used: {use.in_words()}"
    if use.level == "ok":
        return CheckResult(name="storage", status="ok", fact=fact)
    return CheckResult(
        name="storage",
        status="warn" if use.level == "warning" else "fail",
        fact=fact,
        next_action="Delete or archive what nobody needs, or raise the quota.",
    )
