"""Tasks of reconciliation: a small workspace at once, a large one in parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from convstore.core import ConvStore
from convstore.jobs import RunningJob
from convstore.reconcile import PART_ROWS, PHASES, Part, Phase, ReconcileReport
from convstore.worker.tasks import task

__all__: list[str] = []


@task("reconcile", role="lead")
def _reconcile(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    plan = partial(_plan, store, job.arguments)
    if not job.state and len(plan("rows")) > 1:
        # Kept, since the job is run again after every phase, and there may be fewer rows by then.
        job.keep({"looks_in_parts": store.looks_to_reconcile()})
    total = job.state.get("looks_in_parts")
    if total is None:
        return _run(store, job, None)
    results: list[Mapping[str, Any]] = []
    for phase in PHASES:
        results += job.in_parts(f"reconcile: {phase}", partial(plan, phase), total=total)
    return ReconcileReport.of(*results).as_dict()


def _plan(store: ConvStore, arguments: Mapping[str, Any], phase: Phase) -> list[dict[str, Any]]:
    parts = store.parts_to_reconcile(phase, rows=arguments.get("part_rows", PART_ROWS))
    return [{"repair": bool(arguments.get("repair")), "part": part.as_dict()} for part in parts]


def _part(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return _run(store, job, Part.from_dict(job.arguments["part"]))


for _phase in PHASES:
    task(f"reconcile: {_phase}", role="lead")(_part)


def _run(store: ConvStore, job: RunningJob, part: Part | None) -> Mapping[str, Any]:
    return store.reconcile(
        repair=bool(job.arguments.get("repair")),
        part=part,
        start=job.state or None,
        checkpoint=job.keep,
        progress=job.progress,
    ).as_dict()
