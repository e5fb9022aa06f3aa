"""The words of a conversation follow its turns: imported, replaced, removed, and very long."""

from __future__ import annotations

import json

import pytest

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.queries import pages, totals


def document(*contents: str, name: str = "weather") -> dict[str, bytes]:
    """A conversation whose turns say this, user and assistant by turns."""
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": content} for number, content in enumerate(contents)
    ]
    return {f"{name}.json": json.dumps({"conversation_id": name, "messages": messages}).encode()}


def found(store: ConvStore, text: str) -> list[str]:
    return [row.conversation_id for row in store.search(Filter(text=text)).items]


def test_words_may_stand_in_several_turns(store: ConvStore) -> None:
    store.ingest_uploads(document("Will it snow?", "Bring a lantern."))
    [name] = found(store, "snow lantern")
    assert found(store, "snow -umbrella") == [name]
    assert found(store, "snow -lantern") == [], "what is left out is left out of the whole conversation"
    assert found(store, '"bring a lantern"') == [name]


def test_words_follow_a_replacement_and_a_removal(store: ConvStore) -> None:
    store.ingest_uploads(document("Will it snow?", "Bring a lantern."))
    report = store.ingest_uploads(document("Will it rain?", "Bring an umbrella."), on_conflict="replace")
    assert report.totals["replaced"] == 1
    [name] = found(store, "umbrella")
    assert found(store, "lantern") == []
    store.delete([name], hard=True, confirm=True)
    assert found(store, "umbrella") == []
    with store.database.admin() as connection:
        assert connection.execute("SELECT count(*) FROM conversation_texts").fetchone() == (0,)


def test_every_part_of_a_very_long_conversation_is_found(store: ConvStore) -> None:
    filler = "so many different words " * 2_000
    contents = [f"{filler} marker{number} stands here. {filler}" for number in range(8)]
    store.ingest_uploads(document(*contents))
    for number in range(8):
        assert len(found(store, f'"marker{number} stands here"')) == 1
    with store.database.admin() as connection:
        (parts,) = connection.execute("SELECT count(*) FROM conversation_texts").fetchone() or (0,)
    assert parts > 1


def test_more_hits_than_are_counted_come_in_order_all_the_same(
    store: ConvStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        store.ingest_uploads(document("Will it snow?", f"For {number} days.", name=f"snow-{number}"))
    newest_first = [row.conversation_id for row in store.search().items]
    for most, total in ((10, (5, True)), (5, (5, True)), (4, (4, False)), (2, (2, False))):
        for counting in (pages, totals):
            monkeypatch.setattr(counting, "EXACT_TOTAL", most)
        store.refresh()
        page = store.search(Filter(text="snow"), limit=2)
        assert ([row.conversation_id for row in page.items], (page.total, page.total_is_exact)) == (
            newest_first[:2],
            total,
        )
        rest = store.search(Filter(text="snow"), limit=3, cursor=page.next)
        assert [row.conversation_id for row in rest.items] == newest_first[2:]
        assert store.search(Filter(text="snow"), sort="name", order="asc", limit=5).items[0].conversation_name == min(
            row.conversation_name for row in page.items + rest.items
        )
