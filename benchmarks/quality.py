"""The questions of the Quality and Coverage screens over every row, with and without a filter, cold and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.cache import Cache
from convstore.core import ConvStore
from convstore.model import Filter
from convstore.statistics import Statistics

__all__ = ["measure"]

Question = Callable[[Statistics, Filter], object]

_QUESTIONS: dict[str, Question] = {
    "scores, five histograms": lambda ask, wanted: ask.scores(wanted),
    "quality by persona": lambda ask, wanted: ask.breakdown("persona", "quality", wanted),
    "quality by source": lambda ask, wanted: ask.breakdown("source", "quality", wanted),
    "quality by month": lambda ask, wanted: ask.breakdown("month", "quality", wanted),
    "quality by reviewer": lambda ask, wanted: ask.breakdown("reviewer", "quality", wanted),
    "correlations, ten pairs": lambda ask, wanted: ask.correlations(wanted),
    "findings": lambda ask, wanted: ask.findings(wanted),
    "feelings, first to last": lambda ask, wanted: ask.emotion_flow(wanted),
    "intensity, largest arc": lambda ask, wanted: ask.intensity(_largest_arc(ask), wanted),
    "lengths": lambda ask, wanted: ask.texts(wanted),
    "coverage, four axes": lambda ask, wanted: ask.cells(("persona", "arc", "topic", "tier"), wanted),
}
#: Histograms are one statement a dimension.
_STATEMENTS = {"scores, five histograms": 5}


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Every question of every row, and of the approved ones."""
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        for name, question in _QUESTIONS.items():
            for part, wanted in (("all", Filter()), ("approved", Filter(statuses=("approved",)))):
                product, limit = interleave([_ask(store, question, wanted), _read_all(bare, store)], runs=5)
                statements = _STATEMENTS.get(name, 1)
                yield Measurement(
                    group="quality",
                    case=f"{name}; {part}",
                    product=product,
                    limit=limit,
                    target=Target(ms=1500 * statements),
                    note="limit: count(*) of every row" + (f"; {statements} statements" if statements > 1 else ""),
                )
    keeping, resources = Cache(ttl_s=300), store.resources
    forgetful, resources.cache = resources.cache, keeping
    try:
        (kept,) = interleave([_ask(store, _QUESTIONS["scores, five histograms"], Filter())], runs=20)
    finally:
        resources.cache = forgetful
    yield Measurement(group="quality", case="scores, five histograms; all, kept", product=kept, target=Target(ms=5))


def _ask(store: ConvStore, question: Question, wanted: Filter) -> Callable[[], object]:
    return lambda: question(store.statistics, wanted)


def _largest_arc(ask: Statistics) -> str | None:
    arcs = ask.facets().counts["arc"]
    return max(arcs, key=arcs.__getitem__, default=None)


def _read_all(connection: psycopg.Connection, store: ConvStore) -> Callable[[], object]:
    query = "SELECT count(*) FROM conversations WHERE workspace_id = %s AND is_active"
    return lambda: connection.execute(query, (store.actor.workspace_id,)).fetchone()
