"""The formats that pair a human with a model: ShareGPT and Alpaca. Neither can mark a message as not trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from convstore.release.rows import FileInfo, ReleaseOptions, ReleaseRow
from convstore.release.samples import Sample, samples

__all__ = ["alpaca_records", "dataset_info", "sharegpt_records"]

_SPEAKERS = {"user": "human", "assistant": "gpt"}


def sharegpt_records(row: ReleaseRow, options: ReleaseOptions) -> list[dict[str, Any]]:
    """ShareGPT rows as LLaMA-Factory reads them."""
    return [
        {
            "conversations": [
                {"from": _SPEAKERS.get(role, role), "value": content}
                for role, content in zip(sample.roles, sample.contents, strict=True)
            ],
            "system": sample.system or "",
            "tools": "",
        }
        for sample in samples(row, options)
    ]


def alpaca_records(row: ReleaseRow, options: ReleaseOptions) -> list[dict[str, Any]]:
    """Alpaca rows: the last exchange, with the earlier ones in `history` unless that is left out.

    A sample that is no sequence of exchanges has no Alpaca shape and gives no row.
    """
    records = []
    for sample in samples(row, options):
        exchanges = _exchanges(sample)
        if not exchanges:
            continue
        record: dict[str, Any] = {
            "instruction": exchanges[-1][0],
            "input": "",
            "output": exchanges[-1][1],
            "system": sample.system or "",
        }
        if options.alpaca_history:
            record["history"] = exchanges[:-1]
        records.append(record)
    return records


def dataset_info(title: str, splits: Sequence[str], files: Sequence[FileInfo]) -> str:
    """LLaMA-Factory's `dataset_info.json` for these files."""
    names = [f"{title}_{split}" for split in splits] or [title]
    info = {
        name: {
            "file_name": written.path.name,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
        }
        for name, written in zip(names, files, strict=True)
    }
    return json.dumps(info, ensure_ascii=False, indent=2) + "\n"


def _exchanges(sample: Sample) -> list[list[str]]:
    roles, contents = sample.roles, sample.contents
    if len(roles) % 2 or any(role != ("user", "assistant")[i % 2] for i, role in enumerate(roles)):
        return []
    return [[contents[i], contents[i + 1]] for i in range(0, len(roles), 2)]
