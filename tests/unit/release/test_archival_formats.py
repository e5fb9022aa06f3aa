"""Archival formats: nothing is dropped, and the readers that people use agree."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]

from convstore.errors import InvalidInputError
from convstore.release.card import CardFacts
from convstore.release.formats import ARCHIVAL_FORMATS, writer_for
from convstore.release.formats.parquet import ParquetPart
from convstore.release.rows import ReleaseOptions, ReleaseRow
from tests.unit.release.made import MakeRow


def contents(rows: list[ReleaseRow]) -> list[list[str]]:
    return [[turn.content for turn in row.turns] for row in rows]


@pytest.fixture
def parquet(tmp_path: Path, rows: list[ReleaseRow]) -> Path:
    path = tmp_path / "out.parquet"
    writer = writer_for("parquet", path, release={"name": "spring", "seed": 7})
    writer.write_batch(rows)
    writer.finish()
    return path


def test_parquet_reads_alike_in_duckdb_polars_and_pandas(parquet: Path, rows: list[ReleaseRow]) -> None:
    expected = contents(rows)
    with duckdb.connect() as connection:
        found = connection.execute(f"select messages, turn_count, quality_score from '{parquet}'").fetchall()
    assert [[message["content"] for message in messages] for messages, _, _ in found] == expected
    assert [(count, score) for _, count, score in found] == [(len(row.turns), 3.1) for row in rows]
    polars = pl.read_parquet(parquet)
    assert [[message["content"] for message in messages] for messages in polars["messages"]] == expected
    assert polars.schema["messages"] == pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
    pandas = pd.read_parquet(parquet)
    assert [[message["content"] for message in messages] for messages in pandas["messages"]] == expected
    assert str(pandas["reviewed_at"].dt.tz) == "UTC"
    assert pandas["created_at"].iloc[0] == pd.Timestamp(rows[0].conversation.created_at)


def test_parquet_is_laid_out_as_promised(parquet: Path) -> None:
    file = pq.ParquetFile(parquet)
    assert json.loads(file.schema_arrow.metadata[b"convstore.release"]) == {"name": "spring", "seed": 7}
    chunk = file.metadata.row_group(0).column(0)
    assert chunk.compression == "ZSTD"
    assert chunk.has_offset_index
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types["messages"] == "list<element: struct<role: string, content: string>>"
    assert types["turn_count"] == "int32"
    assert types["reviewed_at"] == "timestamp[us, tz=UTC]"
    assert types["quality_score"] == "double"


def test_parquet_carries_training_flags_beside_the_messages(tmp_path: Path, make_row: MakeRow) -> None:
    writer = writer_for("parquet", tmp_path / "out.parquet")
    writer.write(make_row(roles="uauau", excluded=(2,)))
    writer.finish()
    assert pq.read_table(tmp_path / "out.parquet")["train"].to_pylist() == [[False, False, False, True, False]]


def test_parquet_does_not_depend_on_how_rows_arrive(tmp_path: Path, make_row: MakeRow) -> None:
    many = [make_row(number, "ua") for number in range(2_500)]
    at_once, one_by_one = (writer_for("parquet", tmp_path / f"{name}.parquet") for name in "ab")
    receipts = at_once.write_batch(many)
    assert [one_by_one.write(row) for row in many] == receipts
    assert at_once.finish()[0].sha256 == one_by_one.finish()[0].sha256
    file = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert [file.row_group(i).num_rows for i in range(file.num_row_groups)] == [1_000, 1_000, 500]


def test_parquet_folder_is_cut_into_numbered_shards(tmp_path: Path, make_row: MakeRow) -> None:
    part = ParquetPart(tmp_path / "data", "train", ReleaseOptions(), shard_bytes=100)
    part.add([make_row(number, "ua") for number in range(2_100)])
    closed = part.close()
    assert [file.path.name for file in closed] == [f"train-0000{i}-of-00003.parquet" for i in range(3)]
    assert [file.rows for file in closed] == [1_000, 1_000, 100]
    assert len(pd.read_parquet(tmp_path / "data")) == 2_100


def test_hugging_face_folder_loads_with_its_features_and_splits(
    tmp_path: Path, rows: list[ReleaseRow], make_row: MakeRow, offline_datasets: Any
) -> None:
    folder = tmp_path / "set"
    card = CardFacts(title='A "quoted": title', license="cc-by-4.0", reviewers=2, agreement=0.8, limits=["Made up."])
    writer = writer_for("hf", folder, splits=("train", "validation"), card=card)
    writer.write_batch([make_row(i, "uau", split="validation" if i > 3 else "train") for i in range(1, 6)])
    files = writer.finish()
    assert [file.path.relative_to(folder).as_posix() for file in files] == [
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
        "README.md",
    ]
    loaded = offline_datasets.load_dataset(str(folder))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 3, "validation": 2}
    assert [message["role"] for message in loaded["train"][0]["messages"]] == ["user", "assistant", "user"]
    features = loaded["train"].features
    assert features["turn_count"].dtype == "int32"
    assert features["reviewed_at"].dtype == "timestamp[us, tz=UTC]"
    text = (folder / "README.md").read_text("utf-8")
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["pretty_name"] == 'A "quoted": title'
    assert head["configs"][0]["data_files"][1] == {"split": "validation", "path": "data/validation-*"}
    assert head["size_categories"] == ["n<1K"]
    assert "Reviewed by 2 people. Their agreement is 0.80." in text
    assert "- Made up." in text


def test_csv_has_a_line_a_message_and_no_formulas(tmp_path: Path, make_row: MakeRow) -> None:
    row = make_row(roles="uau", texts=("=HYPERLINK(1)", 'a "quoted", line\nand another', "@cmd"), excluded=(2,))
    writer = writer_for("csv", tmp_path / "out.csv")
    writer.write(row)
    (info,) = writer.finish()
    lines = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_bytes().decode("utf-8"), newline="")))
    assert info.rows == len(lines) == 3
    assert [line["content"] for line in lines] == ["'=HYPERLINK(1)", 'a "quoted", line\nand another', "'@cmd"]
    assert [line["turn_number"] for line in lines] == ["1", "2", "3"]
    assert lines[1]["train"] == "false"
    assert lines[0]["quality_score"] == "3.1"


def test_markdown_keeps_text_and_renders_nothing_of_it(tmp_path: Path, make_row: MakeRow) -> None:
    hostile = "~~~\n# heading <img src=x>"
    writer = writer_for("markdown", tmp_path / "out.md")
    writer.write(make_row(roles="ua", texts=(hostile, "fine"), conversation_name="<b>*x*"))
    writer.finish()
    text = (tmp_path / "out.md").read_text("utf-8")
    assert f"~~~~text\n{hostile}\n~~~~\n" in text
    assert text.startswith("## \\<b\\>\\*x\\*\n")


def test_brightrun_v4_recomputes_its_totals(tmp_path: Path, rows: list[ReleaseRow]) -> None:
    writer = writer_for("brightrun-v4", tmp_path / "out.json", title="Spring")
    writer.write_batch(rows)
    (info,) = writer.finish()
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert list(document) == ["training_file_metadata", "consultant_profile", "conversations"]
    metadata = document["training_file_metadata"]
    assert metadata["total_conversations"] == info.rows == len(rows)
    assert metadata["total_training_pairs"] == sum(len(row.turns) for row in rows)
    assert metadata["quality_summary"]["avg_quality_score"] == 3.1
    assert metadata["scaffolding_distribution"]["personas"] == {"saver": len(rows)}
    found = [
        [pair["target_response"] or pair["current_user_input"] for pair in conversation["training_pairs"]]
        for conversation in document["conversations"]
    ]
    assert found == contents(rows)


def test_brightrun_v5_holds_replies_and_counts_what_it_can_not_hold(tmp_path: Path, rows: list[ReleaseRow]) -> None:
    writer = writer_for("brightrun-v5", tmp_path / "out.jsonl")
    writer.write_batch(rows)
    (info,) = writer.finish()
    meta, *pairs = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert meta["_meta"]["total_pairs"] == info.rows == len(pairs) == 21
    assert "3 user messages without a reply are not held" in meta["_meta"]["description"]
    assert [entry["content"] for entry in pairs[1]["conversation_history"]] == contents(rows)[0][:3]


@pytest.mark.parametrize("format_name", [*ARCHIVAL_FORMATS, "messages", "alpaca"])
def test_a_blank_reply_never_leaves(format_name: str, tmp_path: Path, make_row: MakeRow) -> None:
    with (
        writer_for(format_name, tmp_path / "out") as writer,
        pytest.raises(InvalidInputError, match="Message 2 of conversation-1 has no text"),
    ):
        writer.write(make_row(roles="ua", texts=("Hello", " \n")))
    assert list(tmp_path.iterdir()) == []
