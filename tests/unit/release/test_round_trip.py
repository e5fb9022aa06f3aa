"""What the BrightRun formats write, an import reads back: the same turns, and what is known of them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from convstore.formats import parse
from convstore.model import DIMENSIONS, Draft, ParsedFile, Turn, turns_sha256
from convstore.queries.export_rows import ExportConversation
from convstore.queries.turn_columns import TurnColumns
from convstore.release.formats import writer_for
from convstore.release.rows import ReleaseRow
from tests.unit.release.made import MakeRow, make_row

REAL = Path(__file__).parents[3] / "../shared/data/real"
#: What an import must find again, by its name in a draft.
KEPT = (
    "conversation_id", "conversation_name", "description", "category", "tier", "scores", "persona_key",
    "emotional_arc_key", "topic_key", "starting_emotion", "ending_emotion", "system_prompt",
)  # fmt: skip


def read(data: bytes, name: str) -> list[Draft]:
    parsed = parse(data, name=name)
    assert isinstance(parsed, ParsedFile)
    drafts = [draft for draft in parsed.conversations if isinstance(draft, Draft)]
    assert len(drafts) == len(parsed.conversations)
    return drafts


def row_of(draft: Draft, number: int = 1) -> ReleaseRow:
    columns: dict[str, Any] = {name: getattr(draft, name) for name in KEPT if name != "scores"}
    scores: dict[str, Any] = {
        column: None if (score := getattr(draft.scores, name)) is None else float(score)
        for name, column in DIMENSIONS.items()
    }
    conversation = ExportConversation(
        id=UUID(int=number),
        status="pending_review",
        turn_count=len(draft.turns),
        turns_sha256=turns_sha256(draft.turns),
        content_sha256="c" * 64,
        file_path="conversation.json.gz",
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
        extra_json=json.dumps(draft.extra),
        **columns,
        **scores,
    )
    return ReleaseRow(conversation=conversation, columns=TurnColumns.of(draft.turns))


def round_trip(format_name: str, path: Path, rows: list[ReleaseRow]) -> list[Draft]:
    writer = writer_for(format_name, path)
    writer.write_batch(rows)
    writer.finish()
    return read(path.read_bytes(), path.name)


def metadata(draft: Draft) -> dict[str, object]:
    return {name: getattr(draft, name) for name in KEPT}


def held_by_v5(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """v5 ends on the last reply and knows no strategy."""
    while turns and turns[-1].role == "user":
        turns = turns[:-1]
    return tuple(dataclasses.replace(turn, primary_strategy=None, tone=None) for turn in turns)


@pytest.mark.parametrize("name", ["A: B - The C", "plain", "with / and . in it", "2025.json", "a: b: c"])
def test_v4_keeps_turns_and_metadata(name: str, tmp_path: Path) -> None:
    rows = [
        make_row(1, "uaua", conversation_name=name, quality_score=None, human_quality_score=None),
        make_row(2, "uau", conversation_name="Other", persona_key=None, description=None, ending_emotion="worry"),
    ]
    plain = [dataclasses.replace(t, primary_strategy=None, tone=None) for row in rows for t in row.turns]
    drafts = round_trip("brightrun-v4", tmp_path / "out.json", rows)
    assert [turn for draft in drafts for turn in draft.turns] == plain
    for draft, row in zip(drafts, rows, strict=True):
        assert draft.warnings == ()
        assert metadata(draft) == {field: getattr(row.conversation, field) for field in KEPT}


@pytest.mark.parametrize("roles", ["uaua", "uau", "ua"])
def test_v4_keeps_strategies_where_an_exchange_can_hold_them(roles: str, tmp_path: Path) -> None:
    row = make_row(roles=roles)
    turns = tuple(
        dataclasses.replace(turn, detected_emotion=f"felt {(turn.turn_number + 1) // 2}", emotional_intensity=0.5)
        for turn in row.turns
    )
    (draft,) = round_trip(
        "brightrun-v4", tmp_path / "out.json", [dataclasses.replace(row, columns=TurnColumns.of(turns))]
    )
    assert draft.turns == turns
    assert draft.warnings == ()


def test_v4_keeps_turns_that_do_not_alternate(tmp_path: Path, make_row: MakeRow) -> None:
    row = make_row(roles="uuaau")
    (draft,) = round_trip("brightrun-v4", tmp_path / "out.json", [row])
    assert [(turn.role, turn.content) for turn in draft.turns] == [(turn.role, turn.content) for turn in row.turns]


def test_v5_keeps_what_it_can_hold(tmp_path: Path, rows: list[ReleaseRow]) -> None:
    drafts = round_trip("brightrun-v5", tmp_path / "out.jsonl", rows)
    assert [draft.turns for draft in drafts] == [held_by_v5(row.turns) for row in rows]
    for draft, row in zip(drafts, rows, strict=True):
        assert draft.conversation_name == row.conversation.conversation_name
        assert draft.scores == row.conversation.scores
        assert draft.tier == row.conversation.tier


def real_drafts() -> list[Draft]:
    drafts: dict[str, Draft] = {}
    for path in sorted(REAL.glob("*")):
        parsed = parse(path.read_bytes(), name=path.name)
        if isinstance(parsed, ParsedFile):
            drafts |= {draft.conversation_id: draft for draft in parsed.conversations if isinstance(draft, Draft)}
    return list(drafts.values())


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_real_conversations_survive_v4_and_v5(tmp_path: Path) -> None:
    originals = real_drafts()
    assert len(originals) > 20
    for number, draft in enumerate(originals):
        row = row_of(draft, number)
        (again,) = round_trip("brightrun-v4", tmp_path / f"{number}.json", [row])
        assert turns_sha256(again.turns) == turns_sha256(draft.turns)
        assert again.turns == draft.turns
        assert metadata(again) == metadata(draft)
    together = round_trip("brightrun-v4", tmp_path / "all.json", [row_of(draft) for draft in originals])
    assert [turns_sha256(draft.turns) for draft in together] == [turns_sha256(draft.turns) for draft in originals]
    with_replies = [draft for draft in originals if any(turn.role == "assistant" for turn in draft.turns)]
    v5 = round_trip("brightrun-v5", tmp_path / "all.jsonl", [row_of(draft) for draft in with_replies])
    expected = {draft.conversation_id: held_by_v5(draft.turns) for draft in with_replies}
    assert {draft.conversation_id: draft.turns for draft in v5} == expected
