"""Putting the demonstration set into a store, by the ordinary import and the ordinary review."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from convstore.core import ConvStore
from convstore.demo.plan import DemoDecision, write_demo
from convstore.model import DIMENSIONS, Status

__all__ = ["seed_demo"]


def seed_demo(store: ConvStore, *, count: int = 240, progress: Callable[[int, int, str], None] | None = None) -> int:
    """Store the demonstration set and what reviewers decided about it; how many conversations are new."""
    with tempfile.TemporaryDirectory(prefix="convstore-demo-") as folder:
        plan = write_demo(Path(folder), count)
        store.import_scaffolding(plan.scaffold)
        report = store.ingest([plan.conversations], on_conflict="skip", progress=progress)
    for identifier in plan.conversation_ids:
        name = plan.names.get(identifier)
        if name and store.get(identifier).conversation.conversation_name != name:
            store.edit(identifier, name=name)
    _decide(store, plan.decisions)
    store.update_duplicates()
    return report.totals["stored"]


def _decide(store: ConvStore, decisions: tuple[DemoDecision, ...] | list[DemoDecision]) -> None:
    later: dict[Status, list[str]] = defaultdict(list)
    for decision in decisions:
        first, *rest = decision.moves
        scores = {name: value for name in DIMENSIONS if (value := getattr(decision.scores, name)) is not None}
        store.review(
            [decision.conversation_id],
            status=first,
            note=decision.note,
            reasons=decision.reasons,
            scores=scores,
            seconds=decision.seconds,
            as_review=True,
        )
        for move in rest:
            later[move].append(decision.conversation_id)
    for status, identifiers in later.items():
        store.review(identifiers, status=status)
