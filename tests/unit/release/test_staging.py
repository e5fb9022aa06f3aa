"""A file appears whole or not at all, whatever happens."""

from __future__ import annotations

import hashlib
import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convstore.errors import ConflictError, RefusedError, UsageError
from convstore.release.formats import FORMATS, writer_for
from convstore.release.manifest import ManifestHead, ManifestWriter, check_files, read_manifest
from convstore.release.rows import ReleaseRow
from convstore.release.staging import manifest_path
from tests.unit.release.made import MakeRow

ENDLESS_EXPORT = """
import dataclasses, os, pickle, sys
from pathlib import Path
from convstore.queries.turn_columns import TurnColumns
from convstore.release.formats import writer_for
row = pickle.loads(sys.stdin.buffer.read())
splits = ("train",) if sys.argv[3] == "folder" else ()
writer = writer_for(sys.argv[1], Path(sys.argv[2]), splits=splits)
def noisy():
    turns = [dataclasses.replace(turn, content=os.urandom(200).hex()) for turn in row.turns]
    return dataclasses.replace(row, split="train", columns=TurnColumns.of(turns))
rows = [noisy() for _ in range(100)]
print("ready", flush=True)
while True:
    writer.write_batch(rows)
"""


@pytest.mark.parametrize(
    ("format_name", "shape"), [("messages", "file"), ("brightrun-v4", "folder"), ("parquet", "folder")]
)
def test_a_killed_export_leaves_nothing_under_its_name_and_the_next_one_completes(
    format_name: str, shape: str, tmp_path: Path, make_row: MakeRow
) -> None:
    target = tmp_path / "out"
    command = [sys.executable, "-c", ENDLESS_EXPORT, format_name, str(target), shape]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(pickle.dumps(make_row()))
        process.stdin.close()
        assert process.stdout.readline() == b"ready\n"
        while sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 100_000:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    writer = writer_for(format_name, target)
    writer.write(make_row())
    writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_has_its_name_before_the_end(tmp_path: Path, make_row: MakeRow) -> None:
    writer = writer_for("sharegpt", tmp_path / "out.jsonl")
    writer.write(make_row())
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == [".out.jsonl.partial"]
    writer.publish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.dataset_info.json"]


def test_two_exports_do_not_share_a_target(tmp_path: Path) -> None:
    first = writer_for("messages", tmp_path / "out")
    with pytest.raises(ConflictError, match="Another export"):
        writer_for("messages", tmp_path / "out")
    first.abort()
    writer_for("messages", tmp_path / "out").finish()
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_existing_target_is_refused_without_force(format_name: str, tmp_path: Path, make_row: MakeRow) -> None:
    target = tmp_path / "out.parquet"
    for force in (False, True):
        writer = writer_for(format_name, target, force=force)
        manifest = ManifestWriter(writer.staging)
        row = make_row()
        manifest.add([row], [writer.write(row)])
        manifest.write(ManifestHead(format=format_name, exporter="test"), writer.close())
        writer.publish()
        assert check_files(manifest_path(target)) == []
        with pytest.raises(RefusedError, match="exists"):
            writer_for(format_name, target)
    assert not list(tmp_path.glob(".*"))


def test_force_never_removes_a_folder_that_is_no_export(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years")
    with pytest.raises(RefusedError, match="not an earlier export"):
        writer_for("hf", folder, force=True)
    assert (folder / "thesis.txt").read_text() == "years"
    with pytest.raises(RefusedError, match="is not a file"):
        writer_for("messages", folder, force=True)


def test_an_unknown_format_and_an_unknown_split_are_usage_errors(tmp_path: Path, make_row: MakeRow) -> None:
    with pytest.raises(UsageError, match="Unknown format 'xml'"):
        writer_for("xml", tmp_path / "out")
    with (
        writer_for("messages", tmp_path / "out", splits=("train", "test")) as writer,
        pytest.raises(UsageError, match="'validation' has no file; the splits are train, test"),
    ):
        writer.write(make_row(split="validation"))


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_same_rows_give_the_same_bytes(format_name: str, tmp_path: Path, rows: list[ReleaseRow]) -> None:
    written = []
    for name in ("one", "two"):
        target = tmp_path / name / "out.parquet"
        writer = writer_for(format_name, target)
        manifest = ManifestWriter(writer.staging)
        manifest.add(rows, writer.write_batch(rows))
        files = writer.close()
        manifest.write(ManifestHead(format=format_name, exporter="1.0", seed=3), files)
        writer.publish()
        written.append(
            {str(p.relative_to(target.parent)): p.read_bytes() for p in target.parent.rglob("*.*") if p.is_file()}
        )
    assert written[0] == written[1]


def test_the_manifest_accounts_for_files_and_rows(tmp_path: Path, make_row: MakeRow) -> None:
    target = tmp_path / "set"
    writer = writer_for("messages", target, splits=("train", "validation"))
    manifest = ManifestWriter(writer.staging)
    rows = [make_row(1, split="train"), make_row(2, split="validation"), make_row(3, split="train")]
    manifest.add(rows, writer.write_batch(rows))
    left_out = [{"conversation_id": "c", "rule": "no-reply"}]
    manifest.write(ManifestHead(format="messages", exporter="1.0", left_out=left_out), writer.close())
    writer.publish()
    described = read_manifest(manifest_path(target))
    assert described["counts"] == {
        "conversations": 3,
        "rows": 3,
        "splits": {"train": 2, "validation": 1},
        "left_out": 1,
    }
    assert [(file["path"], file["rows"]) for file in described["files"]] == [
        ("set/train.jsonl", 2),
        ("set/validation.jsonl", 1),
    ]
    lines = (target / "train.jsonl").read_bytes().splitlines(keepends=True)
    items = [item for item in described["items"] if item["split"] == "train"]
    assert [item["row_sha256"] for item in items] == [hashlib.sha256(line).hexdigest() for line in lines]
    assert items[0]["turns_sha256"] == rows[0].conversation.turns_sha256
    with (target / "train.jsonl").open("ab") as file:
        file.write(b"\n")
    (target / "validation.jsonl").unlink()
    faults = check_files(manifest_path(target))
    assert [(fault.path.name, fault.fault) for fault in faults] == [
        ("train.jsonl", "changed"),
        ("validation.jsonl", "missing"),
    ]


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.manifest.json").write_text(json.dumps({"files": []}))
    with pytest.raises(RefusedError, match="no manifest of version 1"):
        read_manifest(tmp_path / "a.manifest.json")
    with pytest.raises(RefusedError, match="There is no manifest"):
        read_manifest(tmp_path / "b.manifest.json")


def test_a_target_in_a_folder_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("x")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        writer_for("messages", blocker / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
