"""Databases to restore into: empty, without even a schema."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convstore.core import ConvStore, Resources
from convstore.settings import Settings
from tests.fixtures_database import Server

_numbers = itertools.count(1)


@pytest.fixture
def new_settings(server: Server, tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Settings of a store that nobody has set up."""
    made: list[str] = []

    def make() -> Settings:
        made.append(f"restored_{next(_numbers)}")
        server.create(made[-1])
        return server.settings(made[-1], tmp_path / made[-1])

    yield make
    for name in made:
        server.drop(name)


@pytest.fixture
def open_resources() -> Iterator[Callable[[Settings], Resources]]:
    """Database and files by their settings."""
    opened: list[Resources] = []

    def open_(settings: Settings) -> Resources:
        opened.append(Resources(settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def full_store(demo_store: ConvStore, tmp_path: Path) -> ConvStore:
    """The demonstration set, a release, something in the trash, in the archive and in quarantine."""
    broken = tmp_path / "broken.json"
    broken.write_text('{"a": x}')
    demo_store.ingest([broken])
    demo_store.export("messages", tmp_path / "first.jsonl", name="first")
    ids = [row.conversation_id for row in demo_store.search(sort="name", limit=2).items]
    demo_store.delete(ids)
    return demo_store
