"""Fixtures for tests of releases."""

from __future__ import annotations

from types import ModuleType
from typing import cast

import pytest

from convstore.release.rows import ReleaseRow
from tests.unit.release.made import MakeRow, make_row


@pytest.fixture(name="make_row")
def _make_row() -> MakeRow:
    return make_row


@pytest.fixture
def rows() -> list[ReleaseRow]:
    """Twelve conversations of which three end on a user message."""
    return [make_row(number, "uaua" if number % 4 else "uau") for number in range(1, 13)]


@pytest.fixture
def offline_datasets(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The `datasets` package with a cache of its own and no network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    cache = tmp_path_factory.mktemp("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True, raising=False)
    datasets.disable_progress_bars()
    return cast("ModuleType", datasets)
