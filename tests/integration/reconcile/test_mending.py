"""Missing and damaged files: written again where something proves what they held, else lost in plain words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from convstore.core import ConvStore
from convstore.files import unpack
from convstore.formats import parse
from convstore.model import Filter, ParsedFile
from convstore.quarantine import read
from tests.integration.conversations import conversation, folder_of


@pytest.fixture
def filled(store: ConvStore, tmp_path: Path) -> ConvStore:
    store.ingest([folder_of(tmp_path / "in", count=3)])
    return store


def path_of(store: ConvStore, identifier: str) -> str:
    return store.get(identifier).conversation.file_path


def put_instead(store: ConvStore, identifier: str, damaged: bytes) -> str:
    path = path_of(store, identifier)
    store.files.delete([path])
    store.files.put(path, damaged)
    return path


def assert_in_order(store: ConvStore) -> None:
    assert store.reconcile().is_clean
    assert store.verify().is_clean


def change_a_turn(store: ConvStore, identifier: str) -> None:
    with store.database.admin() as connection:
        connection.execute(
            "UPDATE conversation_turns SET content = 'changed' WHERE turn_number = 2 AND conversation_id = %s",
            [store.get(identifier).conversation.id],
        )


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed + b"and more",
        lambda packed: packed[:-8] + b"\0" * 8,  # a checksum that is wrong
        unpack,  # unpacked in place
        lambda packed: gzip.compress(unpack(packed), compresslevel=1, mtime=7)[:-6],
    ],
    ids=["longer", "checksum", "unpacked", "cut"],
)
def test_bytes_that_still_prove_themselves_are_put_in_order(
    filled: ConvStore, damage: Callable[[bytes], bytes]
) -> None:
    whole = filled.files.get(path_of(filled, "talk-0"))
    path = put_instead(filled, "talk-0", damage(whole))
    [entry] = filled.reconcile(repair=True).damaged
    assert entry["repair"] == "file written again from its own bytes"
    assert filled.files.get(path) == whole
    assert_in_order(filled)


def test_a_repair_that_was_cut_between_taking_away_and_putting_has_left_a_copy(filled: ConvStore) -> None:
    whole = filled.files.get(path_of(filled, "talk-0"))
    path = path_of(filled, "talk-0")
    filled.files.delete([path])
    filled.files.put(f"{path}.again", whole)
    change_a_turn(filled, "talk-0")
    report = filled.reconcile(repair=True)
    assert [entry["repair"] for entry in report.missing] == ["file written again from its own bytes"]
    assert filled.files.get(path) == whole
    assert len(filled.files.list()) == 3
    assert [entry["repair"] for entry in filled.reconcile(repair=True).drifted] == ["rows derived again"]
    assert_in_order(filled)


@pytest.mark.parametrize("damaged", [None, b"nothing of it left"], ids=["missing", "damaged"])
def test_rows_that_prove_the_turns_make_the_file_again(filled: ConvStore, damaged: bytes | None) -> None:
    filled.review(["talk-0"], status="approved", scores={"quality": 4.5}, as_review=True)
    before = filled.get("talk-0")
    filled.files.delete([path_of(filled, "talk-0")])
    if damaged is not None:
        filled.files.put(path_of(filled, "talk-0"), damaged)
    report = filled.reconcile(repair=True)
    assert [entry["repair"] for entry in (*report.missing, *report.damaged)] == ["file written again from the rows"]
    assert report.is_clean
    assert_in_order(filled)
    after = filled.get("talk-0")
    assert (after.turns, after.reviews) == (before.turns, before.reviews)
    assert (after.conversation.status, after.conversation.format) == ("approved", before.conversation.format)
    again = parse(filled.document("talk-0"), name="any.json")
    assert isinstance(again, ParsedFile)
    assert again.family == "convstore"
    kept = filled.quarantined()
    assert [file.code for file in kept] == ([] if damaged is None else ["ERR_FILE_DAMAGED"])
    if damaged is not None:
        assert read(filled.database, filled.files, filled.actor, sha256=kept[0].sha256) == damaged
    # Once more, when the file is one that was made from rows already.
    filled.files.delete([path_of(filled, "talk-0")])
    assert filled.reconcile(repair=True).is_clean
    assert_in_order(filled)


def test_any_conversation_of_the_demonstration_set_is_made_again(demo_store: ConvStore) -> None:
    chosen = [row.conversation_id for row in demo_store.search(Filter(), limit=25).items]
    before = {identifier: demo_store.get(identifier) for identifier in chosen}
    demo_store.files.delete([detail.conversation.file_path for detail in before.values()])
    report = demo_store.reconcile(repair=True)
    assert {entry["repair"] for entry in report.missing} == {"file written again from the rows"}
    assert_in_order(demo_store)
    for identifier, detail in before.items():
        after = demo_store.get(identifier)
        assert (after.turns, after.extra, after.system_prompt) == (detail.turns, detail.extra, detail.system_prompt)
        assert after.conversation.finding_codes == detail.conversation.finding_codes


def test_what_nothing_proves_is_lost_once_and_comes_back_with_the_original(filled: ConvStore, tmp_path: Path) -> None:
    path = put_instead(filled, "talk-0", b"nothing of it left")
    change_a_turn(filled, "talk-0")
    report = filled.reconcile(repair=True)
    [entry] = report.damaged
    assert (entry["repair"], report.is_clean) == (None, False)
    assert entry["reason"].startswith("lost: neither the file of talk-0 nor its rows prove")
    assert filled.reconcile(repair=True).as_dict() == {
        "missing": [], "damaged": [], "orphans": [], "drifted": [], "repaired": 0,
    }  # fmt: skip
    assert filled.verify().is_clean
    assert filled.count() == (2, True), "it is in the trash"
    assert filled.get("talk-0").conversation.processing_status == "failed"
    files = {file.sha256: file for file in filled.quarantined()}
    assert {(file.file, file.code) for file in files.values()} == {(path, "ERR_FILE_LOST")}
    left = [read(filled.database, filled.files, filled.actor, sha256=sha256) for sha256 in files]
    assert b"nothing of it left" in left
    [rows] = [orjson.loads(data) for data in left if data and data.startswith(b"{")]
    assert [turn["content"] for turn in rows["turns"]][1] == "changed"

    assert filled.ingest([tmp_path / "in" / "talk-0.json"]).totals["replaced"] == 1
    assert filled.count() == (3, True)
    assert filled.get("talk-0").turns[1].content != "changed"
    assert filled.get("talk-0").conversation.processing_status == "completed"
    assert_in_order(filled)


def test_files_of_the_archive_and_of_releases(filled: ConvStore, tmp_path: Path) -> None:
    filled.review(["talk-2"], status="approved")
    filled.export("messages", tmp_path / "out.jsonl", Filter(statuses=("approved",)), name="first")
    released = path_of(filled, "talk-2")
    filled.ingest([conversation(tmp_path / "new.json", "talk-2", "another question")], on_conflict="replace")
    with filled.database.admin() as connection:
        connection.execute(
            "UPDATE conversations SET created_at = now() - interval '13 months' WHERE conversation_id <> 'talk-2'"
        )
    archived = [path_of(filled, f"talk-{number}") for number in (0, 1)]
    turns = filled.get("talk-0").turns
    filled.archive()
    with filled.database.admin() as connection:
        connection.execute(
            "UPDATE conversations_archive SET turns = jsonb_set(turns, '{1,content}', '\"x\"')"
            " WHERE conversation_id = 'talk-1'"
        )
    filled.files.delete([released, *archived])
    report = filled.reconcile(repair=True)
    assert {entry["conversation_id"]: entry["repair"] for entry in report.missing} == {
        "talk-0": "file written again from the rows", "talk-1": None, "talk-2": None,
    }  # fmt: skip
    assert_in_order(filled)
    filled.restore(["talk-0"])
    assert filled.get("talk-0").turns == turns
    assert_in_order(filled)
