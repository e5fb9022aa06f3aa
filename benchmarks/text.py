"""Searching for words: rare, frequent and in between, alone and beside a filter; the first page with its total."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from benchmarks.measuring import Measurement, Target, interleave
from convstore.core import ConvStore
from convstore.model import Filter

__all__ = ["measure"]

_WORDS = "SELECT word, ndoc FROM ts_stat($$SELECT words FROM conversation_texts ORDER BY conversation_id LIMIT 5000$$)"


def measure(store: ConvStore) -> Iterator[Measurement]:
    """Words that one conversation in so many has."""
    with psycopg.connect(store.database.admin_url, autocommit=True) as connection:
        # Stems are words of their own only by chance: the others are passed over.
        own = " WHERE word ~ '^[a-z]{3,}$' AND websearch_to_tsquery('english', word)::text = quote_literal(word)"
        rows = connection.execute(f"{_WORDS}{own} ORDER BY ndoc DESC, word".encode()).fetchall()
        chosen = [rows[0]]
        for share in (0.2, 0.05, 0.01, 0.002):
            chosen.append(min(rows, key=lambda row: abs(row[1] - share * 5_000)))
        chosen.append(rows[-1])
        for word, found in chosen:
            for name, wanted in (
                ("", Filter(text=word)),
                (", approved", Filter(text=word, statuses=("approved",))),
            ):
                product, limit = interleave([_search(store, wanted), _bare(connection, word)], runs=5)
                yield Measurement(
                    group="text",
                    case=f"a word in {found / 50:.3g} % of the conversations{name}: first page and total",
                    product=product,
                    limit=limit,
                    target=Target(ms=100),
                    note="limit: 25 conversations with the word, without policies, order and total",
                )


def _search(store: ConvStore, wanted: Filter) -> Callable[[], object]:
    def search() -> object:
        store.refresh()
        return store.search(wanted)

    return search


def _bare(connection: psycopg.Connection, word: str) -> Callable[[], object]:
    query = "SELECT conversation_id FROM conversation_texts WHERE words @@ websearch_to_tsquery('english', %s) LIMIT 25"
    return lambda: connection.execute(query, (word,)).fetchall()
