"""Copies and checks of a set that is shared out: what several workers find is what one finds by itself."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest

from convstore.core import ConvStore
from convstore.jobs import JobStopped
from convstore.queries.ranges import EVERYTHING, IdRange
from convstore.worker import run_worker_in_background
from tests.integration.jobs.test_jobs import wait_for

WORKERS = 3

FOUND = {
    "signatures": "SELECT conversation_id, turns_sha256, version, signature FROM similarity_signatures ORDER BY 1",
    "bands": "SELECT conversation_id, band, key FROM similarity_bands ORDER BY 1, 2",
    "groups": "SELECT conversation_id, group_id, similarity FROM duplicate_members ORDER BY 1",
    "findings": "SELECT conversation_id, code, check_version, severity, turn_number, span_start, span_end, explanation"
    " FROM findings ORDER BY 1, 2, 5, 6, 7, 8",
    "finished": "SELECT code, version, finished_at IS NOT NULL FROM check_progress ORDER BY 1",
}


def taken(store: ConvStore, *, forget: bool) -> dict[str, Any]:
    """What was found; with `forget` it is gone afterwards, as if nobody had looked yet."""
    with store.database.admin() as connection:
        found: dict[str, Any] = {name: connection.execute(query).fetchall() for name, query in FOUND.items()}
        if forget:
            connection.execute("TRUNCATE similarity_bands, similarity_signatures, duplicate_members, check_progress")
            connection.execute("DELETE FROM findings")
    return found


def parts(store: ConvStore, job_id: UUID) -> int:
    with store.database.admin() as connection:
        row = connection.execute("SELECT count(*) FROM jobs WHERE parent_id = %s", [job_id]).fetchone()
    assert row is not None
    return int(row[0])


def test_several_workers_find_what_one_finds(demo_store: ConvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = demo_store
    total, _ = store.count()
    taken(store, forget=True)
    compared, checked = store.update_duplicates(), store.recheck()
    alone = taken(store, forget=True)
    assert alone["groups"]
    assert alone["findings"]

    monkeypatch.setattr("convstore.duplicates.RANGE", 25)
    monkeypatch.setattr("convstore.rechecking.RANGE", 25)
    with ExitStack() as workers:
        for _ in range(WORKERS):
            workers.enter_context(run_worker_in_background(store.resources))
        duplicates, checks = store.defer("duplicates"), store.defer("checks")
        for job_id in (duplicates, checks):
            wait_for(store, job_id, "succeeded")
    assert store.job(duplicates).result == {"compared": compared}
    assert store.job(checks).result == {"checked": checked}
    assert parts(store, duplicates) == -(-total // 25)
    assert parts(store, checks) >= parts(store, duplicates)
    together = taken(store, forget=False)
    assert together == alone

    # Nothing is new: nothing is shared out, and nothing found twice.
    with run_worker_in_background(store.resources):
        again = store.defer("duplicates")
        wait_for(store, again, "succeeded")
    assert (store.job(again).result, parts(store, again)) == ({"compared": 0}, 0)


def test_a_part_goes_on_where_it_was_stopped(demo_store: ConvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = demo_store
    total, _ = store.count()
    monkeypatch.setattr("convstore.rechecking._CHUNK", 50)
    versions = store.begin_recheck()
    kept: list[tuple[IdRange, int]] = []

    def keep_twice(left: IdRange, checked: int) -> None:
        kept.append((left, checked))
        if len(kept) == 2:
            raise JobStopped("interrupted")

    with pytest.raises(JobStopped):
        store.recheck_part(versions, EVERYTHING, keep=keep_twice, progress=lambda *_: None)
    left, before = kept.pop()
    assert before == 100
    rest = store.recheck_part(versions, left, keep=lambda *_: None, progress=lambda *_: None)
    assert before + rest == total
