"""What expires, what is protected, where things go and how they come back, over the real database."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from convstore.core import ConvStore
from convstore.database import Context
from convstore.errors import ConvstoreError, ForbiddenError, QuotaError
from convstore.model import Filter
from tests.integration.conversations import conversation, folder_of


@pytest.fixture
def filled(store: ConvStore, tmp_path: Path) -> ConvStore:
    assert store.ingest([folder_of(tmp_path / "in", count=6)]).totals["stored"] == 6
    return store


def admin(store: ConvStore, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with store.database.admin() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def days_left(store: ConvStore, identifier: str) -> int | None:
    expires_at = store.get(identifier).conversation.expires_at
    return None if expires_at is None else round((expires_at - datetime.now(UTC)) / timedelta(days=1))


def expire(store: ConvStore, *identifiers: str) -> None:
    admin(
        store,
        "UPDATE conversations SET expires_at = now() - interval '1 minute' WHERE conversation_id = ANY (%s)",
        list(identifiers),
    )


def names(entries: list[dict[str, Any]]) -> list[str]:
    return sorted(entry["conversation_id"] for entry in entries)


def test_the_database_keeps_the_date(filled: ConvStore) -> None:
    assert filled.retention_policies() == {"pending_review": 90, "rejected": 30, "trash": 30}
    assert days_left(filled, "talk-0") == 90
    filled.review(["talk-0"], status="rejected")
    assert days_left(filled, "talk-0") == 30
    filled.review(["talk-1"], status="approved")
    assert days_left(filled, "talk-1") is None
    filled.set_retention("approved", 700)
    assert days_left(filled, "talk-1") == 700
    filled.set_retention("rejected", 7)
    assert days_left(filled, "talk-0") == 7
    filled.set_retention("pending_review", None)
    assert days_left(filled, "talk-2") is None
    filled.delete(["talk-2"])
    assert days_left(filled, "talk-2") == 30
    filled.restore(["talk-2"])
    assert days_left(filled, "talk-2") is None


def test_only_admins_set_and_apply(filled: ConvStore) -> None:
    lead = ConvStore(filled.resources, replace(filled.actor, role="lead"))
    with pytest.raises(ForbiddenError):
        lead.apply_retention(dry_run=True)
    with pytest.raises(ConvstoreError):
        filled.set_retention("approved", -1)
    with pytest.raises(ConvstoreError):
        filled.set_retention("nothing", 1)


def test_from_status_to_trash_to_nothing(filled: ConvStore) -> None:
    filled.review(["talk-0", "talk-1"], status="rejected")
    expire(filled, "talk-0", "talk-2")
    planned = filled.apply_retention(dry_run=True)
    assert names(planned.trashed) == ["talk-0", "talk-2"]
    assert filled.count() == (6, True)
    assert names(filled.apply_retention().trashed) == ["talk-0", "talk-2"]
    assert filled.count() == (4, True)
    assert filled.apply_retention() == filled.apply_retention(), "the trash keeps them for its days"
    path = filled.get("talk-0").conversation.file_path
    expire(filled, "talk-0", "talk-2")
    filled.restore(["talk-2"])
    assert names(filled.apply_retention().deleted) == ["talk-0"]
    assert filled.files.stat(path) is None
    for table in ("conversation_turns", "findings", "reviews"):
        assert (
            admin(
                filled,
                f"SELECT 1 FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversations)",
            )
            == []
        )
    [event] = list(filled.events(action="deleted"))
    assert (event.note, event.before["conversation_id"]) == ("retention", "talk-0")
    assert filled.reconcile().is_clean


def test_what_comes_into_the_trash_is_not_deleted_in_the_same_run(filled: ConvStore) -> None:
    filled.set_retention("trash", 0)
    expire(filled, "talk-0")
    first = filled.apply_retention()
    assert (names(first.trashed), first.deleted) == (["talk-0"], [])
    assert names(filled.apply_retention().deleted) == ["talk-0"]


def test_approved_and_released_are_protected(filled: ConvStore, tmp_path: Path) -> None:
    filled.review(["talk-0", "talk-1", "talk-2"], status="approved")
    filled.export("messages", tmp_path / "out.jsonl", Filter(ids=("talk-0",)), name="first")
    filled.review(["talk-0"], status="pending_review")
    filled.delete(["talk-2"])
    expire(filled, "talk-0", "talk-1", "talk-2")
    report = filled.apply_retention()
    assert names(report.protected) == ["talk-0", "talk-2"]
    assert {entry["conversation_id"]: entry["reason"] for entry in report.protected} == {
        "talk-0": "a release names it", "talk-2": "it is approved",
    }  # fmt: skip
    assert names(report.archived) == ["talk-1"], "an approved one is kept, in the archive"
    assert (report.trashed, report.deleted) == ([], [])
    with pytest.raises(ConvstoreError, match="a release names"):
        admin(filled, "DELETE FROM conversations WHERE conversation_id = 'talk-0'")


def test_archive_and_back_with_everything(filled: ConvStore) -> None:
    filled.review(["talk-0"], status="approved", scores={"quality": 4.5}, note="good", as_review=True)
    admin(
        filled,
        "UPDATE conversations SET created_at = now() - interval '13 months'"
        " WHERE conversation_id IN ('talk-0', 'talk-1')",
    )
    before = filled.get("talk-0")
    assert names(filled.archive().archived) == ["talk-0", "talk-1"]
    assert filled.count() == (4, True)
    assert filled.reconcile(repair=True).as_dict()["orphans"] == [], "the archive's files are no orphans"
    assert filled.verify().checked == 6
    assert filled.storage_use().items_by_kind["archive"] == 2

    result = filled.restore(["talk-0", "nothing"])
    assert [(item.conversation_id, item.outcome) for item in result.items] == [
        ("talk-0", "done"),
        ("nothing", "refused"),
    ]
    after = filled.get("talk-0")
    assert after.turns == before.turns
    assert after.reviews == before.reviews
    ignored = {"updated_at": None, "expires_at": None}
    assert replace(after.conversation, **ignored) == replace(before.conversation, **ignored)  # type: ignore[arg-type]
    assert [event.action for event in after.events[:2]] == ["unarchived", "archived"]
    assert [event.action for event in after.events].count("reviewed") == 1, "no review happened on the way"
    assert filled.archive().archived == [], "who was brought back stays"
    assert filled.reconcile().is_clean


def test_what_others_said_stays_hidden_in_the_archive_of_a_blind_workspace(filled: ConvStore) -> None:
    filled.review(["talk-0"], status="approved", scores={"quality": 4.5}, note="between us", as_review=True)
    admin(filled, "UPDATE conversations SET created_at = now() - interval '13 months' WHERE conversation_id = 'talk-0'")
    filled.archive()
    filled.update_workspace(blind=True)
    omar = uuid4()
    with filled.database.admin() as connection:
        connection.execute("INSERT INTO profiles (id, issuer, subject, name) VALUES (%s, 'x', 'omar', 'Omar')", [omar])
        connection.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, 'reviewer')",
            [filled.actor.workspace_id, omar],
        )

    def asks(user_id: UUID, columns: str) -> str:
        with filled.database.transaction(Context(user_id=user_id)) as connection:
            return str(connection.execute(text(f"SELECT {columns} FROM conversations_archive")).all())

    for person in (omar, filled.actor.user_id):
        for columns in ("reviews", "*", "to_jsonb(conversations_archive)"):
            with pytest.raises(ForbiddenError):
                asks(person, columns)
        seen = asks(person, "conversation_id, row, turns, findings, exclusions")
        assert "talk-0" in seen
        assert "between us" not in seen
        assert "human_quality_score" not in seen
    filled.restore(["talk-0"])
    assert filled.get("talk-0").conversation.human_quality_score is None, "it is blind by now"
    assert [review.note for review in filled.get("talk-0").reviews] == ["between us"]
    filled.update_workspace(blind=False)
    assert filled.get("talk-0").conversation.human_quality_score == Decimal("4.5")


def test_archived_id_that_was_stored_again_is_not_overwritten(filled: ConvStore, tmp_path: Path) -> None:
    admin(filled, "UPDATE conversations SET created_at = now() - interval '13 months' WHERE conversation_id = 'talk-0'")
    filled.archive()
    filled.ingest([conversation(tmp_path / "again.json", "talk-0", "something new")])
    [item] = filled.restore(["talk-0"]).items
    assert (item.outcome, item.reason) == ("refused", "a conversation with this id was stored since")


def test_quota_warns_and_then_refuses_naming_what_takes_the_space(filled: ConvStore, tmp_path: Path) -> None:
    used = filled.storage_use().used_bytes
    assert used == sum(stat.size for stat in filled.files.list())
    filled.set_quota(used * 10 // 9)
    assert filled.storage_use().level == "warning"
    assert [line.status for line in filled.health() if line.name == "storage"] == ["warn"]
    filled.set_quota(used)
    assert filled.storage_use().level == "full"
    with pytest.raises(QuotaError, match=r"the workspace is full: .* \(pending review ") as refused:
        filled.ingest([conversation(tmp_path / "more.json", "more")])
    assert refused.value.facts["quota_bytes"] == used
    with pytest.raises(QuotaError):
        filled.ingest_later({"more.json": (tmp_path / "more.json").read_bytes()})
    assert sum(stat.size for stat in filled.files.list()) == used, "nothing of it is left behind"
    filled.set_quota(None)
    assert filled.ingest([tmp_path / "more.json"]).totals["stored"] == 1


def test_use_over_time(filled: ConvStore) -> None:
    filled.note_storage_use()
    filled.delete(["talk-0"])
    filled.note_storage_use()
    history = {kind: size for _, kind, size in filled.storage_history()}
    assert history == filled.storage_use().bytes_by_kind
    assert set(history) == {"pending_review", "trash"}


def test_download_of_many(filled: ConvStore) -> None:
    filled.files.delete([filled.get("talk-5").conversation.file_path])
    pieces = list(filled.download())
    assert len(pieces) > 5, "it comes in pieces"
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["MISSING.txt", *(f"talk-{number}.json" for number in range(5))]
        assert archive.read("talk-3.json") == filled.document("talk-3")
    assert filled.signed_url("talk-0") is None
