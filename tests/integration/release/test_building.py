"""A slice of a real store becomes files and a sealed release, or nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from psycopg import sql

from convstore.core import ConvStore
from convstore.database import Context, driver
from convstore.errors import ConflictError, InvalidInputError, RefusedError
from convstore.model import Filter
from convstore.queries import turn_columns
from convstore.queries.export_rows import iter_batches
from convstore.release.manifest import check_files, read_manifest
from convstore.release.rows import ReleaseOptions
from convstore.release.selection import SliceRules, SplitPlan

APPROVED = Filter(statuses=("approved",))


@pytest.mark.parametrize(
    ("name", "path"),
    [("messages", "out.jsonl"), ("brightrun-v4", "out.json"), ("parquet", "out.parquet"), ("hf", "out")],
)
def test_an_export_is_a_sealed_release(demo_store: ConvStore, tmp_path: Path, name: str, path: str) -> None:
    out = tmp_path / path
    report = demo_store.export(name, out, APPROVED)
    release = demo_store.get_release(str(report.release))
    manifest = read_manifest(report.manifest.path)
    items = demo_store.release_items(str(report.release), limit=1000)
    assert (release.status, release.format, release.filter) == ("sealed", name, {"statuses": ["approved"]})
    assert report.conversations == release.conversation_count == len(items) == len(manifest["items"])
    assert report.conversations + len(report.left_out) == demo_store.count(APPROVED)[0]
    assert [item.public_id for item in items] == [entry["conversation_id"] for entry in manifest["items"]]
    assert check_files(report.manifest.path) == []
    assert manifest["release"] == str(report.release)


def test_large_conversations_are_not_read_all_at_once(demo_store: ConvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    # More than 1 GB in one answer is refused by PostgreSQL.
    def read() -> tuple[int, int, list[tuple[str, ...]]]:
        actor = demo_store.actor
        with demo_store.database.transaction(Context.of(actor), read_only=True, snapshot=True) as connection:
            batches = list(iter_batches(connection, (), actor.workspace_id, size=500))
        found = [item for batch in batches for item in batch]
        stretches = turn_columns.merged(item.turns for item in found)
        return len(found), len(stretches), [tuple(item.turns.contents) for item in found]

    conversations, stretches, texts = read()
    assert (conversations, stretches) == (demo_store.count(Filter())[0], 1)
    monkeypatch.setattr(turn_columns, "_MOST_BYTES", 1)
    assert read() == (conversations, conversations, texts)


def test_the_report_has_the_shape_that_commands_print(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("messages", tmp_path / "out.jsonl").as_dict()
    assert list(report) == ["release", "format", "files", "conversations", "left_out"]
    assert [list(file) for file in report["files"]] == [["path", "sha256", "rows", "bytes"]]
    assert all(list(item) == ["conversation_id", "rule"] for item in report["left_out"])
    assert json.loads(json.dumps(report)) == report


def test_a_release_counts_with_its_conversations(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("messages", tmp_path / "a.jsonl", APPROVED, name="first")
    demo_store.export_release("first", tmp_path / "b.jsonl")
    identifier = demo_store.release_items("first", limit=1)[0].public_id
    row = demo_store.get(identifier).conversation
    assert (row.usage_count, row.export_count) == (1, 2)
    assert row.last_exported_at is not None
    uses = demo_store.releases_of(identifier)
    assert [(use.id, use.name, use.turns_sha256) for use in uses] == [(report.release, "first", row.turns_sha256)]
    untouched = demo_store.search(Filter(statuses=("rejected",)), limit=1).items[0]
    assert (untouched.usage_count, untouched.export_count, untouched.last_exported_at) == (0, 0, None)
    assert demo_store.releases_of(untouched.conversation_id) == ()


def test_a_name_is_given_once(demo_store: ConvStore, tmp_path: Path) -> None:
    demo_store.export("messages", tmp_path / "a.jsonl", name="spring")
    with pytest.raises(ConflictError, match="spring") as caught:
        demo_store.export("messages", tmp_path / "b.jsonl", name="spring")
    assert "release export" in caught.value.hint
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_file()] == [
        "a.jsonl",
        "a.jsonl.manifest.json",
    ]


def test_an_existing_path_is_refused_before_anything_is_recorded(demo_store: ConvStore, tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    out.write_text("mine")
    with pytest.raises(RefusedError, match="exists"):
        demo_store.export("messages", out)
    assert (out.read_text(), demo_store.list_releases()) == ("mine", ())
    demo_store.export("messages", out, force=True)
    assert out.read_text() != "mine"


def test_lint_drops_counts_or_fails(demo_store: ConvStore, tmp_path: Path) -> None:
    everything = demo_store.count()[0]
    # A prompt without a reply is what only keeping the trailing user message makes.
    asked = ReleaseOptions(keep_trailing_user=True)
    dropped = demo_store.export("prompt-completion", tmp_path / "d.jsonl", options=asked)
    assert dropped.left_out
    assert {item.rule for item in dropped.left_out} == {"trailing-user"}
    assert dropped.conversations + len(dropped.left_out) == everything
    lint = dropped.summary["lint"]
    assert (lint["passed"], lint["failed"]) == (dropped.conversations, len(dropped.left_out))
    kept = demo_store.export("prompt-completion", tmp_path / "k.jsonl", options=asked, lint="keep")
    assert (kept.conversations, kept.left_out) == (everything, ())
    with pytest.raises(InvalidInputError) as caught:
        demo_store.export("prompt-completion", tmp_path / "f.jsonl", options=asked, lint="fail", name="strict")
    assert caught.value.facts["failed"] == len(dropped.left_out)
    (first, *_) = cast("list[dict[str, object]]", caught.value.facts["first"])
    assert {"conversation_id", "rule", "severity", "turn_number", "what", "fix"} == set(first)
    assert f"{first['conversation_id']}, message {first['turn_number']} (trailing-user)" in caught.value.message
    assert str(first["fix"]) in caught.value.hint
    assert [one["severity"] for one in kept.summary["lint"]["first"]] == ["error"] * 3
    assert not (tmp_path / "f.jsonl").exists()
    assert demo_store.get_release("strict").status == "failed"
    demo_store.export("prompt-completion", tmp_path / "f.jsonl", lint="fail", name="strict")


def test_archival_formats_keep_what_ends_on_a_user(demo_store: ConvStore, tmp_path: Path) -> None:
    report = demo_store.export("parquet", tmp_path / "all.parquet")
    assert (report.conversations, report.left_out) == (demo_store.count()[0], ())
    trained = demo_store.export("messages", tmp_path / "all.jsonl")
    assert trained.summary["lint"]["trailing_user_dropped"] > 0


def test_rules_thin_out_and_say_whom(demo_store: ConvStore, tmp_path: Path) -> None:
    rules = SliceRules(min_score=Decimal(3), most_per_cell=2, best_of_duplicates=True, sample=20)
    report = demo_store.export("messages", tmp_path / "r.jsonl", rules=rules, seed=7, name="ruled")
    items = demo_store.release_items("ruled", limit=1000)
    assert report.conversations == len(items) == 20
    assert {item.rule for item in report.left_out} >= {"min-score", "most-per-cell"}
    assert all(float(item.state.get("human_quality_score") or item.state["quality_score"]) >= 3 for item in items)
    cells = [tuple(item.state.get(key) for key in ("persona_key", "emotional_arc_key", "topic_key")) for item in items]
    assert max(cells.count(cell) for cell in cells) <= 2
    again = demo_store.export("messages", tmp_path / "s.jsonl", rules=rules, seed=7)
    other = demo_store.export("messages", tmp_path / "t.jsonl", rules=rules, seed=8)
    assert again.files[0].sha256 == report.files[0].sha256 != other.files[0].sha256


def test_splits_hold_every_conversation_once(demo_store: ConvStore, tmp_path: Path) -> None:
    held = demo_store.search(APPROVED, sort="name", order="asc", limit=1).items[0].conversation_id
    plan = SplitPlan(
        shares={"train": Decimal("0.8"), "test": Decimal("0.2")}, stratify_by=("persona",), held_out={held: "test"}
    )
    report = demo_store.export("messages", tmp_path / "split", APPROVED, plan=plan, seed=3)
    assert sorted(info.path.name for info in report.files) == ["test.jsonl", "train.jsonl"]
    items = demo_store.release_items(str(report.release), limit=1000)
    by_split = {name: [i for i in items if i.split == name] for name in ("train", "test")}
    assert {name: len(members) for name, members in by_split.items()} == report.summary["splits"]
    assert abs(len(by_split["test"]) / len(items) - 0.2) < 0.05
    assert held in [item.public_id for item in by_split["test"]]
    assert report.summary["leakage"]["held_out"] == len(by_split["test"])


def test_excluded_messages_carry_weight_nought(demo_store: ConvStore, tmp_path: Path) -> None:
    row = demo_store.search(APPROVED, limit=1).items[0]
    insert = sql.SQL(
        "INSERT INTO turn_exclusions (workspace_id, conversation_id, turn_number, turns_sha256, excluded_by)"
        " VALUES (%s, %s, %s, %s, %s)"
    )
    with demo_store.database.transaction(Context.of(demo_store.actor)) as connection:
        for number, digest in ((2, row.turns_sha256), (4, "of turns that were replaced since")):
            driver(connection).execute(
                insert, [demo_store.actor.workspace_id, row.id, number, digest, demo_store.actor.user_id]
            )
    demo_store.export("messages", tmp_path / "w.jsonl", Filter(ids=(row.conversation_id,)))
    (record,) = [json.loads(line) for line in (tmp_path / "w.jsonl").read_text().splitlines()]
    weights = [message["weight"] for message in record["messages"] if message["role"] == "assistant"]
    assert weights == [0] + [1] * (len(weights) - 1)


def test_a_cancelled_export_leaves_nothing(demo_store: ConvStore, tmp_path: Path) -> None:
    seen: list[str] = []
    with pytest.raises(RefusedError, match="cancelled"):
        demo_store.export(
            "messages",
            tmp_path / "c.jsonl",
            name="given up",
            progress=lambda done, total, what: seen.append(what),
            cancel=lambda: "writing" in seen,
        )
    assert list(tmp_path.glob("*c.jsonl*")) == []
    assert demo_store.get_release("given up").status == "failed"
    demo_store.export("messages", tmp_path / "c.jsonl", name="given up")


def test_a_preview_promises_what_the_export_keeps(demo_store: ConvStore, tmp_path: Path) -> None:
    rules = SliceRules(most_per_cell=3)
    preview = demo_store.preview_release("messages", APPROVED, rules=rules, seed=1)
    report = demo_store.export("messages", tmp_path / "p.jsonl", APPROVED, rules=rules, seed=1)
    assert (preview.conversations, preview.left_out) == (report.conversations, report.left_out)
    for name in ("estimated_tokens", "lint", "left_out"):
        assert preview.summary[name] == report.summary[name]
    assert preview.summary["composition"]["persona"] == report.summary["composition"]["persona"]
    written = (tmp_path / "p.jsonl").read_text().splitlines()
    assert [json.loads(text) for text in preview.samples] == [json.loads(line) for line in written[:3]]
    assert preview.heaviest[0][1].learned_replies >= preview.heaviest[-1][1].learned_replies
    quick = demo_store.preview_release("messages", APPROVED, rules=rules, seed=1, read_texts=False)
    assert quick.conversations == preview.conversations
    assert len(demo_store.list_releases()) == 1


@pytest.mark.parametrize("name", ["brightrun-v4", "csv", "parquet"])
def test_a_preview_shows_rows_of_archival_formats(demo_store: ConvStore, name: str) -> None:
    (first, *_) = demo_store.preview_release(name, APPROVED, read_texts=False).samples
    assert "conversation_id" in first
