"""Other turns under a known id: what falls back, what goes, what a release keeps, and who may."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from convstore.core import ConvStore
from convstore.errors import NotFoundError
from convstore.ingest import IngestReport
from convstore.model import Filter
from tests.integration.conversations import document
from tests.integration.ingest.rows import object_paths, rows, unsound
from tests.integration.security.people import sign_in


def put(store: ConvStore, question: str, *, persona: str | None = None) -> IngestReport:
    data = json.dumps(document("talk", question)).encode()
    return store.ingest_uploads({"talk.json": data}, on_conflict="replace")


def outcome(report: IngestReport) -> tuple[str, str | None]:
    [found] = report.files[0].conversations
    return found.outcome, found.reason


def test_the_status_falls_back_and_the_event_says_why(store: ConvStore) -> None:
    put(store, "what")
    store.review(["talk"], status="approved", scores={"quality": 5})
    before = store.get("talk").conversation
    assert before.human_quality_score is not None

    put(store, "why")

    detail = store.get("talk")
    assert detail.conversation.status == "pending_review"
    assert detail.conversation.reviewed_by is None
    assert detail.conversation.turns_sha256 != before.turns_sha256
    assert detail.conversation.id == before.id
    event = detail.events[0]
    assert event.action == "replaced"
    assert "back to review: the turns changed" in (event.note or "")
    assert event.before["status"] == "approved"
    assert event.after["turns_sha256"] == detail.conversation.turns_sha256


def test_scores_of_other_turns_count_no_more(store: ConvStore) -> None:
    put(store, "what")
    store.review(["talk"], status="approved", scores={"quality": 5})
    put(store, "why")
    assert store.get("talk").conversation.human_quality_score is None
    assert store.get("talk").conversation.effective_quality == 0


def test_undoing_the_import_does_not_bring_the_approval_back(store: ConvStore) -> None:
    put(store, "what")
    store.review(["talk"], status="approved")
    put(store, "why")
    batch = store.get("talk").events[0].batch_id
    assert batch is not None
    with pytest.raises(NotFoundError):
        store.undo(batch)
    assert store.get("talk").conversation.status == "pending_review"


def test_the_old_file_goes_and_the_new_one_bears_the_rows_key(store: ConvStore) -> None:
    put(store, "what")
    old = object_paths(store.files)
    put(store, "why")
    conversation = store.get("talk").conversation
    assert object_paths(store.files) == {conversation.file_path}
    assert object_paths(store.files).isdisjoint(old)
    expected = f"{conversation.created_by}/{conversation.id}/{conversation.content_sha256[:12]}/conversation.json.gz"
    assert conversation.file_path == expected
    assert unsound(store) == []


def test_a_file_that_a_release_names_stays(store: ConvStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    put(store, "what")
    released = store.get("talk").conversation.file_path
    store.export("messages", tmp_path_factory.mktemp("out") / "r.jsonl", Filter(), name="first")
    put(store, "why")
    assert object_paths(store.files) == {released, store.get("talk").conversation.file_path}
    assert unsound(store) == []


def test_back_to_the_first_turns(store: ConvStore) -> None:
    put(store, "what")
    first = store.get("talk").conversation
    put(store, "why")
    put(store, "what")
    last = store.get("talk").conversation
    assert (last.turns_sha256, last.file_path) == (first.turns_sha256, first.file_path)
    assert unsound(store) == []


def test_findings_turns_and_keys_are_the_new_ones(store: ConvStore) -> None:
    put(store, "I cannot go on because \\")
    put(store, "what")
    assert all("I cannot" not in turn.content for turn in store.get("talk").turns)
    assert rows(store, "SELECT count(*) FROM conversation_turns") == [(4,)]


def test_a_reviewer_does_not_undo_anothers_decision_by_replacing(store: ConvStore) -> None:
    put(store, "what")
    store.review(["talk"], status="approved")
    reviewer = sign_in(store.resources, "rita", "reviewer")

    assert outcome(put(reviewer, "why")) == ("conflict", "somebody else decided it; only a lead replaces it")
    assert store.get("talk").conversation.status == "approved"

    lead = sign_in(store.resources, "leo", "lead")
    assert outcome(put(lead, "why"))[0] == "replaced"
    assert store.get("talk").conversation.created_by == store.actor.user_id


def test_a_reviewer_replaces_what_waits(store: ConvStore) -> None:
    put(store, "what")
    reviewer = sign_in(store.resources, "rita", "reviewer")
    assert outcome(put(reviewer, "why"))[0] == "replaced"
    assert unsound(store) == []


def test_somebody_who_lost_the_role_replaces_nothing(store: ConvStore) -> None:
    put(store, "what")
    former = ConvStore(store.resources, replace(sign_in(store.resources, "vera", "viewer").actor, role="lead"))
    with pytest.raises(Exception, match="row-level security"):
        put(former, "why")
    assert "what" in store.get("talk").turns[0].content
