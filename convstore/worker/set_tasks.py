"""Tasks over the set as a whole: copies, checks and the counts of facets. Each goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstore.core import ConvStore
from convstore.jobs import RunningJob
from convstore.worker.tasks import task


@task("duplicates", role="lead")
def _duplicates(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"compared": store.update_duplicates(progress=job.progress)}


@task("checks", role="lead")
def _checks(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"checked": store.recheck(progress=job.progress)}


@task("facets", role="lead")
def _facets(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return {"folded": store.compact_facets()}
