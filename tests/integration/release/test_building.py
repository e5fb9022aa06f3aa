"""Releases out of a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.model import Filter


@pytest.mark.parametrize("name", ["messages", "brightrun-v4", "parquet"])
def test_an_export_writes_and_seals(demo_store: ConvStore, tmp_path: Path, name: str) -> None:
    out = tmp_path / {"messages": "out.jsonl", "brightrun-v4": "out.json", "parquet": "out.parquet"}[name]
    report = demo_store.export(name, out, Filter(statuses=["approved"]))
    assert out.exists()
    assert report.conversations == demo_store.count(Filter(statuses=["approved"]))[0] - len(report.left_out)
