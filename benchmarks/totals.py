"""How many there are: exact to 10,000, and marked beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from benchmarks.pages import cases
from convstore.core import ConvStore
from convstore.model import Filter

__all__ = ["measure"]


def measure(store: ConvStore) -> Iterator[Measurement]:
    """The total of every filter, beside counting all that match."""
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        for case in cases(bare, store.actor.workspace_id):
            product, limit = interleave(
                [_count(store, case.wanted), _count_all(bare, store, case.where)],
                runs=5,
            )
            yield Measurement(
                group="total",
                case=case.name,
                product=product,
                limit=limit,
                target=Target(ms=15),
                note="limit: count(*) of all",
            )


def _count(store: ConvStore, wanted: Filter) -> Callable[[], object]:
    return lambda: store.count(wanted)


def _count_all(connection: psycopg.Connection, store: ConvStore, where: str) -> Callable[[], object]:
    query = f"SELECT count(*) FROM conversations AS c WHERE workspace_id = %s AND is_active AND {where}"
    return lambda: connection.execute(query.encode(), (store.actor.workspace_id,)).fetchone()
