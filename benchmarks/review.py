"""Reviewing in numbers: a bulk decision and its undo beside a plain UPDATE, and what one decision costs the server.

    python -m benchmarks.review [--stored 100000] [--bulk 10000] [--decisions 200]

The plain UPDATE changes the same rows in the same columns under the same policies and indexes, with every trigger of
ours off: no lifecycle, no audit. All three are medians of five.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.loading import load
from convstore.core import ConvStore, Resources
from convstore.database import Context
from convstore.model import Filter
from convstore.review.queues import DEFAULT_QUEUE
from convstore.settings import Settings

__all__ = ["measure_bulk", "measure_decisions"]

T = TypeVar("T")

_RUNS = 5
_PLAIN = """
    UPDATE conversations SET status = 'approved', reviewed_by = %(me)s, reviewed_at = now(), updated_at = now()
    WHERE workspace_id = %(workspace)s AND status = 'pending_review' AND is_active AND category = 'measured'
"""


def measure_bulk(store: ConvStore, rows: int) -> dict[str, float]:
    """Seconds of a plain UPDATE, a bulk decision and its undo, and both as ratios of the first."""
    with store.database.admin() as connection:
        rows = connection.execute(
            "UPDATE conversations SET category = 'measured' WHERE id IN"
            " (SELECT id FROM conversations WHERE status = 'pending_review' ORDER BY created_at LIMIT %s)",
            (rows,),
        ).rowcount
    wanted = Filter(categories=("measured",))
    plain, bulk, undo = [], [], []
    for _ in range(_RUNS):
        _vacuum(store)
        plain.append(_plain_update(store, rows))
        _vacuum(store)
        batch, seconds = _timed(lambda: store.bulk_review(wanted, status="approved"))
        assert batch.moved == rows
        bulk.append(seconds)
        _vacuum(store)
        undone, seconds = _timed(lambda batch_id=batch.batch_id: store.undo(batch_id))  # type: ignore[misc]
        assert undone.undone == rows
        undo.append(seconds)
    base = statistics.median(plain)
    return {
        "rows": rows,
        "plain_update_s": base,
        "bulk_s": statistics.median(bulk),
        "undo_s": statistics.median(undo),
        "bulk_ratio": statistics.median(bulk) / base,
        "undo_ratio": statistics.median(undo) / base,
    }


def _plain_update(store: ConvStore, rows: int) -> float:
    """The same change with our triggers off and rights to the columns they write; rolled back."""
    with store.database.admin() as connection:
        connection.execute("ALTER TABLE conversations DISABLE TRIGGER USER")
        connection.execute("GRANT UPDATE ON conversations TO authenticated")
        connection.execute(Context.of(store.actor).statement(timeout_s=600, read_only=False))
        values = {"me": store.actor.user_id, "workspace": store.actor.workspace_id}
        done, seconds = _timed(lambda: connection.execute(_PLAIN, values).rowcount)
        assert done == rows
        connection.rollback()
    return seconds


def measure_decisions(store: ConvStore, count: int) -> dict[str, float]:
    """Milliseconds of the server's part of one decision: decide, hand out the next, read it, progress."""
    queue = DEFAULT_QUEUE
    stock = list(store.desk.next(queue))
    details = {row: store.get(str(row)) for row in stock}
    decide, whole = [], []
    for _ in range(count):
        row = stock.pop(0)
        began = time.perf_counter()
        store.review(
            [str(row)],
            status="approved",
            scores={"quality": 4, "empathy": 4.5},
            read={str(row): details.pop(row).conversation.turns_sha256},
        )
        decide.append(time.perf_counter() - began)
        stock = list(store.desk.next(queue))
        for new in stock:
            if new not in details:
                details[new] = store.get(str(new))
        store.desk.progress(queue)
        whole.append(time.perf_counter() - began)
    return {
        "decisions": count,
        "decide_ms": 1000 * statistics.median(decide),
        "decide_and_prefetch_ms": 1000 * statistics.median(whole),
        "decide_and_prefetch_p95_ms": 1000 * statistics.quantiles(whole, n=20)[-1],
    }


def _vacuum(store: ConvStore) -> None:
    with store.database.admin(autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) conversations, events")
        connection.execute("CHECKPOINT")


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return do(), time.perf_counter() - began


def main() -> None:
    """Load, measure, print one JSON document."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--stored", type=int, default=100_000)
    options.add_argument("--bulk", type=int, default=10_000)
    options.add_argument("--decisions", type=int, default=200)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="convstore-bench-") as folder:
        resources = Resources(Settings(home=Path(folder)))
        try:
            store = ConvStore.for_operator(resources)
            actor = store.actor
            load(store.database.admin_url, workspace_id=actor.workspace_id, user_id=actor.user_id, count=given.stored)
            found = {
                "stored": given.stored,
                "decision": measure_decisions(store, given.decisions),
                "bulk": measure_bulk(store, given.bulk),
            }
        finally:
            resources.close()
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
