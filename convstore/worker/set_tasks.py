"""Tasks over the set as a whole: copies, checks and the counts of facets.

Each goes on where it was stopped, and a large set is shared out among workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstore.core import ConvStore
from convstore.duplicates import cut_unsigned
from convstore.jobs import RunningJob
from convstore.queries.ranges import IdRange
from convstore.rechecking import cut_set
from convstore.worker.tasks import task


@task("duplicates", role="lead")
def _duplicates(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    parts: list[Mapping[str, Any]] = []
    total, ranges = cut_unsigned(store.database, store.actor.workspace_id)
    if job.state or len(ranges) > 1:
        # What the parts have compared is not new any more: that it was shared out has to be remembered.
        job.keep({"shared": True})
        parts = job.in_parts("duplicates: range", lambda: [{"ids": ids.as_json()} for ids in ranges], total=total)
    compared = sum(part["compared"] for part in parts)

    def tell(done: int, _total: int, step: str) -> None:
        job.progress(compared + done, max(total, compared + done), step)

    # Also what came meanwhile.
    return {"compared": compared + store.update_duplicates(progress=tell)}


@task("duplicates: range", role="lead")
def _duplicates_of_a_range(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    within = IdRange.from_json(job.arguments["ids"])
    return {"compared": store.update_duplicates(within=within, progress=job.progress)}


@task("checks", role="lead")
def _checks(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    total, ranges = cut_set(store.database, store.actor.workspace_id)
    if not job.state:
        if len(ranges) == 1:
            return {"checked": store.recheck(progress=job.progress)}
        job.keep({"versions": store.begin_recheck()})
    versions = job.state["versions"]
    parts = job.in_parts(
        "checks: range", lambda: [{"versions": versions, "ids": ids.as_json()} for ids in ranges], total=total
    )
    store.close_recheck(versions)
    return {"checked": sum(part["checked"] for part in parts)}


@task("checks: range", role="lead")
def _checks_of_a_range(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    before = job.state or {"ids": job.arguments["ids"], "checked": 0}
    within = IdRange.from_json(before["ids"])
    done = before["checked"]

    def keep(left: IdRange, checked: int) -> None:
        job.keep({"ids": left.as_json(), "checked": done + checked})

    def tell(checked: int, _total: int, step: str) -> None:
        job.progress(done + checked, 0, step)

    checked = store.recheck_part(job.arguments["versions"], within, keep=keep, progress=tell)
    return {"checked": done + checked}


@task("facets", role="lead")
def _facets(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"folded": store.compact_facets()}
