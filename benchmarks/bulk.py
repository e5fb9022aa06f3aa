"""A decision about 10,000 conversations at once, and taking it back, beside one plain UPDATE of the same rows.

The plain UPDATE changes the same columns behind the same policies and indexes with every trigger of ours off: no
lifecycle, no audit. The three take turns, so that all of them meet the same weather.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from benchmarks.measuring import Measurement, Target, sample_of
from convstore.core import ConvStore
from convstore.database import Context
from convstore.model import Filter

__all__ = ["measure"]

T = TypeVar("T")

_ROWS = 10_000
_RUNS = 5
_CATEGORY = "measured in bulk"
_PLAIN = f"""
    UPDATE conversations SET status = 'approved', reviewed_by = %(me)s, reviewed_at = now(), updated_at = now()
    WHERE workspace_id = %(workspace)s AND status = 'pending_review' AND is_active AND category = '{_CATEGORY}'
"""


def measure(store: ConvStore, *, rows: int = _ROWS, runs: int = _RUNS) -> Iterator[Measurement]:
    """Deciding, and undoing."""
    with _marked(store, rows) as found:
        yield from _measured(store, found, runs)


def _measured(store: ConvStore, rows: int, runs: int) -> Iterator[Measurement]:
    wanted = Filter(categories=(_CATEGORY,))
    plain, decide, undo = [], [], []
    for _ in range(runs):
        _vacuum(store)
        plain.append(_plain_update(store, rows))
        _vacuum(store)
        batch, seconds = _timed(lambda: store.bulk_review(wanted, status="approved"))
        assert batch.moved == rows
        decide.append(seconds)
        _vacuum(store)
        undone, seconds = _timed(lambda batch_id=batch.batch_id: store.undo(batch_id))  # type: ignore[misc]
        assert undone.undone == rows
        undo.append(seconds)
    for what, taken in (("decide", decide), ("undo", undo)):
        yield Measurement(
            group="bulk",
            case=f"{what} {rows:,} conversations",
            product=sample_of(taken),
            limit=sample_of(plain),
            target=Target(ratio=1.5),
            note="limit: one UPDATE behind the same policies and indexes, without lifecycle and audit",
        )


@contextmanager
def _marked(store: ConvStore, rows: int) -> Iterator[int]:
    """The oldest that wait for review, in a category of their own for the time being; how many."""
    with store.database.admin() as connection:
        found = connection.execute(
            "SELECT id, category FROM conversations WHERE workspace_id = %s AND status = 'pending_review' AND is_active"
            " ORDER BY created_at LIMIT %s",
            (store.actor.workspace_id, rows),
        ).fetchall()
        connection.execute(
            "UPDATE conversations SET category = %s WHERE id = ANY (%s)", (_CATEGORY, [r[0] for r in found])
        )
    yield len(found)
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations AS c SET category = was.category"
            " FROM unnest(%s::uuid[], %s::text[]) AS was (id, category)"
            " WHERE c.id = was.id",
            ([row for row, _ in found], [category for _, category in found]),
        )


def _plain_update(store: ConvStore, rows: int) -> float:
    """The same change with our triggers off and rights to the columns they write; rolled back."""
    with store.database.admin() as connection:
        connection.execute("ALTER TABLE conversations DISABLE TRIGGER USER")
        connection.execute("GRANT UPDATE ON conversations TO authenticated")
        connection.execute(*Context.of(store.actor).opening(timeout_s=600, read_only=False))
        values = {"me": store.actor.user_id, "workspace": store.actor.workspace_id}
        done, seconds = _timed(lambda: connection.execute(_PLAIN, values).rowcount)
        assert done == rows
        connection.rollback()
    return seconds


def _vacuum(store: ConvStore) -> None:
    with store.database.admin(autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) conversations, events")
        connection.execute("CHECKPOINT")


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return do(), time.perf_counter() - began
