"""A whole filter at once: what would happen, what did, and all of it taken back."""

from __future__ import annotations

import pytest

from convstore.core import ConvStore
from convstore.errors import ForbiddenError
from convstore.model import Filter
from tests.integration.review_queues.conftest import Colleague, Fill

EVERYTHING = Filter()


def statuses(store: ConvStore) -> dict[str, int]:
    with store.database.admin() as connection:
        return dict(connection.execute("SELECT status, count(*) FROM conversations GROUP BY 1").fetchall())


def test_a_dry_run_counts_and_changes_nothing(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(12)
    omar = colleague("Omar")
    omar.review([str(row) for row in ids[:3]], status="rejected")
    omar.review([str(ids[3])], status="approved")
    preview = store.bulk_preview(EVERYTHING, "approved")
    assert (preview.matched, preview.moving, preview.released) == (12, 8, 0)
    assert {(found.reason, found.count) for found in preview.conflicts} == {
        ("rejected by Omar, which cannot become approved", 3),
        ("already approved by Omar", 1),
    }
    assert len({row.id for row in preview.samples}) == 5
    assert {row.id for row in preview.samples} <= set(ids[4:])
    assert statuses(store) == {"approved": 1, "pending_review": 8, "rejected": 3}


def test_moves_what_may_move_and_reports_the_rest(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(12)
    omar = colleague("Omar")
    omar.review([str(ids[0])], status="rejected")
    seen: list[tuple[int, int, str]] = []
    result = store.bulk_review(
        EVERYTHING, status="approved", note="Spot-checked", reasons=["Reads well"], progress=lambda *at: seen.append(at)
    )
    assert result.moved == 11
    assert [(item.conversation_id, item.outcome, item.from_status) for item in result.listed] == [
        ("c-1", "refused", "rejected")
    ]
    assert seen == [(0, 11, "approved"), (11, 11, "approved")]
    with store.database.admin() as connection:
        events = connection.execute(
            "SELECT count(*), count(DISTINCT conversation_id), min(note), min(actor_id::text) FROM events"
            " WHERE batch_id = %s AND action = 'status'",
            (result.batch_id,),
        ).fetchone()
    assert events == (11, 11, "Reads well: Spot-checked", str(store.actor.user_id))


def test_undo_puts_the_batch_back_and_leaves_later_work_alone(
    store: ConvStore, colleague: Colleague, fill: Fill
) -> None:
    ids = fill(10)
    result = store.bulk_review(EVERYTHING, status="approved")
    colleague("Lea", "lead").review([str(ids[0])], status="pending_review")
    store.delete([str(ids[1])])
    undone = store.undo(result.batch_id)
    assert undone.undone == 8
    assert dict(undone.left_alone) == {"c-1": "it changed since", "c-2": "it is in the trash"}
    assert statuses(store) == {"pending_review": 9, "approved": 1}
    again = store.undo(result.batch_id)
    assert (again.undone, len(again.left_alone)) == (0, 10)


def test_many_are_moved_and_put_back_in_steps(
    store: ConvStore, colleague: Colleague, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convstore.review.bulk.STEP_ROWS", 4)
    monkeypatch.setattr("convstore.review.undoing.STEP_ROWS", 4)
    ids = fill(12)
    colleague("Omar").review([str(row) for row in ids[::4]], status="rejected")
    seen: list[int] = []
    result = store.bulk_review(EVERYTHING, status="approved", progress=lambda done, *_: seen.append(done))
    assert (result.moved, {item.conversation_id for item in result.listed}) == (9, {"c-1", "c-5", "c-9"})
    assert [(found.reason, found.count) for found in result.left_alone] == [
        ("rejected by Omar, which cannot become approved", 3)
    ]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    store.delete([str(ids[11])])
    seen.clear()
    undone = store.undo(result.batch_id, progress=lambda done, *_: seen.append(done))
    assert (undone.undone, undone.left_alone) == (8, (("c-12", "it is in the trash"),))
    assert seen == [4, 8, 9]
    assert statuses(store) == {"approved": 1, "pending_review": 8, "rejected": 3}


def test_stopping_half_way_takes_everything_back(store: ConvStore, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstore.review.bulk.STEP_ROWS", 4)
    fill(12)

    def stop(done: int, total: int, word: str) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.bulk_review(EVERYTHING, status="approved", progress=stop)
    assert statuses(store) == {"pending_review": 12}


def test_undo_brings_back_who_decided_before(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    row = fill(1)[0]
    omar = colleague("Omar")
    omar.review([str(row)], status="approved", note="Reads well")
    before = store.get(str(row)).conversation
    store.undo(store.bulk_review(EVERYTHING, status="archived").batch_id)
    after = store.get(str(row)).conversation
    assert (after.status, after.reviewed_by, after.reviewed_at, after.review_notes) == (
        "approved", omar.actor.user_id, before.reviewed_at, "Reads well",
    )  # fmt: skip


def test_undo_of_a_reopening_never_approves_other_turns(store: ConvStore, fill: Fill) -> None:
    row = fill(1)[0]
    store.bulk_review(EVERYTHING, status="approved")
    reopened = store.bulk_review(EVERYTHING, status="pending_review")
    with store.database.admin() as connection:
        connection.execute("UPDATE conversations SET turns_sha256 = repeat('a', 64) WHERE id = %s", (row,))
    undone = store.undo(reopened.batch_id)
    assert (undone.undone, undone.left_alone) == (0, (("c-1", "it changed since"),))
    assert statuses(store) == {"pending_review": 1}


def test_a_reviewer_moves_what_is_open_and_their_own(store: ConvStore, colleague: Colleague, fill: Fill) -> None:
    ids = fill(4)
    omar = colleague("Omar")
    store.review([str(ids[0])], status="approved")
    omar.review([str(ids[1])], status="approved")
    result = omar.bulk_review(EVERYTHING, status="pending_review")
    assert result.moved == 1
    assert omar.bulk_review(EVERYTHING, status="archived").moved == 0
    with pytest.raises(ForbiddenError):
        colleague("Vera", "viewer").bulk_review(EVERYTHING, status="approved")
    assert statuses(store) == {"approved": 1, "pending_review": 3}


def test_released_ones_are_counted(store: ConvStore, fill: Fill) -> None:
    ids = fill(3)
    store.bulk_review(EVERYTHING, status="approved")
    with store.database.admin() as connection:
        release = connection.execute(
            "INSERT INTO releases (workspace_id, name, format, exporter_version, created_by)"
            " VALUES (%s, 'first', 'messages', '1', %s) RETURNING id",
            (store.actor.workspace_id, store.actor.user_id),
        ).fetchone()
        assert release is not None
        connection.execute(
            "INSERT INTO release_items (release_id, position, workspace_id, conversation_id, public_id, turns_sha256,"
            " content_sha256, file_path) SELECT %s, 1, workspace_id, id, conversation_id, turns_sha256,"
            " content_sha256, file_path FROM conversations WHERE id = %s",
            (release[0], ids[0]),
        )
        connection.execute("UPDATE releases SET status = 'sealed', sealed_at = now() WHERE id = %s", (release[0],))
    preview = store.bulk_preview(EVERYTHING, "archived")
    assert (preview.moving, preview.released) == (3, 1)
