"""The whole way on real files, where they stand beside the checkout: in by the command, back by the command."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from convstore.core import ConvStore
from convstore.settings import Settings
from convstore.shapes import as_json, detail_shape
from tests.acceptance.command_line import CommandLine


def sha256_12(turns: list[dict[str, Any]]) -> str:
    rows = [[turn["turn_number"], turn["role"], turn["content"]] for turn in turns]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()[:12]


@pytest.mark.timeout(600)
def test_real_files_become_what_they_must(real_data: Path, settings: Settings, store: ConvStore) -> None:
    convstore = CommandLine(settings)
    expected = json.loads((real_data / "expected.json").read_bytes())
    done = convstore("ingest", str(real_data / "real"), "--json")
    assert done.status == 1, "two are no JSON, some are in conflict"
    report = done.document

    assert [file["file"] for file in report["files"]] == sorted(expected)
    first: dict[str, tuple[str, dict[str, Any], str]] = {}
    outcomes: list[tuple[str, str]] = []
    for file in report["files"]:
        wanted = expected[file["file"]]
        assert file["outcome"] == wanted["outcome"]
        if file["outcome"] == "rejected":
            assert file["reason"] == wanted["reason"]
            continue
        assert file["family"] == wanted["family"]
        assert len(file["conversations"]) == len(wanted["conversations"])
        for found, conversation in zip(file["conversations"], wanted["conversations"], strict=True):
            identifier = found["conversation_id"]
            assert conversation["conversation_id"] in (None, identifier)
            assert found["turns"] == conversation["turns"]
            stored = first.setdefault(
                identifier, (conversation["sha256_12"], conversation.get("metadata", {}), file["family"])
            )
            is_new = sum(name == identifier for name, _ in outcomes) == 0
            right = "stored" if is_new else "unchanged" if stored[0] == conversation["sha256_12"] else "conflict"
            assert found["outcome"] == right
            outcomes.append((identifier, right))
    totals = report["totals"]
    assert (totals["stored"], totals["unchanged"], totals["conflict"]) == (36, 13, 4)

    # A command a process is dear: it shows one conversation of each family, and what it prints is read here of all.
    by_command = {family: identifier for identifier, (_, _, family) in first.items()}
    for identifier, (digest, metadata, family) in first.items():
        if by_command[family] == identifier:
            shown = convstore("show", identifier, "--json").document
        else:
            shown = json.loads(as_json(detail_shape(store.get(identifier))))
        assert sha256_12(shown["turns"]) == digest
        assert shown["conversation"]["turns_sha256"][:12] == digest
        assert shown["conversation"]["format"] == family
        assert {name: shown["conversation"][name] for name in metadata} == metadata

    again = convstore("ingest", str(real_data / "real"), "--json").document["totals"]
    assert (again["stored"], again["replaced"], again["unchanged"], again["conflict"]) == (0, 0, 49, 4)
