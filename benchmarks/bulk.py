"""A decision about 10,000 conversations at once, and taking it back, beside one plain UPDATE of the same rows."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measuring import Measurement, Sample, Target
from benchmarks.review import measure_bulk
from convstore.core import ConvStore
from convstore.model import Filter

__all__ = ["measure"]

_ROWS = 10_000


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Deciding, and undoing."""
    rows = min(_ROWS, store.count(Filter(statuses=("pending_review",)))[0])
    found = measure_bulk(store, rows)
    limit = _sample(found["plain_update_s"])
    for what, key, target in (("decide", "bulk_s", Target(ratio=1.5)), ("undo", "undo_s", None)):
        yield Measurement(
            group="bulk",
            case=f"{what} {rows:,} conversations",
            product=_sample(found[key]),
            limit=limit,
            target=target,
            note="limit: one UPDATE behind the same policies and indexes, without lifecycle and audit",
        )


def _sample(seconds: float) -> Sample:
    return Sample(1000 * seconds, 1000 * seconds, 1000 * seconds, 5)
