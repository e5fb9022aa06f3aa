"""What goes out, and accounting for it later, at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.settings import Settings
from tests.acceptance.command_line import CommandLine
from tests.integration.conversations import folder_of


@pytest.fixture
def convstore(settings: Settings, store: ConvStore, tmp_path: Path) -> CommandLine:
    store.ingest([folder_of(tmp_path / "in", count=3)])
    return CommandLine(settings)


def test_a_release_is_made_listed_verified_and_made_again(convstore: CommandLine, tmp_path: Path) -> None:
    out, again = tmp_path / "train.jsonl", tmp_path / "again.jsonl"
    made = convstore("export", "--format", "messages", "--out", str(out), "--name", "first", "--json")
    assert made.status == 0
    assert set(made.document) == {"release", "format", "files", "conversations", "left_out"}
    assert [set(file) for file in made.document["files"]] == [{"path", "sha256", "rows", "bytes"}]
    assert made.document["conversations"] == len(out.read_text().splitlines())

    listed = convstore("release", "list", "--json").document["items"]
    assert [(one["id"], one["name"], one["status"]) for one in listed] == [
        (made.document["release"], "first", "sealed")
    ]
    assert (
        convstore("release", "show", "first", "--json").document["files"][0]["sha256"]
        == made.document["files"][0]["sha256"]
    )
    assert convstore("release", "verify", "first", "--json").status == 0

    assert convstore("release", "export", "first", "--out", str(again), "--json").status == 0
    assert again.read_bytes() == out.read_bytes()

    out.write_bytes(out.read_bytes() + b"\n")
    damaged = convstore("release", "verify", "first", "--json")
    assert damaged.status == 1
    assert damaged.document["files"][0]["path"] == str(out)


def test_an_existing_path_is_refused_without_force(convstore: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "train.jsonl"
    out.write_text("mine\n")
    refused = convstore("export", "--format", "messages", "--out", str(out), "--json")
    assert refused.status in (1, 2)
    assert refused.document["error"]["hint"]
    assert out.read_text() == "mine\n"
    assert convstore("export", "--format", "messages", "--out", str(out), "--force", "--json").status == 0
    assert json.loads(out.read_text().splitlines()[0])["messages"]


def test_two_releases_are_compared(convstore: CommandLine, store: ConvStore, tmp_path: Path) -> None:
    assert convstore("export", "--format", "messages", "--out", str(tmp_path / "a"), "--name", "a").status == 0
    identifier = store.search(limit=1).items[0].conversation_id
    store.review([identifier], status="approved")
    approved = ("--status", "approved")
    assert (
        convstore("export", "--format", "messages", "--out", str(tmp_path / "b"), "--name", "b", *approved).status == 0
    )
    difference = convstore("release", "diff", "a", "b", "--json").document
    assert difference["counts"]["removed"] == 2
    assert difference["counts"]["kept"] == 1


def test_people_are_told_what_a_trainer_refuses_learns_and_what_differs(
    convstore: CommandLine, store: ConvStore, tmp_path: Path
) -> None:
    turns = [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "This."}]
    longer = [*turns, {"role": "user", "content": "And then?"}, {"role": "assistant", "content": "That."}]
    store.ingest_uploads({"long.json": json.dumps({"conversation_id": "long", "messages": longer}).encode()})
    plain = ("--format", "alpaca", "--no-history", "--id", "long", "--name", "plain")
    made = convstore("export", *plain, "--out", str(tmp_path / "plain.jsonl"))
    assert "context-lost (warning): 1 conversation." in made.out
    assert "history" not in json.loads((tmp_path / "plain.jsonl").read_text())
    split = ("--format", "sharegpt", "--rows", "turn", "--split", "train=0.5,test=0.5", "--name", "turns")
    made = convstore("export", *split, "--out", str(tmp_path / "turns"))
    assert "replies-repeated (warning): 4 conversations." in made.out
    assert "of conversations in two splits that share at least 20% of text" in made.out
    shown = convstore("release", "show", "turns").out
    assert "splits: shares train 0.5, test 0.5" in shown
    assert "rows turn" in shown
    difference = convstore("release", "diff", "plain", "turns").out
    assert "3 added" in difference
    assert "1 kept\n  long" not in difference
    assert "mean" in difference
    stored = convstore("release", "store", "turns", "--json").document["files"]
    assert sorted(file["name"].rpartition("/")[2] for file in stored) == [
        "dataset_info.json",
        "test.jsonl",
        "train.jsonl",
        "turns-sharegpt.manifest.json",
    ]


def test_an_unknown_format_names_those_there_are(convstore: CommandLine, tmp_path: Path) -> None:
    refused = convstore("export", "--format", "docx", "--out", str(tmp_path / "x"), "--json")
    assert refused.status == 2
    assert "brightrun-v4" in refused.document["error"]["hint"]
