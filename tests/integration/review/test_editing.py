"""Names, the trash and the end: who may, what is written down, what is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.errors import ForbiddenError, InvalidInputError, NotFoundError, UsageError
from convstore.model import BatchResult, Filter
from tests.integration.conversations import document
from tests.integration.ingest.rows import object_paths, rows
from tests.integration.security.people import sign_in


@pytest.fixture
def filled(store: ConvStore) -> ConvStore:
    store.ingest_uploads({f"{n}.json": json.dumps(document(f"talk-{n}")).encode() for n in range(3)})
    return store


def outcomes(result: BatchResult) -> list[tuple[str, str]]:
    return [(item.conversation_id, item.outcome) for item in result.items]


def test_a_name_and_a_description(filled: ConvStore) -> None:
    filled.edit("talk-0", name="  A name ", description="Words")
    detail = filled.get("talk-0")
    assert (detail.conversation.conversation_name, detail.conversation.description) == ("A name", "Words")
    assert detail.events[0].action == "edited"
    assert detail.events[0].after == {"conversation_name": "A name", "description": "Words"}
    filled.edit("talk-0", description=" ")
    assert filled.get("talk-0").conversation.description is None
    assert filled.get("talk-0").conversation.conversation_name == "A name"


@pytest.mark.parametrize("name", ["", "   ", "x" * 256])
def test_names_that_are_none(filled: ConvStore, name: str) -> None:
    with pytest.raises(InvalidInputError, match="1 to 255"):
        filled.edit("talk-0", name=name)


def test_nothing_to_change_and_nobody_to_change(filled: ConvStore) -> None:
    with pytest.raises(UsageError, match="nothing to change"):
        filled.edit("talk-0")
    with pytest.raises(NotFoundError):
        filled.edit("nobody", name="x")


def test_into_the_trash_and_back(filled: ConvStore) -> None:
    assert outcomes(filled.delete(["talk-0", "nobody", "talk-0"])) == [("talk-0", "done"), ("nobody", "refused")]
    assert outcomes(filled.delete(["talk-0"])) == [("talk-0", "unchanged")]
    assert filled.count() == (2, True)
    assert filled.count(Filter(ids=("talk-0",))) == (0, True)
    assert filled.get("talk-0").conversation.deleted_at is not None
    assert filled.review(["talk-0"], status="approved").items[0].reason == "it is in the trash"

    assert outcomes(filled.restore(["talk-0"])) == [("talk-0", "done")]
    assert filled.count() == (3, True)
    assert [event.action for event in filled.get("talk-0").events] == ["restored", "trashed", "created"]


def test_a_reviewer_trashes_what_is_their_own(filled: ConvStore) -> None:
    reviewer = sign_in(filled.resources, "rita", "reviewer")
    reviewer.ingest_uploads({"own.json": json.dumps(document("own")).encode()})
    assert outcomes(reviewer.delete(["own", "talk-0"])) == [("own", "done"), ("talk-0", "refused")]
    lead = sign_in(filled.resources, "leo", "lead")
    assert outcomes(lead.delete(["talk-0"])) == [("talk-0", "done")]


@pytest.mark.parametrize("act", ["edit", "delete", "restore", "review", "scaffold"])
def test_a_viewer_only_reads(filled: ConvStore, tmp_path: Path, act: str) -> None:
    viewer = sign_in(filled.resources, "vera", "viewer")
    assert viewer.get("talk-0").turns
    (tmp_path / "s.json").write_text('{"personas": [{"persona_key": "p"}]}')
    calls: dict[str, Callable[[], object]] = {
        "edit": lambda: viewer.edit("talk-0", name="x"),
        "delete": lambda: viewer.delete(["talk-0"]),
        "restore": lambda: viewer.restore(["talk-0"]),
        "review": lambda: viewer.review(["talk-0"], status="approved"),
        "scaffold": lambda: viewer.import_scaffolding(tmp_path / "s.json"),
    }
    with pytest.raises(ForbiddenError, match=r"takes the role (reviewer|lead); Vera is viewer"):
        calls[act]()


def test_the_end_leaves_nothing_but_the_audit(filled: ConvStore) -> None:
    conversation = filled.get("talk-0").conversation
    stray = f"{conversation.created_by}/{conversation.id}/0123456789ab/conversation.json.gz"
    filled.files.put(stray, b"what an interrupted replacement left")
    with pytest.raises(UsageError, match="cannot be undone"):
        filled.delete(["talk-0"], hard=True)
    assert outcomes(filled.delete(["talk-0", "nobody"], hard=True, confirm=True)) == [
        ("talk-0", "done"),
        ("nobody", "refused"),
    ]
    with pytest.raises(NotFoundError):
        filled.get("talk-0")
    assert {path.split("/")[1] for path in object_paths(filled.files)}.isdisjoint({str(conversation.id)})
    assert rows(filled, "SELECT count(*) FROM conversation_turns") == [(8,)]
    [(action, before)] = rows(filled, "SELECT action, before FROM events WHERE action = 'deleted'")
    assert (action, before["conversation_id"]) == ("deleted", "talk-0")


def test_what_a_release_names_stays(filled: ConvStore, tmp_path: Path) -> None:
    filled.export("messages", tmp_path / "out.jsonl", Filter(ids=("talk-0",)), name="first")
    result = filled.delete(["talk-0", "talk-1"], hard=True, confirm=True)
    assert [(item.outcome, item.reason) for item in result.items] == [("refused", "a release names it"), ("done", None)]
    assert filled.document("talk-0")


def test_only_an_admin_ends_anything(filled: ConvStore) -> None:
    lead = sign_in(filled.resources, "leo", "lead")
    with pytest.raises(ForbiddenError, match="takes the role admin"):
        lead.delete(["talk-0"], hard=True, confirm=True)
