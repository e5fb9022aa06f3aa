"""Review and Team without a browser: what is handed out, scored, decided and taken back."""

from __future__ import annotations

from decimal import Decimal

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.review.queues import DEFAULT_QUEUE, Queue
from tests.app.conftest import Opener
from tests.app.reading_app import labels, words_of


def test_a_decision_shows_the_next_and_undo_brings_it_back(demo_store: ConvStore, open_screen: Opener) -> None:
    queue = demo_store.search(DEFAULT_QUEUE.wanted, sort="created", order="asc", limit=3).items
    app = open_screen(demo_store.settings, "review")
    assert not app.exception
    assert not app.error
    assert app.header[0].value == queue[0].conversation_name
    assert "0 of 5" in words_of(app)

    app.button(key="give-4").click().run()
    assert "1 of 5" in words_of(app)
    assert demo_store.desk.find_draft(queue[0].id) is not None
    app.button(key="approve").click().run()
    assert app.header[0].value == queue[1].conversation_name
    assert "0 of 5" in words_of(app)
    (review,) = demo_store.get(str(queue[0].id)).reviews
    assert review.decision == "approved"
    assert (review.scores.quality, review.scores.empathy) == (Decimal(4), None)

    app.button(key="undo").click().run()
    assert app.header[0].value == queue[0].conversation_name
    assert "1 of 5" in words_of(app)
    assert demo_store.get(str(queue[0].id)).reviews == ()


def test_a_finding_is_dismissed_while_reading(demo_store: ConvStore, open_screen: Opener) -> None:
    row = next(row for row in demo_store.search(DEFAULT_QUEUE.wanted, limit=200).items if row.finding_codes)
    finding = demo_store.get(str(row.id)).findings[0]
    demo_store.desk.save_queue(Queue(name="These", wanted=Filter(ids=(row.conversation_id,))))
    app = open_screen(demo_store.settings, "review", queue="These")
    app.button(key="give-4").click().run()
    app.text_input(key=f"reason-{finding.id}").set_value("A matter of taste")
    app.button(key=f"dismiss-it-{finding.id}").click().run()
    assert not app.exception
    shown = words_of(app)
    assert finding.explanation not in shown
    assert "A matter of taste" in shown
    assert "1 of 5" in shown
    assert demo_store.get(str(row.id)).findings[0].dismissed_reason == "A matter of taste"


def test_turns_that_changed_are_shown_and_nothing_is_decided(demo_store: ConvStore, open_screen: Opener) -> None:
    first = demo_store.search(DEFAULT_QUEUE.wanted, sort="created", order="asc", limit=1).items[0]
    app = open_screen(demo_store.settings, "review")
    with demo_store.database.admin() as connection:
        connection.execute("UPDATE conversations SET turns_sha256 = repeat('b', 64) WHERE id = %s", (first.id,))
        connection.execute(
            "UPDATE conversation_turns SET content = 'Quite another word.'"
            " WHERE conversation_id = %s AND turn_number = 1",
            (first.id,),
        )
    app.button(key="approve").click().run()
    assert not app.exception
    assert "the turns are not those that you read" in words_of(app)
    assert "Quite another word." in words_of(app)
    assert demo_store.get(str(first.id)).conversation.status == "pending_review"


def test_an_empty_queue_says_so(store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(store.settings, "review")
    assert not app.exception
    assert "This queue is done" in words_of(app)
    assert "Look again" in labels(app)
    assert store.count(Filter()) == (0, True)


def test_the_team_screen_names_who_decided(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "team")
    assert not app.exception
    assert not app.error
    assert demo_store.actor.name in list(app.dataframe[0].value["Reviewer"])
