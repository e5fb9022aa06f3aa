"""Trainer formats: what trainers demand, message text untouched, options that shape rows."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from convstore.errors import UsageError
from convstore.release.formats import TRAINER_FORMATS, writer_for
from convstore.release.rows import ReleaseOptions, ReleaseRow
from tests.unit.release.made import MakeRow
from tests.unit.release.validators import STRICT


def written(format_name: str, path: Path, conversations: list[ReleaseRow], /, **options: Any) -> list[dict[str, Any]]:
    writer = writer_for(format_name, path, options=ReleaseOptions(**options))
    writer.write_batch(conversations)
    writer.finish()
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("shape", ["conversation", "turn", "last"])
@pytest.mark.parametrize("format_name", TRAINER_FORMATS)
def test_every_row_is_what_the_trainer_demands(
    format_name: str, shape: str, tmp_path: Path, rows: list[ReleaseRow]
) -> None:
    records = written(format_name, tmp_path / "out.jsonl", rows, rows=shape)
    replies = sum(turn.role == "assistant" for row in rows for turn in row.turns)
    assert len(records) == (replies if shape == "turn" else len(rows))
    for record in records:
        STRICT[format_name](record)


def test_messages_are_spelled_exactly(tmp_path: Path, make_row: MakeRow) -> None:
    path = tmp_path / "out.jsonl"
    row = make_row(texts=("Hi “you”", "Hello\\", "Why?\n", "漢 = 1"))
    written("messages", path, [row])
    assert path.read_text("utf-8") == (
        '{"messages":[{"role":"system","content":"You are patient."},{"role":"user","content":"Hi “you”"},'
        '{"role":"assistant","content":"Hello\\\\","weight":1},{"role":"user","content":"Why?\\n"},'
        '{"role":"assistant","content":"漢 = 1","weight":1}]}\n'
    )


def test_a_trailing_user_message_is_dropped_unless_kept(tmp_path: Path, make_row: MakeRow) -> None:
    row = make_row(roles="uau")
    assert len(written("messages", tmp_path / "a", [row], system="none")[0]["messages"]) == 2
    kept = written("messages", tmp_path / "b", [row], system="none", keep_trailing_user=True)
    assert kept[0]["messages"][-1] == {"role": "user", "content": row.turns[-1].content}


def test_an_excluded_reply_is_context(tmp_path: Path, make_row: MakeRow) -> None:
    row = make_row(excluded=(2,))
    messages = written("messages", tmp_path / "m", [row], system="none")[0]["messages"]
    assert [message.get("weight") for message in messages] == [None, 0, None, 1]
    messages = written("axolotl", tmp_path / "a", [row], system="none")[0]["messages"]
    assert [message["train"] for message in messages] == [False, False, False, True]
    assert len(written("prompt-completion", tmp_path / "p", [row], rows="turn")) == 1


def test_a_row_a_reply_trains_each_reply_once(tmp_path: Path, make_row: MakeRow) -> None:
    records = written("messages", tmp_path / "m", [make_row(roles="uauaua")], rows="turn", system="none")
    assert [len(record["messages"]) for record in records] == [2, 4, 6]
    for record in records:
        weights = [message["weight"] for message in record["messages"] if "weight" in message]
        assert weights == [*[0] * (len(weights) - 1), 1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "You are patient."),
        ({"system": "own", "system_text": "Be brief."}, "Be brief."),
        ({"system": "none"}, None),
    ],
)
def test_the_system_prompt_comes_from_the_file_from_the_caller_or_not_at_all(
    options: dict[str, Any], expected: str | None, tmp_path: Path, make_row: MakeRow
) -> None:
    record = written("anthropic", tmp_path / "out", [make_row()], **options)[0]
    assert record.get("system") == expected


def test_an_own_system_prompt_needs_its_text() -> None:
    with pytest.raises(UsageError, match="needs its text"):
        ReleaseOptions(system="own")


def test_alpaca_without_history_holds_the_last_exchange(tmp_path: Path, make_row: MakeRow) -> None:
    row = make_row()
    (record,) = written("alpaca", tmp_path / "a", [row], alpaca_history=False)
    assert "history" not in record
    assert (record["instruction"], record["output"]) == (row.turns[2].content, row.turns[3].content)
    (record,) = written("alpaca", tmp_path / "b", [row])
    assert record["history"] == [[row.turns[0].content, row.turns[1].content]]


def test_sharegpt_comes_with_its_dataset_info(tmp_path: Path, make_row: MakeRow) -> None:
    writer = writer_for("sharegpt", tmp_path / "chat.jsonl")
    writer.write(make_row())
    data, info = writer.finish()
    assert info.path == tmp_path / "chat.jsonl.dataset_info.json"
    assert json.loads(info.path.read_text()) == {
        "chat": {
            "file_name": data.path.name,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
        }
    }


def test_axolotl_comes_with_its_configuration_for_every_split(tmp_path: Path, make_row: MakeRow) -> None:
    with writer_for("axolotl", tmp_path / "set", splits=("train", "validation")) as writer:
        writer.write_batch([make_row(1, split="train"), make_row(2, split="validation")])
        writer.finish()
    config = yaml.safe_load((tmp_path / "set" / "axolotl.yaml").read_text())
    assert config["datasets"] == [
        {
            "path": f"{split}.jsonl",
            "ds_type": "json",
            "type": "chat_template",
            "field_messages": "messages",
            "roles_to_train": [],
            "message_field_training": "train",
        }
        for split in ("train", "validation")
    ]


def test_datasets_reads_messages(tmp_path: Path, rows: list[ReleaseRow], offline_datasets: Any) -> None:
    path = tmp_path / "out.jsonl"
    records = written("messages", path, rows)
    loaded = offline_datasets.load_dataset("json", data_files=str(path), split="train")
    assert [m["content"] for m in loaded[0]["messages"]] == [m["content"] for m in records[0]["messages"]]
    assert len(loaded) == len(rows)


def test_trl_takes_messages_and_prompts_whole(tmp_path: Path, rows: list[ReleaseRow]) -> None:
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    words = importlib.import_module("tokenizers")
    # A tokenizer that knows no word, for its template alone.
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words.Tokenizer(words.models.WordLevel({"?": 0}, unk_token="?")),
        chat_template="{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}",
    )
    for format_name in ("messages", "prompt-completion"):
        records = written(format_name, tmp_path / format_name, rows, system="none")
        for record, row in zip(records, rows, strict=True):
            assert trl.is_conversational(record)
            spelled = trl.apply_chat_template(record, tokenizer)
            said = "".join(spelled[key] for key in ("text", "prompt", "completion") if key in spelled)
            turns = row.turns if row.turns[-1].role == "assistant" else row.turns[:-1]
            assert said == "".join(f"<{turn.role}>{turn.content}" for turn in turns)
