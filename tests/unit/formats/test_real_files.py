"""The real files, where they stand next to the checkout: every one against what it must become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convstore.formats import parse
from convstore.model import DIMENSIONS, Draft, ParsedFile, Rejection, turns_sha256
from tests.unit.formats.samples import encode

SHARED = Path(__file__).parents[3] / "../shared/data"
EXPECTED: dict[str, Any] = {}
if (SHARED / "expected.json").exists():
    EXPECTED = json.loads((SHARED / "expected.json").read_bytes())

pytestmark = pytest.mark.skipif(not EXPECTED, reason="the real files are not next to this checkout")


def metadata(draft: Draft, column: str) -> Any:
    for dimension, score_column in DIMENSIONS.items():
        if column == score_column:
            score = getattr(draft.scores, dimension)
            return None if score is None else float(score)
    return getattr(draft, column)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_file_becomes_what_it_must(name: str) -> None:
    expected = EXPECTED[name]
    result = parse((SHARED / "real" / name).read_bytes(), name=name)
    if expected["outcome"] == "rejected":
        assert isinstance(result, Rejection)
        assert result.reason == expected["reason"]
        return
    assert isinstance(result, ParsedFile)
    assert result.family == expected["family"]
    assert len(result.conversations) == len(expected["conversations"])
    for draft, wanted in zip(result.conversations, expected["conversations"], strict=True):
        assert isinstance(draft, Draft)
        assert wanted["conversation_id"] in (None, draft.conversation_id)
        assert len(draft.turns) == wanted["turns"]
        assert sum(turn.role == "user" for turn in draft.turns) == wanted["user"]
        assert turns_sha256(draft.turns)[:12] == wanted["sha256_12"]
        found = {column: metadata(draft, column) for column in wanted.get("metadata", {})}
        assert found == wanted.get("metadata", {})
        again = parse(encode(draft.document), name="stored.json")
        assert isinstance(again, ParsedFile)
        (copy,) = again.conversations
        assert isinstance(copy, Draft)
        assert (copy.conversation_id, copy.turns) == (draft.conversation_id, draft.turns)


def test_the_whole_folder_in_order_stores_what_it_should() -> None:
    stored: dict[str, str] = {}
    totals = {"stored": 0, "unchanged": 0, "conflict": 0}
    for name in sorted(EXPECTED):
        result = parse((SHARED / "real" / name).read_bytes(), name=name)
        for draft in result.conversations if isinstance(result, ParsedFile) else ():
            assert isinstance(draft, Draft)
            digest = turns_sha256(draft.turns)
            known = stored.setdefault(draft.conversation_id, digest)
            is_new = len(stored) > totals["stored"]
            totals["stored" if is_new else "unchanged" if known == digest else "conflict"] += 1
    assert totals == {"stored": 36, "unchanged": 13, "conflict": 4}
