"""A store saved and brought back somewhere else: the same rows, the same files, the same exports."""

from __future__ import annotations

import json
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from convstore.backup import BackupReport, back_up, restore
from convstore.backup.tables import count_rows, list_tables
from convstore.core import ConvStore, Resources
from convstore.errors import ConflictError
from convstore.model import Filter
from convstore.settings import Settings
from tests.integration.conversations import conversation, folder_of

NewSettings = Callable[[], Settings]
OpenResources = Callable[[Settings], Resources]


def saved(store: ConvStore, path: Path) -> BackupReport:
    return back_up(store.database, store.files, path)


def counts(resources: Resources) -> dict[str, int]:
    with resources.database.admin() as connection:
        return count_rows(connection, list_tables(connection))


def test_everything_comes_back(
    full_store: ConvStore, new_settings: NewSettings, open_resources: OpenResources, tmp_path: Path
) -> None:
    before = counts(full_store.resources)
    report = saved(full_store, tmp_path)
    assert report.is_complete
    assert report.path.stat().st_mode & 0o777 == 0o600
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    resources = open_resources(new_settings())
    done = restore(resources.database, resources.files, report.path)
    assert dict(done.manifest.tables) == before == counts(resources)
    restored = ConvStore.for_operator(resources)
    assert restored.reconcile().is_clean
    assert restored.verify().is_clean
    assert restored.verify_release("first").is_clean
    for format_name, out in (("messages", "a.jsonl"), ("brightrun-v4", "b.json")):
        exports = [
            (one.export(format_name, tmp_path / name / out)) for one, name in ((full_store, "x"), (restored, "y"))
        ]
        assert [file.sha256 for file in exports[0].files] == [file.sha256 for file in exports[1].files]
        assert (tmp_path / "x" / out).read_bytes() == (tmp_path / "y" / out).read_bytes()
    # Sequences and triggers go on where they were.
    restored.ingest([folder_of(tmp_path / "in", count=1)])
    assert restored.get("talk-0").events


def test_any_tool_can_check_it(full_store: ConvStore, tmp_path: Path) -> None:
    report = saved(full_store, tmp_path / "backup.tar")
    with tarfile.open(report.path) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / "unpacked",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    manifest = json.loads((tmp_path / "unpacked" / "manifest.json").read_text())
    assert manifest["files"] == len([*(tmp_path / "unpacked" / "files").rglob("*.gz")])


def test_a_store_that_holds_something_is_replaced_on_request_only(
    demo_store: ConvStore, resources: Resources, store: ConvStore, tmp_path: Path
) -> None:
    report = saved(demo_store, tmp_path / "backup.tar")
    store.ingest([folder_of(tmp_path / "in", count=2)])
    with pytest.raises(ConflictError, match="not empty"):
        restore(resources.database, resources.files, report.path)
    assert restore(resources.database, resources.files, report.path, replace=True, dry_run=True).removed_files == 0
    assert store.count() == (2, True)

    # A file that is there already, with other bytes: the backup's count.
    damaged = demo_store.search(limit=1).items[0].file_path
    store.files.put(damaged, b"other")
    done = restore(resources.database, resources.files, report.path, replace=True)
    assert done.removed_files == 2
    restored = ConvStore.for_operator(resources)
    assert restored.reconcile().is_clean
    assert restored.search(Filter(ids=("talk-0",))).items == ()


def test_what_the_store_itself_lacks_is_said(store: ConvStore, tmp_path: Path) -> None:
    store.ingest([folder_of(tmp_path / "in", count=3)])
    paths = [store.get(f"talk-{number}").conversation.file_path for number in range(3)]
    cut = store.files.get(paths[1])[:-9]
    store.files.delete(paths[:2])
    store.files.put(paths[1], cut)
    report = saved(store, tmp_path)
    assert (report.manifest.missing, report.manifest.damaged) == ((paths[0],), (paths[1],))
    assert not report.is_complete


def test_people_work_while_it_is_saved(
    store: ConvStore, new_settings: NewSettings, open_resources: OpenResources, tmp_path: Path
) -> None:
    store.ingest([folder_of(tmp_path / "in", count=60)])
    stop = threading.Event()
    rounds: list[int] = []

    def replace() -> None:
        while not stop.is_set():
            for number in range(0, 60, 7):
                conversation(tmp_path / "in" / f"talk-{number}.json", f"talk-{number}", f"round {len(rounds)}")
            store.ingest([tmp_path / "in"], on_conflict="replace")
            rounds.append(1)

    worker = threading.Thread(target=replace)
    worker.start()
    try:
        while not rounds:
            stop.wait(0.05)
        reports = [saved(store, tmp_path / f"{number}.tar") for number in range(3)]
    finally:
        stop.set()
        worker.join()
    assert all(report.is_complete for report in reports)
    resources = open_resources(new_settings())
    restore(resources.database, resources.files, reports[-1].path)
    restored = ConvStore.for_operator(resources)
    assert restored.verify().is_clean
    found = restored.reconcile()
    assert (found.missing, found.damaged, found.drifted) == ([], [], [])
