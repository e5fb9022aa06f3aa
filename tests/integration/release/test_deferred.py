"""A worker makes a release as anybody would, however often it is killed; counts follow."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.database import Context
from convstore.errors import ForbiddenError, UsageError
from convstore.model import Filter
from convstore.queries.usage import FOLDED_AT_ONCE, note_export
from convstore.release.rows import ReleaseOptions
from convstore.release.selection import SliceRules, SplitPlan
from convstore.worker import run_worker

APPROVED = Filter(statuses=("approved",))


def unzipped(store: ConvStore, identifier: str) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(store.download_release(identifier))))
    return {name: archive.read(name) for name in archive.namelist() if not name.endswith(".manifest.json")}


def test_a_worker_makes_what_a_person_would(demo_store: ConvStore, tmp_path: Path) -> None:
    rules = SliceRules(min_score=Decimal("2.5"), sample=12)
    plan = SplitPlan(shares={"train": Decimal("0.75"), "test": Decimal("0.25")}, stratify_by=("persona",))
    options = ReleaseOptions(system="own", system_text="Be brief.")
    job_id = demo_store.export_later("messages", APPROVED, name="big", rules=rules, plan=plan, options=options, seed=4)
    run_worker(demo_store.resources, once=True)
    job = demo_store.job(job_id)
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    assert job.result["totals"]["conversations"] == 12
    release = demo_store.get_release("big")
    assert (release.id, release.status) == (job_id, "sealed")
    here = demo_store.export(
        "messages", tmp_path / "big-messages", APPROVED, rules=rules, plan=plan, options=options, seed=4
    )
    expected = {f"big-messages/{info.path.name}": info.path.read_bytes() for info in here.files}
    assert unzipped(demo_store, "big") == expected
    # Another attempt, whose predecessor died after the seal, writes the same once more.
    with demo_store.database.admin() as admin:
        (arguments,) = admin.execute("SELECT arguments FROM jobs WHERE id = %s", [job_id]).fetchone()  # type: ignore[misc]
    again = demo_store.export_deferred(job_id, arguments, progress=lambda done, total, step: None)
    assert again.is_identical
    assert unzipped(demo_store, "big") == expected


def test_a_release_that_nobody_kept_is_written_for_the_download(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("parquet", tmp_path / "a.parquet", APPROVED, name="quiet")
    assert unzipped(demo_store, "quiet") == {"quiet-parquet.parquet": report.files[0].path.read_bytes()}


def test_a_cancelled_job_leaves_nothing(demo_store: ConvStore) -> None:
    job_id = demo_store.export_later("messages", APPROVED, name="given up")
    demo_store.cancel_job(job_id)
    run_worker(demo_store.resources, once=True)
    assert demo_store.job(job_id).status == "cancelled"
    assert demo_store.list_releases() == ()
    demo_store.retry_job(job_id)
    run_worker(demo_store.resources, once=True)
    assert demo_store.get_release("given up").status == "sealed"


def test_what_makes_no_sense_is_refused_before_it_is_queued(demo_store: ConvStore) -> None:
    with pytest.raises(UsageError, match="docx"):
        demo_store.export_later("docx")
    viewer = ConvStore(demo_store.resources, replace(demo_store.actor, role="viewer"))
    with pytest.raises(ForbiddenError):
        viewer.export_later("messages")
    assert demo_store.jobs(task="export") == ()


def test_counts_are_right_before_and_after_they_are_folded(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("messages", tmp_path / "a.jsonl", APPROVED, name="first")
    identifier = demo_store.release_items("first", limit=1)[0].public_id
    first = demo_store.get(identifier).conversation
    actor = demo_store.actor
    with demo_store.database.transaction(Context.of(actor, elevated=True)) as connection:
        many = FOLDED_AT_ONCE + 1
        assert note_export(connection, report.release, actor.workspace_id, conversations=many, is_first=False)

    def stored() -> int:
        with demo_store.database.admin() as admin:
            query = "SELECT export_count FROM conversations WHERE conversation_id = %s"
            return int(admin.execute(query, [identifier]).fetchone()[0])  # type: ignore[index]

    demo_store.refresh()
    second = demo_store.get(identifier).conversation
    assert (second.usage_count, second.export_count, stored()) == (1, 2, 1)
    assert first.last_exported_at is not None
    assert second.last_exported_at is not None
    assert second.last_exported_at > first.last_exported_at
    listed = {row.conversation_id: row.export_count for row in demo_store.search(APPROVED, limit=1000).items}
    assert listed[identifier] == 2
    assert demo_store.count_exports() == report.conversations
    demo_store.refresh()
    assert (demo_store.get(identifier).conversation, stored()) == (second, 2)
