"""Nobody is handed what somebody else reads, and nothing is lost with those who never come back."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.review.queues import DEFAULT_QUEUE, Queue
from tests.integration.review_queues.conftest import Colleague, Fill

#: 30 reviewers and 3,000 conversations in `CONVSTORE_FULL=1 pytest`; as many as tell the same in the suite.
_FULL = os.environ.get("CONVSTORE_FULL") == "1"
REVIEWERS, CONVERSATIONS = (30, 3000) if _FULL else (9, 240)


class Hands:
    """Who reads what at the moment, as the reviewers themselves see it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[UUID, tuple[str, float]] = {}
        self.twice: list[UUID] = []
        self.decided: Counter[UUID] = Counter()

    def hold(self, who: str, rows: tuple[UUID, ...], until: float) -> None:
        with self._lock:
            for row in rows:
                holder, end = self._held.get(row, (who, 0.0))
                if holder != who and end > time.monotonic():
                    self.twice.append(row)
                self._held[row] = (who, until)

    def drop(self, who: str) -> None:
        with self._lock:
            self._held = {row: held for row, held in self._held.items() if held[0] != who}

    def decide(self, row: UUID) -> None:
        with self._lock:
            self.decided[row] += 1
            self._held.pop(row, None)


def _work(store: ConvStore, hands: Hands, *, dies_after: int | None, seed: int) -> int:
    chance = random.Random(seed)
    done = 0
    while True:
        is_dying = dies_after is not None and done >= dies_after
        # Whoever lives reads as long as a busy machine makes them; the last lease of a dying one is soon over.
        lease_s = 2 if is_dying else 300
        # From before the question: the database's clock starts later, so a lease never ends before this says so.
        asked = time.monotonic()
        rows = store.desk.next(DEFAULT_QUEUE, count=4, lease_s=lease_s)
        if not rows:
            if store.count(DEFAULT_QUEUE.wanted)[0] == 0:
                return done
            time.sleep(0.1)
            continue
        hands.hold(store.actor.name, rows, asked + lease_s)
        if is_dying:
            return done
        for row in rows[: chance.randint(1, len(rows))]:
            hands.decide(row)
            status = chance.choice(("approved", "rejected", "needs_revision"))
            quality = chance.choice((1, 2.5, 4, 5))
            result = store.review([str(row)], status=status, scores={"quality": quality}, seconds=3)  # type: ignore[arg-type]
            assert [item.outcome for item in result.items] == ["done"]
            done += 1
        if chance.random() < 0.1:
            hands.drop(store.actor.name)
            store.desk.give_back()


def test_reviewers_at_once_never_share_and_lose_nothing(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(CONVERSATIONS)
    people = [colleague(f"Reviewer {n}") for n in range(REVIEWERS)]
    hands = Hands()

    def work(n: int) -> int:
        dies_after = CONVERSATIONS // REVIEWERS // 4 if n % 3 == 0 else None
        return _work(people[n], hands, dies_after=dies_after, seed=n)

    with ThreadPoolExecutor(REVIEWERS) as pool:
        done = list(pool.map(work, range(REVIEWERS)))

    assert hands.twice == []
    assert set(hands.decided) == set(ids)
    assert set(hands.decided.values()) == {1}
    assert sum(done) == CONVERSATIONS
    with store.database.admin() as connection:
        decided = connection.execute(
            "SELECT count(*), count(DISTINCT conversation_id) FROM events WHERE action = 'status'"
        ).fetchone()
        by_person = dict(
            connection.execute("SELECT actor_id, count(*) FROM events WHERE action = 'status' GROUP BY 1").fetchall()
        )
        agree = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE c.human_quality_score = r.quality_score AND c.review_count = 1"
            " AND c.status = r.decision AND c.reviewed_by = r.reviewer_id)"
            " FROM reviews AS r JOIN conversations AS c ON c.id = r.conversation_id"
        ).fetchone()
    assert decided == (CONVERSATIONS, CONVERSATIONS)
    assert agree == (CONVERSATIONS, CONVERSATIONS)
    assert by_person == {p.actor.user_id: n for p, n in zip(people, done, strict=True) if n}


def test_what_is_held_is_not_handed_out_and_comes_first_again(
    store: ConvStore, colleague: Colleague, fill: Fill
) -> None:
    ids = fill(6)
    omar = colleague("Omar")
    assert store.desk.next(DEFAULT_QUEUE, count=4) == tuple(ids[:4])
    assert omar.desk.next(DEFAULT_QUEUE, count=4) == tuple(ids[4:])
    assert store.desk.next(DEFAULT_QUEUE, count=4) == tuple(ids[:4])
    assert not omar.desk.take(ids[0])
    assert store.desk.give_back([ids[0]]) == 1
    assert omar.desk.next(DEFAULT_QUEUE, count=4) == (*ids[4:], ids[0])


def test_a_lease_ends_by_time_and_lives_by_heartbeat(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(2)
    omar = colleague("Omar")
    store.desk.next(DEFAULT_QUEUE, count=2, lease_s=1)
    assert store.desk.keep_alive(lease_s=60) == 2
    time.sleep(1.1)
    assert omar.desk.next(DEFAULT_QUEUE) == ()
    store.desk.give_back()
    store.desk.next(DEFAULT_QUEUE, count=1, lease_s=1)
    time.sleep(1.1)
    assert omar.desk.next(DEFAULT_QUEUE, count=1) == (ids[0],)
    assert store.desk.keep_alive() == 0


def test_a_decision_ends_lease_and_draft_together(store: ConvStore, fill: Fill) -> None:
    row = fill(1)[0]
    store.desk.next(DEFAULT_QUEUE)
    store.desk.save_draft(row, {"note": "Reads well"})
    assert store.desk.find_draft(row) == {"note": "Reads well"}
    store.review([str(row)], status="approved", as_review=True)
    assert store.desk.find_draft(row) is None
    assert store.desk.give_back() == 0


def test_a_refused_decision_keeps_lease_and_draft(store: ConvStore, fill: Fill) -> None:
    row = fill(1)[0]
    store.desk.next(DEFAULT_QUEUE)
    store.desk.save_draft(row, {"note": "Reads well"})
    store.review([str(row)], status="approved", as_review=True, read={str(row): "other turns"})
    assert store.desk.find_draft(row) == {"note": "Reads well"}
    assert store.desk.give_back() == 1


def test_skipped_comes_back_when_nothing_else_is_left(store: ConvStore, fill: Fill) -> None:
    first, second = fill(2)
    assert store.desk.next(DEFAULT_QUEUE, count=1) == (first,)
    store.desk.skip(first)
    assert store.desk.next(DEFAULT_QUEUE, count=1) == (second,)
    store.desk.skip(second)
    assert store.desk.next(DEFAULT_QUEUE, count=1) == (first,)
    store.desk.skip(first)
    assert store.desk.next(DEFAULT_QUEUE, count=1) == (second,)


def test_a_draft_is_its_writers_own(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    row = fill(1)[0]
    omar = colleague("Omar")
    omar.desk.save_draft(row, {"note": "Not yet"})
    assert store.desk.find_draft(row) is None
    with store.database.admin() as connection:
        assert connection.execute("SELECT count(*) FROM review_drafts").fetchone() == (1,)


def test_progress_counts_today_without_what_was_undone(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(4)
    omar = colleague("Omar")
    store.review([str(ids[0])], status="approved")
    undone = store.review([str(ids[1])], status="rejected")
    store.undo(undone.batch_id)
    omar.review([str(ids[2])], status="rejected")
    omar.desk.next(DEFAULT_QUEUE, count=1)
    found = store.desk.progress(DEFAULT_QUEUE)
    assert (found.left, found.left_is_exact, found.done_today, found.done_today_by_me) == (2, True, 2, 1)
    assert found.held_by_others == 1


def test_queues_hand_out_their_filter_in_their_order(store: ConvStore, fill: Fill) -> None:
    ids = fill(3)
    store.desk.save_queue(Queue(name="Newest", wanted=DEFAULT_QUEUE.wanted, descending=True))
    store.desk.save_queue(Queue(name="One", wanted=Filter(ids=("c-2",))))
    assert [queue.name for queue in store.desk.queues()] == ["To review", "Newest", "One"]
    assert store.desk.next(store.desk.queue("Newest"), count=1) == (ids[2],)
    assert store.desk.next(store.desk.queue("One")) == (ids[1],)
    store.desk.delete_queue("One")
    assert [queue.name for queue in store.desk.queues()] == ["To review", "Newest"]


def test_an_index_counts_todays_decisions(store: ConvStore, fill: Fill) -> None:
    fill(20)
    with store.database.admin() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT count(*) FROM events WHERE workspace_id = %s AND action IN ('status', 'undone')"
            " AND at >= date_trunc('day', now())",
            (store.actor.workspace_id,),
        ).fetchall()
    assert "idx_events_decided" in str(plan)
