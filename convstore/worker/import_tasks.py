"""Tasks of imports: a small one at once, a large one in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstore.core import ConvStore
from convstore.ingest import IngestReport, files_to_look_at, files_to_store, is_large
from convstore.jobs import JobStopped, RunningJob
from convstore.worker.tasks import task


@task("ingest", role="reviewer")
def _ingest(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    try:
        report = _import(store, job)
    except JobStopped as stop:
        if stop.why == "cancelled":
            store.fail_import(job.id, "cancelled")
        raise
    except Exception as exc:
        store.fail_import(job.id, str(exc))
        raise
    return {"totals": report.totals}


def _import(store: ConvStore, job: RunningJob) -> IngestReport:
    if not is_large(job.arguments):
        return store.ingest_deferred(job.id, job.arguments, progress=job.progress)
    total = len(job.arguments["files"])
    looked_at = job.in_parts("ingest: look", lambda: files_to_look_at(job.arguments), total=total)
    job.in_parts("ingest: store", lambda: files_to_store(job.id, job.arguments, looked_at))
    return store.close_import(job.id, job.arguments)


@task("ingest: look", role="reviewer")
def _look(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    def tell(_done: int, total: int, step: str) -> None:
        # Nothing is imported yet.
        job.progress(0, total, step)

    return {"keys": store.look_at_part(job.arguments, progress=tell)}


@task("ingest: store", role="reviewer")
def _store(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    store.ingest_part(job.arguments, progress=job.progress)
    return {}
