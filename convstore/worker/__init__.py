"""Background work: procrastinate on the product's own PostgreSQL, any number of workers on any number of machines.

tasks      what can be asked for by name
running    one job from its start to its end, as the person who asked for it
schedule   what is asked for by the clock, as convstore itself
service    the worker: takes jobs, takes over those of dead workers, stops gracefully
"""

from __future__ import annotations

from convstore.worker.service import run_worker, run_worker_in_background
from convstore.worker.tasks import task

__all__ = ["run_worker", "run_worker_in_background", "task"]
