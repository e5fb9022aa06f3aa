"""Every outcome that a conversation and a file can have, in one file, across files, across batches and runs."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from convstore.core import ConvStore
from convstore.errors import UsageError
from convstore.ingest import IngestReport, OnConflict
from convstore.ingest import batches as batches_module
from tests.integration.conversations import conversation, document
from tests.integration.ingest.rows import counts, object_paths, rows, unsound

#: A conversation as rows of a file without ids.
_HELLO = {"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]}
_BYE = {"messages": [{"role": "user", "content": "Bye?"}, {"role": "assistant", "content": "Bye."}]}


_WITHIN_S = 60
_WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND relation = 'conversations'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def lines(*documents: object) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in documents)


def outcomes(report: IngestReport) -> list[tuple[str | None, str]]:
    return [(c.conversation_id, c.outcome) for file in report.files for c in file.conversations]


def ingest(store: ConvStore, files: dict[str, Any], **options: Any) -> IngestReport:
    uploads = {n: data if isinstance(data, bytes) else json.dumps(data).encode() for n, data in files.items()}
    return store.ingest_uploads(uploads, **options)


def test_new_conversations_are_stored_with_turns_file_findings_and_an_event(store: ConvStore) -> None:
    talk = document("talk")
    talk["messages"][-1]["content"] = "My card is 4111 1111 1111 1111, and then I \\"  # type: ignore[index]
    report = ingest(store, {"talk.json": talk})

    assert outcomes(report) == [("talk", "stored")]
    assert report.files[0].conversations[0].turns == 4
    assert report.is_clean
    detail = store.get("talk")
    assert [turn.turn_number for turn in detail.turns] == [1, 2, 3, 4]
    assert detail.conversation.status == "pending_review"
    assert detail.conversation.source_name == "talk.json"
    assert {finding.code for finding in detail.findings} >= {"truncated_reply"}
    assert [(event.action, event.note) for event in detail.events] == [("created", "import")]
    assert json.loads(store.document("talk")) == talk
    assert unsound(store) == []


def test_the_same_again_stores_nothing(store: ConvStore, tmp_path: Path) -> None:
    for number in range(3):
        conversation(tmp_path / "in" / f"{number}.json", f"talk-{number}")
    store.ingest([tmp_path / "in"])
    before, files = counts(store), object_paths(store.files)

    report = store.ingest([tmp_path / "in"])

    assert report.totals["unchanged"] == 3
    assert report.is_clean
    after = counts(store)
    unchanged = ("conversations", "conversation_turns", "findings", "quarantine")
    assert [after[name] for name in unchanged] == [before[name] for name in unchanged]
    assert len(store.get("talk-0").events) == 1
    assert object_paths(store.files) == files


@pytest.mark.parametrize(
    ("on_conflict", "outcome", "is_clean", "content"),
    [("fail", "conflict", False, "what"), ("skip", "skipped", True, "what"), ("replace", "replaced", True, "why")],
)
def test_other_turns_under_a_known_id(
    store: ConvStore, on_conflict: OnConflict, outcome: str, is_clean: bool, content: str
) -> None:
    ingest(store, {"first.json": document("talk", "what")})
    report = ingest(store, {"second.json": document("talk", "why")}, on_conflict=on_conflict)

    assert outcomes(report) == [("talk", outcome)]
    assert report.is_clean is is_clean
    assert report.files[0].conversations[0].turns == 4
    assert content in store.get("talk").turns[0].content
    assert unsound(store) == []
    assert len(object_paths(store.files)) == 1


def test_unknown_way_out_of_conflicts_is_refused(store: ConvStore) -> None:
    with pytest.raises(UsageError, match="overwrite"):
        ingest(store, {}, on_conflict="overwrite")


def test_the_same_id_twice_in_one_file(store: ConvStore) -> None:
    report = ingest(store, {"a.jsonl": lines(document("x"), document("x"), document("x", "other"), document("y"))})
    assert outcomes(report) == [("x", "stored"), ("x", "unchanged"), ("x", "conflict"), ("y", "stored")]


def test_replacing_within_one_file_keeps_the_last(store: ConvStore) -> None:
    report = ingest(
        store,
        {"a.jsonl": lines(document("x", "one"), document("x", "two"), document("x", "two"))},
        on_conflict="replace",
    )
    assert outcomes(report) == [("x", "stored"), ("x", "replaced"), ("x", "unchanged")]
    assert "two" in store.get("x").turns[0].content


def test_one_bad_conversation_does_not_fail_its_neighbours(store: ConvStore) -> None:
    bad = document("bad")
    bad["messages"][1]["content"] = "  "  # type: ignore[index]
    report = ingest(store, {"a.jsonl": lines(document("first"), bad, document("last"))})

    assert [outcome for _, outcome in outcomes(report)] == ["stored", "rejected", "stored"]
    refused = report.files[0].conversations[1]
    assert refused.path == "$[1].messages[1].content"
    assert refused.reason
    assert report.files[0].outcome == "accepted"
    assert not report.is_clean


def test_equal_turns_without_ids_are_one_conversation(store: ConvStore) -> None:
    report = ingest(store, {"a.jsonl": lines(_HELLO, _BYE, _HELLO), "b.json": _BYE, "c.json": document("c")})
    assert outcomes(report) == [
        ("a-1", "stored"),
        ("a-2", "stored"),
        ("a-1", "unchanged"),
        ("a-2", "unchanged"),
        ("c", "stored"),
    ]


def test_rows_without_ids_in_another_order_are_still_the_same(store: ConvStore) -> None:
    ingest(store, {"set.jsonl": lines(_HELLO, _BYE)})
    report = ingest(store, {"set.jsonl": lines(_BYE, _HELLO)})
    assert outcomes(report) == [("set-2", "unchanged"), ("set-1", "unchanged")]


def test_equal_turns_under_two_ids_of_their_own_are_two(store: ConvStore) -> None:
    one, two = {**_HELLO, "conversation_id": "one"}, {**_HELLO, "conversation_id": "two"}
    report = ingest(store, {"a.jsonl": lines(one, two), "b.json": _HELLO})
    assert outcomes(report)[:2] == [("one", "stored"), ("two", "stored")]
    assert outcomes(report)[2][1] == "unchanged"


def test_what_is_in_the_trash_stays_there_and_is_said(store: ConvStore) -> None:
    ingest(store, {"a.json": document("talk")})
    store.delete(["talk"])
    report = ingest(store, {"a.json": document("talk"), "b.json": document("talk", "other")})

    assert [outcome for _, outcome in outcomes(report)] == ["unchanged", "conflict"]
    for file in report.files:
        [warning] = [w for w in file.conversations[0].warnings if w["code"] == "in_trash"]
        assert "convstore restore talk" in warning["message"]
    assert store.count() == (0, True)


@pytest.mark.parametrize("on_conflict", ["fail", "skip", "replace"])
def test_a_dry_run_decides_the_same_and_writes_nothing(store: ConvStore, on_conflict: OnConflict) -> None:
    ingest(store, {"old.jsonl": lines(document("old"), document("other"), _BYE)})
    files = {
        "a.jsonl": lines(document("old"), document("other", "changed"), document("new"), document("new"), _HELLO),
        "b.jsonl": lines(document("new", "changed"), document("new", "changed"), _HELLO, _BYE, document("other")),
        "c.json": b"{",
        "d.json": b"",
        "e.jsonl": lines(document("other", "changed"), {"messages": []}),
    }
    before, objects = counts(store), object_paths(store.files)
    rehearsed = ingest(store, files, on_conflict=on_conflict, dry_run=True)
    assert counts(store) == before
    assert object_paths(store.files) == objects

    done = ingest(store, files, on_conflict=on_conflict)

    assert rehearsed == done
    assert rehearsed.totals == done.totals
    assert unsound(store) == []


def test_many_batches_of_one_file(store: ConvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "BATCH_CONVERSATIONS", 3)
    documents = [document(f"talk-{number % 8}", "what" if number < 8 else "why", turns=2) for number in range(16)]
    report = ingest(store, {"all.jsonl": lines(*documents)}, on_conflict="replace")
    assert [outcome for _, outcome in outcomes(report)] == ["stored"] * 8 + ["replaced"] * 8
    assert unsound(store) == []


def test_what_comes_later_sees_what_came_before_though_batches_overlap(
    store: ConvStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "BATCH_CONVERSATIONS", 2)
    documents = [document(f"talk-{number % 3}", f"version {number // 3}", turns=2) for number in range(24)]
    report = ingest(store, {"all.jsonl": lines(*documents)}, on_conflict="replace")
    assert [outcome for _, outcome in outcomes(report)] == ["stored"] * 3 + ["replaced"] * 21
    assert all("version 7" in store.get(f"talk-{number}").turns[0].content for number in range(3))


@pytest.mark.parametrize(("names", "under_way"), [(("a", "b", "c", "d"), 2), (("a", "b", "a", "b"), 1)])
def test_a_batch_waits_for_one_that_holds_the_same_conversation(
    store: ConvStore, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], under_way: int
) -> None:
    monkeypatch.setattr(batches_module, "BATCH_CONVERSATIONS", 2)
    documents = [document(name, f"text {number}", turns=2) for number, name in enumerate(names)]
    with store.database.admin() as holder, ThreadPoolExecutor(1) as thread:
        holder.execute("LOCK TABLE conversations IN SHARE MODE")
        running = thread.submit(ingest, store, {"all.jsonl": lines(*documents)}, on_conflict="replace")
        most, until = 0, time.monotonic() + _WITHIN_S
        while time.monotonic() < until:
            (waiting,) = holder.execute(_WAITING).fetchone() or (0,)
            if waiting and not most:
                # Whoever is to come beside the first comes at once.
                until = time.monotonic() + (_WITHIN_S if under_way > 1 else 2)
            most = max(most, waiting)
            if most > 1:
                break
            time.sleep(0.02)
        holder.rollback()
        report = running.result(_WITHIN_S)
    assert most == under_way
    assert {outcome for _, outcome in outcomes(report)} == ({"stored"} if under_way > 1 else {"stored", "replaced"})


def test_the_run_is_recorded_with_every_file(store: ConvStore) -> None:
    report = ingest(store, {"a.json": document("a"), "b.json": b"{]"}, on_conflict="skip")
    [(on_conflict, totals, finished)] = rows(store, "SELECT on_conflict, totals, finished_at FROM ingest_runs")
    assert (on_conflict, totals) == ("skip", report.totals)
    assert finished is not None
    items = rows(store, "SELECT file, outcome, processing_status, report FROM ingest_items ORDER BY position")
    assert [item[:3] for item in items] == [("a.json", "accepted", "completed"), ("b.json", "rejected", "failed")]
    assert items[0][3]["conversations"][0]["conversation_id"] == "a"
    assert items[1][3]["line"] == 1


def test_folders_globs_and_files_are_read_in_the_order_of_their_paths(store: ConvStore, tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a.json", "c/.hidden.json", "c/.git/x.json", "z.txt"):
        conversation(tmp_path / "in" / name, name.replace("/", "-"))
    folder = tmp_path / "in"
    report = store.ingest([folder / "z.txt", folder, str(folder / "b" / "*.json"), folder / "a.json"])
    assert [file.file for file in report.files] == ["a.json", "1.json", "2.json", "z.txt"]


def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_stored(store: ConvStore, tmp_path: Path) -> None:
    from convstore.ingest import ingest as run
    from convstore.sources import FileSource

    gone = FileSource(tmp_path / "gone.json")
    there = FileSource(conversation(tmp_path / "there.json", "there"))
    report = run(store.database, store.files, store.actor, [gone, there], max_file_bytes=10_000)
    assert [file.outcome for file in report.files] == ["rejected", "accepted"]
    assert report.files[0].code == "ERR_FILE_UNREADABLE"
    assert "No such file" in (report.files[0].reason or "")


def test_names_that_are_no_text_are_shown_and_stored_as_well_as_can_be(store: ConvStore, tmp_path: Path) -> None:
    conversation(tmp_path / "in" / "caf\udce9.json", "coffee")
    report = store.ingest([tmp_path / "in"])
    assert report.totals["stored"] == 1
    assert store.get("coffee").conversation.source_name == report.files[0].file
    report.files[0].file.encode()


def test_a_viewer_is_told_in_words(store: ConvStore) -> None:
    from dataclasses import replace

    from convstore.errors import ForbiddenError

    viewer = ConvStore(store.resources, replace(store.actor, role="viewer"))
    with pytest.raises(ForbiddenError, match="takes the role reviewer"):
        ingest(viewer, {"a.json": document("a")})
