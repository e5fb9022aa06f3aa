"""What the history of a conversation offers to take back, and to whom."""

from __future__ import annotations

from pathlib import Path

from convstore.core import ConvStore
from convstore.review.undoing import undoable
from tests.integration.conversations import conversation
from tests.integration.review_queues.conftest import Colleague, Fill


def test_the_history_offers_what_can_be_taken_back(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    first, second = (str(row) for row in fill(2))
    omar, jo = colleague("Omar"), colleague("Jo")
    both = omar.review([first, second], status="approved", scores={"quality": 4}).batch_id
    opinion = jo.review([first], status="rejected", scores={"quality": 2}).batch_id
    events = store.get(first).events
    assert set(undoable(events, omar.actor).values()) == {both}
    assert set(undoable(jo.get(first).events, jo.actor).values()) == {opinion}
    # A lead may take anybody's decision back, and nobody else's opinion.
    assert set(undoable(events, store.actor).values()) == {both}
    assert (store.desk.batch_size(both), store.desk.batch_size(opinion)) == (2, 1)

    store.undo(both)
    events = store.get(first).events
    assert undoable(events, omar.actor) == {}
    (again,) = undoable(events, store.actor).values()
    assert again not in (both, opinion)
    assert store.undo(again).undone == 2
    assert store.get(first).conversation.status == "approved"

    jo.undo(opinion)
    assert undoable(jo.get(first).events, jo.actor) == {}


def test_a_move_that_came_with_other_turns_is_not_offered(store: ConvStore, tmp_path: Path) -> None:
    store.ingest([conversation(tmp_path / "a.json", "talk", "What now?")])
    store.review(["talk"], status="approved")
    assert len(undoable(store.get("talk").events, store.actor)) == 1
    store.ingest([conversation(tmp_path / "a.json", "talk", "And then?")], on_conflict="replace")
    detail = store.get("talk")
    assert detail.conversation.status == "pending_review"
    assert undoable(detail.events, store.actor) == {}
