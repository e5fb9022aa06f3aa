"""Two who decide at once, turns that changed, blind workspaces: no update lost, nothing shown too early."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from convstore.core import ConvStore
from convstore.database import Context
from convstore.errors import ConflictError, UsageError
from convstore.model import BatchOutcome, Status
from tests.integration.conversations import conversation
from tests.integration.review_queues.conftest import Colleague, Fill


def go_blind(store: ConvStore) -> None:
    with store.database.admin() as connection:
        connection.execute("UPDATE workspaces SET blind = true WHERE id = %s", (store.actor.workspace_id,))


def seen(store: ConvStore, query: str) -> int:
    """Rows that this person's own role sees."""
    from sqlalchemy import text

    with store.database.transaction(Context.of(store.actor), read_only=True) as connection:
        found: int = connection.execute(text(query)).scalar_one()
    return found


def test_two_at_once_keep_both_reviews_and_the_second_learns_of_the_first(
    store: ConvStore, colleague: Colleague, fill: Fill
) -> None:
    people = [colleague("Omar"), colleague("Jo"), colleague("Kim"), colleague("Ana")]
    for row in fill(6):
        start = threading.Barrier(len(people))

        def decide(n: int, row: UUID = row, start: threading.Barrier = start) -> BatchOutcome:
            status: Status = "approved" if n % 2 else "rejected"
            start.wait()
            return people[n].review([str(row)], status=status, scores={"quality": 2 + n}).items[0]

        with ThreadPoolExecutor(len(people)) as pool:
            outcomes = list(pool.map(decide, range(len(people))))
        (first,) = [n for n, outcome in enumerate(outcomes) if outcome.outcome == "done"]
        others = [outcome.reason or "" for n, outcome in enumerate(outcomes) if n != first]
        assert all(why.startswith(f"{people[first].actor.name} ") for why in others)
        assert all("it first; your review is kept" in why for why in others)
        detail = store.get(str(row))
        assert len(detail.reviews) == len(people)
        assert detail.conversation.review_count == len(people)
        assert detail.conversation.human_quality_score == Decimal("3.50")
        assert detail.conversation.reviewed_by == people[first].actor.user_id


def test_the_second_review_alone_can_be_taken_back(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    row = fill(1)[0]
    omar = colleague("Omar")
    store.review([str(row)], status="approved", scores={"quality": 5})
    second = omar.review([str(row)], status="rejected", scores={"quality": 1})
    assert omar.undo(second.batch_id).undone == 1
    detail = store.get(str(row))
    assert (detail.conversation.status, len(detail.reviews)) == ("approved", 1)


def test_undo_of_a_second_thought_brings_the_first_back(store: ConvStore, fill: Fill) -> None:
    row = str(fill(1)[0])
    store.review([row], status="approved", scores={"quality": 5, "empathy": 4.5}, note="Fine", seconds=9)
    first = store.get(row).reviews[0]
    store.review([row], status="pending_review")
    second = store.review([row], status="rejected", reasons=["Tone is off"], scores={"quality": 2})
    store.undo(second.batch_id)
    (back,) = store.get(row).reviews
    assert (back.scores, back.decision, back.note, back.reasons, back.seconds) == (
        first.scores, "approved", "Fine", (), 9,
    )  # fmt: skip


def test_changed_turns_refuse_the_decision_and_show_the_difference(store: ConvStore, tmp_path: Path) -> None:
    store.ingest([conversation(tmp_path / "a.json", "talk", "What now?")])
    read = store.get("talk")
    sha256 = read.conversation.turns_sha256
    store.ingest([conversation(tmp_path / "a.json", "talk", "And then?")], on_conflict="replace")
    result = store.review(["talk"], status="approved", scores={"quality": 4}, read={"talk": sha256})
    assert [(item.outcome, item.reason) for item in result.items] == [
        ("refused", "its turns changed after they were read")
    ]
    now = store.get("talk")
    assert now.reviews == ()
    changes = store.desk.changes(now, sha256, read_turns=read.turns)
    assert changes is not None
    assert [change.turn_number for change in changes] == [1, 2, 3, 4]
    assert changes[0].before == read.turns[0]
    assert changes[0].after == now.turns[0]
    # No release needs the earlier file, so it is gone, and that is said.
    assert store.desk.changes(now, sha256) is None


def test_scores_without_a_decision_are_refused(store: ConvStore, fill: Fill) -> None:
    with pytest.raises(UsageError, match="go with a decision"):
        store.review([str(fill(1)[0])], status="archived", scores={"quality": 4})


def test_blind_reviews_stay_hidden_until_ones_own_is_in(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    first, second = (str(row) for row in fill(2))
    omar, jo, lea = colleague("Omar"), colleague("Jo"), colleague("Lea", "lead")
    # Also what was said before the workspace became blind.
    omar.review([first], status="approved", scores={"quality": 5})
    go_blind(store)
    omar.review([second], status="approved", scores={"quality": 5}, note="Very good")

    for row in (first, second):
        conversation_row = jo.get(row).conversation
        assert jo.get(row).reviews == ()
        assert (conversation_row.human_quality_score, conversation_row.effective_quality) == (None, 0)
    assert seen(jo, "SELECT count(*) FROM reviews") == 0
    assert seen(jo, "SELECT count(*) FROM events WHERE action = 'reviewed'") == 0
    assert seen(lea, "SELECT count(*) FROM reviews") == 2
    assert seen(omar, "SELECT count(*) FROM reviews") == 2

    jo.review([first], status="rejected", scores={"quality": 2})
    assert len(jo.get(first).reviews) == 2
    assert jo.get(second).reviews == ()
    assert seen(jo, "SELECT count(*) FROM events WHERE action = 'reviewed'") == 2


def test_a_note_in_a_blind_workspace_waits_with_the_review(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    first, second, third = (str(row) for row in fill(3))
    omar, jo, lea = colleague("Omar"), colleague("Jo"), colleague("Lea", "lead")
    go_blind(store)
    said = "Far too warm."
    omar.review([first], status="approved", scores={"quality": 5}, note=said)
    omar.review([second], status="rejected", note=said)
    omar.review([third], status="needs_revision", note=said, turn_notes={2: said})

    def heard(person: ConvStore, row: str) -> bool:
        told = [event for event in person.events() if str(event.conversation_row_id) == row]
        return said in str(person.get(row)) or said in str(told)

    for row in (first, second, third):
        assert not heard(jo, row)
        # Nothing of it is lost: it waits in the review, and who leads reads it now.
        assert heard(lea, row)
        assert [review.note for review in omar.get(row).reviews] == [said]
    assert seen(jo, f"SELECT count(*) FROM conversations WHERE conversations::text LIKE '%{said}%'") == 0
    assert seen(jo, f"SELECT count(*) FROM events WHERE events::text LIKE '%{said}%'") == 0
    jo.review([second], status="approved", scores={"quality": 4})
    assert heard(jo, second)
    assert not heard(jo, third)


def test_a_review_of_other_turns_opens_nothing(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    row = fill(1)[0]
    omar, jo = colleague("Omar"), colleague("Jo")
    go_blind(store)
    omar.review([str(row)], status="approved", scores={"quality": 5})
    from sqlalchemy import text

    with jo.database.transaction(Context.of(jo.actor)) as connection:
        connection.execute(
            text(
                "INSERT INTO reviews (workspace_id, conversation_id, reviewer_id, turns_sha256, decision)"
                " VALUES (:workspace, :row, :me, 'made up', 'approved')"
            ),
            {"workspace": jo.actor.workspace_id, "row": row, "me": jo.actor.user_id},
        )
    assert seen(jo, "SELECT count(*) FROM reviews") == 1


def test_exclusions_bind_to_the_turns_that_were_read(store: ConvStore, fill: Fill) -> None:
    row = fill(1)[0]
    sha256 = store.get(str(row)).conversation.turns_sha256
    store.desk.exclude_turn(row, 2, sha256)
    store.desk.exclude_turn(row, 2, sha256)
    assert store.desk.exclusions(row) == {2}
    for turn, read in ((3, sha256), (0, sha256), (1, "other turns")):
        with pytest.raises(ConflictError):
            store.desk.exclude_turn(row, turn, read)
    store.desk.include_turn(row, 2)
    assert store.desk.exclusions(row) == frozenset()


def test_the_team_report_shows_days_people_and_disagreement(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    first, second = (str(row) for row in fill(2))
    omar, jo = colleague("Omar"), colleague("Jo")
    omar.review([first, second], status="approved", scores={"quality": 4.5})
    jo.review([first], status="rejected", scores={"quality": 2})
    report = store.desk.team()
    assert [(day.person, day.decisions) for day in report.decisions] == [("Omar", 2)]
    assert [(one.person, one.reviews, one.approved, one.rejected) for one in report.reviewers] == [
        (None, 3, 2, 1), ("Jo", 1, 0, 1), ("Omar", 2, 2, 0),
    ]  # fmt: skip
    assert report.reviewers[2].quality[4.5] == 2
    assert [one.means["quality"] for one in report.reviewers] == [pytest.approx(11 / 3), 2.0, 4.5]
    (difference,) = report.disagreements
    assert difference.decisions == {"Omar": "approved", "Jo": "rejected"}
    assert (difference.lowest, difference.highest) == (2.0, 4.5)


def test_the_team_report_tells_namesakes_apart_and_counts_what_was_not_undone(
    store: ConvStore, colleague: Colleague, fill: Fill
) -> None:
    first, second, third = (str(row) for row in fill(3))
    one, other = colleague("Kim"), colleague("Kim", email="kim.other@example.org")
    one.review([first, second], status="approved", scores={"quality": 5})
    other.review([first], status="rejected", scores={"quality": 1})
    mistaken = other.review([third], status="rejected")
    labels = ("Kim (kim.other@example.org)", "Kim (kim@example.org)")
    report = store.desk.team()
    assert [(day.person, day.decisions) for day in report.decisions] == [(labels[0], 1), (labels[1], 2)]
    assert [(profile.person, profile.reviews) for profile in report.reviewers[1:]] == [(labels[0], 1), (labels[1], 2)]
    assert [dict(found.decisions) for found in report.disagreements] == [
        {labels[0]: "rejected", labels[1]: "approved"}
    ]  # fmt: skip

    other.undo(mistaken.batch_id)
    assert [(day.person, day.decisions) for day in store.desk.team().decisions] == [(labels[1], 2)]
    (undone,) = other.events(action="undone")
    assert undone.batch_id is not None
    assert other.undo(undone.batch_id).undone == 1
    assert sum(day.decisions for day in store.desk.team().decisions) == 3
    other.review([third], status="pending_review")
    other.review([third], status="approved")
    assert [(day.person, day.decisions) for day in store.desk.team().decisions] == [(labels[0], 2), (labels[1], 2)]
