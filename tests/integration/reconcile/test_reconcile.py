"""Rows and files held against each other, over the real database and real files."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from convstore.core import ConvStore, Resources
from convstore.database import Context
from convstore.errors import ForbiddenError
from convstore.files import pack
from convstore.model import Filter
from convstore.queries.storing import claim_objects
from tests.integration.conversations import conversation, folder_of
from tests.integration.reconcile.spoiled import cut_import_of, path_of


def admin(store: ConvStore, statement: str, *values: object) -> None:
    with store.database.admin() as connection:
        connection.execute(statement, values)


@pytest.fixture
def filled(store: ConvStore, tmp_path: Path) -> ConvStore:
    report = store.ingest([folder_of(tmp_path / "in", count=5)])
    assert report.totals["stored"] == 5
    return store


def test_demo_set_is_in_order(demo_store: ConvStore) -> None:
    report = demo_store.reconcile()
    assert report.as_dict() == {"missing": [], "damaged": [], "orphans": [], "drifted": [], "repaired": 0}
    assert demo_store.verify().checked == demo_store.count()[0] + len(trashed(demo_store))


def trashed(store: ConvStore) -> list[tuple[Any, ...]]:
    with store.database.admin() as connection:
        return connection.execute("SELECT id FROM conversations WHERE NOT is_active").fetchall()


def test_missing_and_damaged_files_are_named_and_nothing_is_touched(filled: ConvStore) -> None:
    gone, cut, other = (path_of(filled, f"talk-{number}") for number in (0, 1, 2))
    filled.files.delete([gone, cut, other])
    whole = pack(b'{"some": "other document"}')
    filled.files.put(cut, whole[:-4])
    filled.files.put(other, whole)
    for _ in range(2):
        report = filled.reconcile()
        assert [entry["conversation_id"] for entry in report.missing] == ["talk-0"]
        assert sorted(entry["conversation_id"] for entry in report.damaged) == ["talk-1", "talk-2"]
        assert (report.repaired, report.is_clean) == (0, False)
    verified = filled.verify()
    assert (len(verified.missing), len(verified.damaged), verified.checked) == (1, 2, 5)
    assert (filled.files.stat(gone), filled.files.get(other), filled.quarantined()) == (None, whole, ())


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE conversations SET quality_score = 1.1 WHERE conversation_id = 'talk-3'", "quality_score"),
        ("UPDATE conversations SET persona_key = 'nobody' WHERE conversation_id = 'talk-3'", "persona_key"),
        ("UPDATE conversations SET content_sha256 = 'x' WHERE conversation_id = 'talk-3'", "content_sha256"),
        (
            "UPDATE conversation_turns SET content = 'changed' WHERE turn_number = 2 AND conversation_id ="
            " (SELECT id FROM conversations WHERE conversation_id = 'talk-3')",
            "turns",
        ),
        (
            "DELETE FROM conversation_turns WHERE turn_number = 2 AND conversation_id ="
            " (SELECT id FROM conversations WHERE conversation_id = 'talk-3')",
            "turns",
        ),
    ],
)
def test_drift_is_found_and_derived_again_from_the_file(filled: ConvStore, statement: str, field: str) -> None:
    before = filled.get("talk-3")
    filled.review(["talk-3"], status="approved")
    filled.edit("talk-3", name="A name that people gave")
    admin(filled, statement)
    found = filled.reconcile()
    assert [(entry["conversation_id"], entry["fields"], entry["repair"]) for entry in found.drifted] == [
        ("talk-3", [field], None)
    ]
    assert filled.reconcile(repair=True).repaired == 1
    assert filled.reconcile().is_clean
    after = filled.get("talk-3")
    assert after.turns == before.turns
    # The turns are what was approved, so the approval stands; the name is people's.
    assert after.conversation.status == "approved"
    assert after.conversation.conversation_name == "A name that people gave"


def test_orphan_of_a_cut_import_is_adopted(filled: ConvStore) -> None:
    before = filled.get("talk-4")
    with filled.database.admin() as connection:
        # As if the transaction had never committed: no row, no trace in the audit.
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM events WHERE conversation_id = %s", [before.conversation.id])
        for table in ("conversation_turns", "findings"):
            connection.execute(f"DELETE FROM {table} WHERE conversation_id = %s", [before.conversation.id])
        connection.execute("DELETE FROM conversations WHERE id = %s", [before.conversation.id])
    report = filled.reconcile()
    assert [entry["path"] for entry in report.orphans] == [before.conversation.file_path]
    assert [entry["repair"] for entry in filled.reconcile(repair=True).orphans] == ["adopted"]
    after = filled.get("talk-4")
    assert (after.turns, after.conversation.id) == (before.turns, before.conversation.id)
    assert filled.reconcile().is_clean


def test_what_was_deleted_since_does_not_come_back(filled: ConvStore) -> None:
    before = cut_import_of(filled, "talk-0", "a question that was never stored")
    filled.delete(["talk-0"], hard=True, confirm=True)
    after = cut_import_of(filled, "talk-0", "one whose upload arrived late")
    other = cut_import_of(filled, "talk-9", "of an id that nobody deleted")
    repairs = {entry["path"]: entry["repair"] for entry in filled.reconcile(repair=True).orphans}
    assert repairs == {before: "removed", after: "kept in quarantine", other: "adopted"}
    assert filled.reconcile().is_clean
    assert [row.conversation_id for row in filled.search(Filter(ids=("talk-0", "talk-9"))).items] == ["talk-9"]


def test_what_is_in_the_archive_is_not_adopted_beside_it(filled: ConvStore) -> None:
    admin(filled, "UPDATE conversations SET created_at = now() - interval '13 months' WHERE conversation_id = 'talk-0'")
    filled.archive()
    same = cut_import_of(filled, "talk-0", "what now?")
    other = cut_import_of(filled, "talk-0", "another question")
    repairs = {entry["path"]: entry["repair"] for entry in filled.reconcile(repair=True).orphans}
    assert repairs == {same: "removed", other: "kept in quarantine"}
    assert [item.outcome for item in filled.restore(["talk-0"]).items] == ["done"]
    assert filled.reconcile().is_clean


def test_superseded_and_deleted_files_are_removed_never_adopted(filled: ConvStore, tmp_path: Path) -> None:
    old = path_of(filled, "talk-0")
    packed = filled.files.get(old)
    filled.ingest([conversation(tmp_path / "new.json", "talk-0", "another question")], on_conflict="replace")
    gone = path_of(filled, "talk-1")
    gone_packed = filled.files.get(gone)
    filled.delete(["talk-1"], hard=True, confirm=True)
    filled.files.put(old, packed)
    filled.files.put(gone, gone_packed)
    report = filled.reconcile(repair=True)
    assert {entry["path"]: entry["repair"] for entry in report.orphans} == {old: "removed", gone: "removed"}
    assert filled.files.stat(old) is None
    assert filled.files.stat(gone) is None
    assert filled.count() == (4, True)


def test_stray_object_is_kept_in_quarantine(filled: ConvStore) -> None:
    stray = f"{filled.actor.user_id}/notes.json"
    filled.files.put(stray, b"{}", content_type="application/json")
    assert [entry["path"] for entry in filled.reconcile().orphans] == [stray]
    assert filled.files.stat(stray) is not None
    assert [entry["repair"] for entry in filled.reconcile(repair=True).orphans] == ["kept in quarantine"]
    assert filled.reconcile().is_clean
    assert [entry.file for entry in filled.quarantined()] == [stray]


def test_released_versions_and_quarantine_are_no_orphans(filled: ConvStore, tmp_path: Path) -> None:
    filled.review(["talk-2"], status="approved")
    filled.export("messages", tmp_path / "out.jsonl", Filter(statuses=("approved",)), name="first")
    filled.ingest([conversation(tmp_path / "new.json", "talk-2", "another question")], on_conflict="replace")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    filled.ingest([broken])
    assert filled.reconcile(repair=True).as_dict()["orphans"] == []
    assert len(filled.files.list()) == 5 + 1 + 1


def test_file_of_another_workspace_is_left_alone(filled: ConvStore, resources: Resources) -> None:
    with filled.database.admin() as connection:
        other = connection.execute(
            "INSERT INTO workspaces (slug, name) VALUES ('other', 'Other') RETURNING id"
        ).fetchone()
        assert other is not None
        row = uuid4()
        connection.execute(
            "INSERT INTO events (workspace_id, conversation_id, action) VALUES (%s, %s, 'deleted')", [other[0], row]
        )
    path = f"{filled.actor.user_id}/{row}/0123456789ab/conversation.json.gz"
    filled.files.put(path, pack(b"{}"))
    assert filled.reconcile(repair=True).orphans == []
    assert filled.files.stat(path) is not None


def test_who_looks_for_strays_waits_for_others_who_do(filled: ConvStore) -> None:
    """Else it would take them for an import, and leave alone what is young."""
    stray = f"{filled.actor.user_id}/notes.json"
    filled.files.put(stray, b"{}", content_type="application/json")
    with ThreadPoolExecutor(1) as thread:
        with filled.database.transaction(Context.of(filled.actor)) as connection:
            claim_objects(connection)
            looking = thread.submit(filled.reconcile)
            wait_for_a_lock(filled)
        assert [entry["path"] for entry in looking.result().orphans] == [stray]


def test_what_goes_into_quarantine_is_no_stray_on_its_way(filled: ConvStore, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with ThreadPoolExecutor(1) as thread:
        with filled.database.transaction(Context.of(filled.actor)) as connection:
            claim_objects(connection)
            importing = thread.submit(filled.ingest, [broken])
            wait_for_a_lock(filled)
            assert len(filled.files.list()) == 5
        assert importing.result().totals["rejected"] == 1
    assert len(filled.files.list()) == 6


def wait_for_a_lock(store: ConvStore) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
    for _ in range(3000):
        with store.database.admin() as connection:
            row = connection.execute(
                f"{query} (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
        if row and row[0]:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_it_goes_on_where_it_was_stopped(filled: ConvStore) -> None:
    stray = f"{filled.actor.user_id}/notes.json"
    filled.files.put(stray, b"{}", content_type="application/json")
    filled.files.delete([path_of(filled, "talk-0")])
    states: list[dict[str, object]] = []
    whole = filled.reconcile(checkpoint=lambda state: states.append(dict(state)))
    assert [state["phase"] for state in states] == ["rows", "others", "objects", "objects"]
    for state in states:
        assert filled.reconcile(start=state).as_dict() == whole.as_dict()


def test_viewers_and_leads_do_not_repair(filled: ConvStore) -> None:
    from dataclasses import replace

    for role in ("viewer", "reviewer"):
        with pytest.raises(ForbiddenError):
            ConvStore(filled.resources, replace(filled.actor, role=role)).reconcile()
    with pytest.raises(ForbiddenError):
        ConvStore(filled.resources, replace(filled.actor, role="lead")).reconcile(repair=True)
