"""A sealed release can be shown, checked, compared and written again, whatever became of its conversations."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.errors import DatabaseError, InvalidInputError, NotFoundError, RefusedError
from convstore.files import unpack
from convstore.files.store import MAX_OBJECT_BYTES
from convstore.model import Filter
from convstore.release.delivering import files_of, iter_zip
from convstore.release.manifest import read_manifest

APPROVED = Filter(statuses=("approved",))


def replace_a_conversation(store: ConvStore, identifier: str, folder: Path) -> None:
    """Give a conversation other turns by importing its own document with a word changed."""
    changed = store.document(identifier).replace(b" the ", b" that very ")
    folder.mkdir(exist_ok=True)
    (folder / "changed.json").write_bytes(changed)
    report = store.ingest([folder / "changed.json"], on_conflict="replace")
    assert report.totals["replaced"] == 1


@pytest.mark.parametrize(("name", "path"), [("messages", "jsonl"), ("parquet", "parquet"), ("hf", "d"), ("csv", "csv")])
def test_the_same_bytes_after_everything_changed(demo_store: ConvStore, tmp_path: Path, name: str, path: str) -> None:
    first = demo_store.export(name, tmp_path / f"first.{path}", APPROVED, name="kept")
    ids = [item.public_id for item in demo_store.release_items("kept", limit=4)]
    replace_a_conversation(demo_store, ids[0], tmp_path / "in")
    demo_store.edit(ids[1], name="Another name", description="Another description")
    demo_store.delete([ids[2]])
    demo_store.review([ids[3]], status="archived")
    again = demo_store.export_release("kept", tmp_path / f"again.{path}")
    assert again.is_identical
    assert [info.sha256 for info in again.files if info.rows] == [info.sha256 for info in first.files if info.rows]
    assert read_manifest(again.manifest.path)["items"] == read_manifest(first.manifest.path)["items"]
    assert demo_store.verify_release("kept").is_clean


def test_what_is_gone_is_named(demo_store: ConvStore, tmp_path: Path) -> None:
    demo_store.export("messages", tmp_path / "first.jsonl", APPROVED, name="kept")
    item = demo_store.release_items("kept", limit=1)[0]
    replace_a_conversation(demo_store, item.public_id, tmp_path / "in")
    demo_store.files.delete([item.file_path])
    with pytest.raises(NotFoundError, match=item.public_id) as caught:
        demo_store.export_release("kept", tmp_path / "again.jsonl")
    assert caught.value.facts["gone"] == [
        {"conversation_id": item.public_id, "file_path": item.file_path, "reason": "its file is missing"}
    ]
    assert not (tmp_path / "again.jsonl").exists()
    check = demo_store.verify_release("kept")
    assert [(fault.conversation_id, fault.reason) for fault in check.items] == [(item.public_id, "its file is missing")]


def test_verify_looks_at_files_and_objects(demo_store: ConvStore, tmp_path: Path) -> None:
    out = tmp_path / "first.jsonl"
    demo_store.export("messages", out, APPROVED, name="kept")
    check = demo_store.verify_release("kept")
    assert (check.is_clean, check.files_checked) == (True, 2)
    assert check.items_checked == demo_store.get_release("kept").conversation_count
    moved = tmp_path / "moved" / "other.jsonl"
    moved.parent.mkdir()
    for suffix in ("", ".manifest.json"):
        out.with_name(out.name + suffix).rename(moved.with_name(moved.name + suffix))
    assert [fault.fault for fault in demo_store.verify_release("kept").files] == ["missing", "missing"]
    assert demo_store.verify_release("kept", path=moved).is_clean
    moved.write_bytes(moved.read_bytes().replace(b'"weight":1', b'"weight":0', 1))
    assert [(f.path, f.fault) for f in demo_store.verify_release("kept", path=moved).files] == [(moved, "changed")]


def test_a_diff_names_what_came_went_and_changed(demo_store: ConvStore, tmp_path: Path) -> None:
    rows = demo_store.search(APPROVED, sort="name", order="asc", limit=5).items
    ids = [row.conversation_id for row in rows]
    demo_store.export("messages", tmp_path / "a.jsonl", Filter(ids=tuple(ids[:4])), name="a")
    replace_a_conversation(demo_store, ids[1], tmp_path / "in")
    demo_store.review([ids[1]], status="approved", scores={"quality": 5})
    demo_store.export("messages", tmp_path / "b.jsonl", Filter(ids=tuple(ids[1:])), name="b")
    diff = demo_store.diff_releases("a", "b")
    assert (diff.of("added"), diff.of("removed"), diff.of("changed")) == ((ids[4],), (ids[0],), (ids[1],))
    assert dict(diff.counts) == {"added": 1, "removed": 1, "changed": 1, "kept": 2}
    assert diff.lengths["turns"].before == sum(row.turn_count for row in rows[:4]) / 4
    assert diff.scores["quality_score"].before != diff.scores["quality_score"].after
    persona = rows[0].persona_key
    if persona != rows[4].persona_key:
        shift = diff.coverage["persona"][persona or ""]
        assert (shift.before or 0) - (shift.after or 0) == 1
    assert json.loads(json.dumps(diff.as_dict()))["added"] == [ids[4]]


def test_sealed_rows_do_not_change(demo_store: ConvStore, tmp_path: Path) -> None:
    demo_store.export("messages", tmp_path / "a.jsonl", APPROVED, name="sealed")
    for statement in (
        "UPDATE releases SET name = 'other'",
        "DELETE FROM releases",
        "UPDATE release_items SET split = 'other'",
        "DELETE FROM release_items",
    ):
        with pytest.raises((InvalidInputError, DatabaseError), match="sealed"), demo_store.database.admin() as admin:
            admin.execute(statement)


def test_an_unfinished_release_is_not_exported_again(demo_store: ConvStore, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cancelled"):
        demo_store.export("messages", tmp_path / "a.jsonl", name="half", cancel=lambda: True)
    with pytest.raises(RefusedError, match="never went out"):
        demo_store.export_release("half", tmp_path / "b.jsonl")
    with pytest.raises(NotFoundError, match="nothing"):
        demo_store.verify_release("nothing")


def test_a_folder_leaves_as_one_zip(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("hf", tmp_path / "out" / "set", APPROVED)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(iter_zip(files_of(report)))))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == [
        "set.manifest.json",
        "set/README.md",
        "set/data/train-00000-of-00001.parquet",
    ]
    for name in archive.namelist():
        assert archive.read(name) == (tmp_path / "out" / name).read_bytes()


def test_the_file_store_takes_an_export(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("messages", tmp_path / "out.jsonl", APPROVED)
    delivered = demo_store.store_export(report)
    assert [file.name for file in delivered] == ["out.jsonl", "out.jsonl.manifest.json"]
    assert unpack(demo_store.files.get(delivered[0].path)) == (tmp_path / "out.jsonl").read_bytes()
    assert demo_store.reconcile().orphans == []
    # Noise, so that compression does not help.
    with (tmp_path / "out.jsonl").open("wb") as large, Path("/dev/urandom").open("rb") as noise:
        large.write(noise.read(MAX_OBJECT_BYTES + 1))
    with pytest.raises(InvalidInputError, match=r"out.jsonl has .* the file store takes 10,485,760"):
        demo_store.store_export(report)
