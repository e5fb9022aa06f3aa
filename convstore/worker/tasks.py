"""What can be asked for by name. A task is a function `(store, job) -> result`, and the role that it needs.

A task must be able to run twice: whoever takes a job over begins with what `job.state` says. Other modules add theirs
with `@task`; a module is loaded by naming it in `TASK_MODULES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from convstore.core import ConvStore
from convstore.errors import UsageError
from convstore.jobs import RunningJob
from convstore.model import Role

__all__ = ["Run", "Task", "find_task", "task"]

Run: TypeAlias = Callable[[ConvStore, RunningJob], Mapping[str, Any]]

#: Modules that add tasks of their own when imported.
TASK_MODULES: tuple[str, ...] = (
    "convstore.worker.import_tasks",
    "convstore.worker.reconcile_tasks",
    "convstore.worker.set_tasks",
    "convstore.worker.release_tasks",
)


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of job."""

    name: str
    role: Role
    run: Run


_tasks: dict[str, Task] = {}


def task(name: str, *, role: Role) -> Callable[[Run], Run]:
    """Register a function as the task of this name, for people who have at least this role."""

    def register(run: Run) -> Run:
        if name in _tasks:
            raise UsageError(f"there is a task {name!r} already", hint="Choose another name.")
        _tasks[name] = Task(name, role, run)
        return run

    return register


def find_task(name: str) -> Task | None:
    """The task of this name, if this version knows it."""
    for module in TASK_MODULES:
        importlib.import_module(module)
    return _tasks.get(name)


@task("retention", role="admin")
def _retention(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return asdict(store.apply_retention(dry_run=bool(job.arguments.get("dry_run")), progress=job.progress))


@task("archive", role="lead")
def _archive(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    return asdict(store.archive(progress=job.progress))


@task("storage", role="admin")
def _storage(store: ConvStore, job: RunningJob) -> Mapping[str, Any]:
    store.note_storage_use()
    return {}
