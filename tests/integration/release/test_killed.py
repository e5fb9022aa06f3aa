"""Exports that are killed with -9 where it hurts: nothing stands under the final name, and the next one completes."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
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
from convstore.errors import RefusedError
from convstore.model import Filter
from convstore.release.deferring import export_folder
from convstore.release.delivering import files_in
from convstore.release.manifest import check_files
from convstore.release.selection import SplitPlan
from convstore.release.staging import manifest_path
from tests.acceptance.command_line import CommandLine
from tests.integration.jobs.workers import start_worker

APPROVED = Filter(statuses=("approved",))
#: Tables whose lock holds an export up: before it is known, while its items are written, when all but the seal is done.
MOMENTS = ("releases", "release_items", "conversations")
_WITHIN_S = 90
#: The command line, killed as it is about to give the nth file of an export its name.
_KILLED_AT_NAMING = """
import os, signal, sys
left, out = int(sys.argv.pop(1)), sys.argv[sys.argv.index("--out") + 1]

def watch(event, arguments):
    global left
    if event == "os.rename" and os.fsdecode(arguments[1]).startswith(out):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
from convstore.cli import main; main()
"""


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


@pytest.mark.parametrize("format_name", ["messages", "hf"])
@pytest.mark.parametrize("nth", [1, 2])
def test_what_was_sealed_but_not_named_is_fetched_again(
    demo_store: ConvStore, tmp_path: Path, format_name: str, nth: int
) -> None:
    convstore = CommandLine(demo_store.settings)
    out = tmp_path / "out"
    command = ("export", "--format", format_name, "--out", str(out), "--name", "sealed", "--status", "approved")
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_AT_NAMING, str(nth), *command],
        env=convstore.environment,
        stdin=subprocess.DEVNULL,
        timeout=_WITHIN_S,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    # The target is named last, so its manifest alone may stand.
    assert not out.exists()
    assert manifest_path(out).exists() == (nth == 2)
    staged = tmp_path / ".out.partial" / "target"
    going_out = contents(staged)
    assert going_out
    release = demo_store.get_release("sealed")
    assert release.status == "sealed"
    # The name is gone, and what says so names the way to the files.
    refused = convstore(*command)
    assert refused.status != 0
    assert "convstore release export sealed" in refused.err
    assert convstore("release", "export", "sealed", "--out", str(out)).status == 0
    assert contents(out) == going_out
    assert check_files(manifest_path(out)) == []
    assert not staged.exists()
    assert demo_store.verify_release("sealed").is_clean


def contents(path: Path) -> dict[str, bytes]:
    """What a target holds, be it a file or a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_build_that_was_cut_off_says_so_before_the_next_one(demo_store: ConvStore, tmp_path: Path) -> None:
    convstore = CommandLine(demo_store.settings)
    command = ("export", "--format", "messages", "--out", str(tmp_path / "out.jsonl"), "--name", "cut")

    def listed() -> list[str]:
        return [one["status"] for one in convstore("release", "list", "--json").document["items"]]

    with held_up(demo_store, "release_items") as waits, convstore.start(*command) as process:
        try:
            wait_for(waits)
            assert listed() == ["building"]
            assert demo_store.get_release("cut").status == "building"
        finally:
            process.send_signal(signal.SIGKILL)
    wait_for(lambda: demo_store.get_release("cut").status == "failed")
    assert demo_store.get_release("cut").summary == {"failed": "interrupted"}
    assert listed() == ["failed"]
    with pytest.raises(RefusedError, match="never went out"):
        demo_store.download_release("cut")
    # Only looking was done: the row still waits for the next build to clear it.
    with demo_store.database.admin() as admin:
        assert admin.execute("SELECT status FROM releases").fetchall() == [("building",)]


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
        wait_for(lambda: demo_store.get_release("large").status == "failed")
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
