"""Tasks of releases: large exports, and what they leave for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstore.core import ConvStore
from convstore.jobs import RunningJob
from convstore.worker.tasks import task


@task("export", role="lead")
def _export(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    report = store.export_deferred(job.id, job.arguments, progress=job.progress)
    totals = {"conversations": report.conversations, "left_out": len(report.left_out)}
    return {"release": str(report.release), "totals": totals}


@task("usage", role="lead")
def _usage(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"totals": {"counted": store.count_exports(progress=job.progress)}}
