"""Tasks that hold files against rows: a small workspace at once, a large one in parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from convstore.core import ConvStore
from convstore.jobs import RunningJob
from convstore.reconcile import PART_ROWS, PHASES, SOURCES, Part, Phase, ReconcileReport, VerifyReport
from convstore.worker.tasks import task


@task("reconcile", role="lead")
def _reconcile(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    parts = _in_parts(store, job, "reconcile", PHASES)
    return _reconcile_part(store, job) if parts is None else ReconcileReport.of(*parts).as_dict()


def _reconcile_part(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return store.reconcile(
        repair=bool(job.arguments.get("repair")),
        part=_part(job),
        start=job.state or None,
        checkpoint=job.keep,
        progress=job.progress,
    ).as_dict()


@task("verify", role="lead")
def _verify(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    parts = _in_parts(store, job, "verify", tuple(SOURCES))
    return _verify_part(store, job) if parts is None else VerifyReport.of(*parts).as_dict()


def _verify_part(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    start = VerifyReport(**job.state) if job.state else None
    return store.verify(part=_part(job), start=start, checkpoint=job.keep, progress=job.progress).as_dict()


for _phase in PHASES:
    task(f"reconcile: {_phase}", role="lead")(_reconcile_part)
for _phase in SOURCES:
    task(f"verify: {_phase}", role="lead")(_verify_part)


def _in_parts(store: ConvStore, job: RunningJob, name: str, phases: Sequence[Phase]) -> list[Mapping[str, Any]] | None:
    """What the parts found, phase after phase; None if the workspace is too small to be shared out."""
    rows = job.arguments.get("part_rows", PART_ROWS)
    if not job.state and len(store.parts_to_reconcile("rows", rows=rows)) > 1:
        # Kept, since the job is run again after every phase, and there may be fewer rows by then.
        looks = store.looks_to_reconcile()
        job.keep({"looks_in_parts": looks if "objects" in phases else looks // 2})
    total = job.state.get("looks_in_parts")
    if total is None:
        return None

    def plan(phase: Phase) -> list[dict[str, Any]]:
        parts = store.parts_to_reconcile(phase, rows=rows)
        return [{"repair": bool(job.arguments.get("repair")), "part": part.as_dict()} for part in parts]

    found: list[Mapping[str, Any]] = []
    for phase in phases:
        found += job.in_parts(f"{name}: {phase}", partial(plan, phase), total=total)
    return found


def _part(job: RunningJob) -> Part | None:
    return Part.from_dict(job.arguments["part"]) if "part" in job.arguments else None
