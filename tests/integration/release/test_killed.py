"""Exports that are killed with -9 where it hurts: nothing stands under the final name, and the next one completes."""

from __future__ import annotations

import io
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.release.deferring import export_folder
from convstore.release.delivering import files_in
from convstore.release.manifest import check_files
from convstore.release.selection import SplitPlan
from tests.acceptance.command_line import CommandLine
from tests.integration.jobs.workers import start_worker

APPROVED = Filter(statuses=("approved",))
#: Tables whose lock holds an export up: before it is known, while its items are written, when all but the seal is done.
MOMENTS = ("releases", "release_items", "conversations")
_WITHIN_S = 90


@contextmanager
def held_up(store: ConvStore, table: str) -> Iterator[Callable[[], bool]]:
    """Lets nobody write to a table; what is yielded says whether somebody waits to."""
    secret = store.settings.admin_url
    assert secret is not None
    with psycopg.connect(secret.get_secret_value()) as holder:
        holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))

        def waits() -> bool:
            row = holder.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
                [table],
            ).fetchone()
            return bool(row and row[0])

        yield waits


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + _WITHIN_S
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(("format_name", "name"), [("messages", "out.jsonl"), ("hf", "set")])
def test_a_killed_command_leaves_nothing_and_runs_again_to_the_end(
    demo_store: ConvStore, tmp_path: Path, format_name: str, name: str
) -> None:
    convstore = CommandLine(demo_store.settings)
    out = tmp_path / name
    command = ("export", "--format", format_name, "--out", str(out), "--name", "again", "--status", "approved")
    for table in MOMENTS:
        with held_up(demo_store, table) as waits, convstore.start(*command) as process:
            try:
                wait_for(waits)
                assert process.poll() is None
            finally:
                process.send_signal(signal.SIGKILL)
        assert [path.name for path in tmp_path.glob(f"*{name}*")] == [f".{name}.partial"]
    # The server notices within moments that its clients are gone.
    wait_for(lambda: convstore(*command).status == 0)
    assert sorted(path.name for path in tmp_path.glob(f"*{name}*")) == [name, f"{name}.manifest.json"]
    assert check_files(tmp_path / f"{name}.manifest.json") == []
    assert demo_store.verify_release("again").is_clean
    assert convstore("release", "export", "again", "--out", str(tmp_path / "twice")).status == 0
    if format_name == "messages":
        undisturbed = demo_store.export(format_name, tmp_path / "undisturbed", APPROVED)
        assert undisturbed.files[0].path.read_bytes() == out.read_bytes() == (tmp_path / "twice").read_bytes()


def test_the_next_worker_completes_what_killed_ones_began(demo_store: ConvStore, tmp_path: Path) -> None:
    plan = SplitPlan(shares={"train": Decimal("0.75"), "test": Decimal("0.25")})
    job_id = demo_store.export_later("messages", APPROVED, name="large", plan=plan, seed=3)
    folder = export_folder(demo_store.settings.home, job_id)
    for table in MOMENTS[1:]:
        with held_up(demo_store, table) as waits:
            worker = start_worker(demo_store.settings)
            try:
                wait_for(waits)
                assert demo_store.job(job_id).status == "running"
            finally:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
        assert files_in(folder) == []
        assert [path.name for path in folder.iterdir()] == [".large-messages.partial"]
        assert demo_store.get_release("large").status == "building"
    last = start_worker(demo_store.settings)
    try:
        wait_for(lambda: demo_store.job(job_id).status not in ("queued", "running"))
    finally:
        last.terminate()
        last.wait(timeout=60)
    job = demo_store.job(job_id)
    assert (job.status, job.error, job.attempt) == ("succeeded", None, len(MOMENTS))
    undisturbed = demo_store.export("messages", tmp_path / "large-messages", APPROVED, plan=plan, seed=3)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(demo_store.download_release("large"))))
    assert {name: archive.read(name) for name in archive.namelist() if not name.endswith(".manifest.json")} == {
        f"large-messages/{info.path.name}": info.path.read_bytes() for info in undisturbed.files
    }
    assert [release.status for release in demo_store.list_releases() if release.id == job_id] == ["sealed"]
    assert not list(folder.glob(".*"))
