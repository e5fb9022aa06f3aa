"""The conversation screen, and text that somebody else chose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convstore.checks import CHECKS
from convstore.core import ConvStore
from convstore.model import Filter
from tests.app.conftest import Opener
from tests.app.reading_app import labels, words_of

#: All of the demonstration set came in at the same moment: without this, which row is first is luck.
WAITING = Filter(statuses=("pending_review",))
HOSTILE = "<script>alert(1)</script> ![x](http://evil.invalid/x.png) www.evil.invalid a@evil.invalid -> :material/home:"


@pytest.fixture
def hostile(store: ConvStore) -> str:
    """A conversation whose every text tries something; its id."""
    turns = [{"role": "user", "content": HOSTILE}, {"role": "assistant", "content": f"{HOSTILE}\n\n# not a title"}]
    line = json.dumps({"id": "hostile", "messages": [{"role": "system", "content": HOSTILE}, *turns]})
    report = store.ingest_uploads({f"{HOSTILE[:8]}.jsonl": line.encode()})
    (conversation,) = report.files[0].conversations
    assert conversation.conversation_id is not None
    store.edit(conversation.conversation_id, name=HOSTILE, description=HOSTILE)
    return conversation.conversation_id


def test_the_releases_that_hold_it_are_named(demo_store: ConvStore, open_screen: Opener, tmp_path: Path) -> None:
    wanted = Filter(statuses=("approved",))
    row = demo_store.search(wanted, limit=1).items[0]
    for name in ("spring", "summer"):
        demo_store.export("messages", tmp_path / f"{name}.jsonl", wanted, name=name)
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    assert not app.exception
    assert "2 times: summer, spring" in words_of(app)


def test_turns_notes_and_findings_are_shown(demo_store: ConvStore, open_screen: Opener) -> None:
    row = next(row for row in demo_store.search(WAITING, limit=240).items if row.finding_codes)
    detail = demo_store.get(row.conversation_id)
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    assert not app.error
    shown = [element.value for element in app.text]
    assert [turn.content for turn in detail.turns] == [text for text in shown if text in
                                                        {turn.content for turn in detail.turns}]  # fmt: skip
    assert detail.findings[0].explanation in shown
    assert app.metric[0].label.startswith("Arc: ")


def test_what_can_be_done_follows_the_status(demo_store: ConvStore, open_screen: Opener) -> None:
    expected = {
        "pending_review": {"Approve", "Reject", "Ask for revision"},
        "needs_revision": {"Reopen"},
        "approved": {"Reopen", "Archive"},
        "archived": {"Restore"},
    }
    for status, verbs in expected.items():
        row = next(row for row in demo_store.search(limit=240).items if row.status == status)
        app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
        every = {"Approve", "Reject", "Ask for revision", "Reopen", "Archive", "Restore"}
        assert set(labels(app)) & every == verbs


def test_a_decision_is_confirmed_told_and_undone(demo_store: ConvStore, open_screen: Opener) -> None:
    row = demo_store.search(WAITING, limit=1).items[0]
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    app.button(key="do-approved").click().run()
    assert app.button(key="do-approved").disabled
    app.text_input(key="decision-note").set_value("Reads well.").run()
    app.button(key="decide").click().run()
    detail = demo_store.get(row.conversation_id)
    assert detail.conversation.status == "approved"
    assert detail.conversation.review_notes == "Reads well."
    assert app.toast[0].value == "1 approved."
    app.button(key="undo").click().run()
    assert demo_store.get(row.conversation_id).conversation.status == "pending_review"


def test_a_finding_is_dismissed_with_a_reason_and_stands_again(demo_store: ConvStore, open_screen: Opener) -> None:
    row = next(row for row in demo_store.search(limit=240).items if len(row.finding_codes) == 1)
    finding = demo_store.get(row.conversation_id).findings[0]
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    app.button(key=f"dismiss-it-{finding.id}").click().run()
    assert "Say why, so that others know." in words_of(app)

    app.text_input(key=f"reason-{finding.id}").set_value("  It is *meant* so. ")
    app.button(key=f"dismiss-it-{finding.id}").click().run()
    assert not app.exception
    label = CHECKS[finding.code].label
    assert app.toast[0].value == f"{label} dismissed."
    detail = demo_store.get(row.conversation_id)
    assert detail.findings[0].dismissed_reason == "It is *meant* so."
    assert detail.conversation.finding_codes == ()
    assert f"dismiss-{finding.id}" not in [popover.key for popover in app.get("popover")]
    shown = words_of(app)
    assert finding.explanation not in shown
    # In the fold and in the history, with who did it.
    assert shown.count("It is *meant* so.") == 2
    assert f"{demo_store.actor.name} dismissed {label.lower()}" in shown

    app.button(key=f"stand-{finding.id}").click().run()
    assert finding.explanation in words_of(app)
    assert demo_store.get(row.conversation_id).findings[0].dismissed_reason is None
    assert f"{demo_store.actor.name} let {label.lower()} stand again" in words_of(app)


def test_next_and_previous_stay_in_the_filter(demo_store: ConvStore, open_screen: Opener) -> None:
    rows = demo_store.search(sort="name", order="asc").items
    app = open_screen(demo_store.settings, "conversation", id=rows[3].conversation_id, **{"in-sort": "By name"})
    assert "4 of 240" in words_of(app)
    app.button(key="walk-on").click().run()
    assert app.query_params["id"] == rows[4].conversation_id
    assert "5 of 240" in words_of(app)
    app.button(key="walk-back").click().run()
    assert app.query_params["id"] == rows[3].conversation_id


def test_a_rename_is_kept(demo_store: ConvStore, open_screen: Opener) -> None:
    row = demo_store.search(WAITING, limit=1).items[0]
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    app.text_input(key="edit-name").set_value("A better name")
    app.button(key="save").click().run()
    assert demo_store.get(row.conversation_id).conversation.conversation_name == "A better name"


def test_trash_and_back(demo_store: ConvStore, open_screen: Opener) -> None:
    row = demo_store.search(WAITING, limit=1).items[0]
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    app.button(key="trash").click().run()
    assert not demo_store.get(row.conversation_id).conversation.is_active
    assert "in the trash" in words_of(app)
    app.button(key="restore").click().run()
    assert demo_store.get(row.conversation_id).conversation.is_active


def test_an_unknown_id_is_said_in_place(store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(store.settings, "conversation", id="![x](http://evil.invalid/x.png)")
    (error,) = app.error
    assert "ERR_NOT_FOUND" in error.value
    assert "![x](http" not in error.value


def test_hostile_text_stays_text(store: ConvStore, open_screen: Opener, hostile: str) -> None:
    app = open_screen(store.settings, "conversation", id=hostile)
    assert not app.error
    shown = [element.value for element in app.text]
    assert HOSTILE in shown
    for element in [*app.markdown, *app.caption, *app.header, *app.metric]:
        said = str(element.value)
        assert "](http" not in said
        assert "http://evil" not in said
        assert "www.evil" not in said
        assert "a@evil" not in said
    for screen in ("home", "browse", "releases", "import"):
        app = open_screen(store.settings, screen)
        assert not app.error
        for element in [*app.markdown, *app.caption]:
            assert "http://evil" not in str(element.value)


def test_pages_are_short() -> None:
    folder = Path(__file__).resolve().parents[2] / "pages"
    assert all(len(page.read_text().splitlines()) < 150 for page in folder.glob("*.py"))


def test_an_undo_that_cannot_be_looked_up_says_so(demo_store: ConvStore, open_screen: Opener) -> None:
    row = demo_store.search(WAITING, limit=1).items[0]
    app = open_screen(demo_store.settings, "conversation", id=row.conversation_id)
    app.session_state["take-back"] = "no batch"
    app.run()
    assert not app.exception
    assert "Nothing was changed." in app.error[0].value
