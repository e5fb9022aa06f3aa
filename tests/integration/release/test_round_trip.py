"""What is exported can be ingested into an empty store and is the same conversations."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from convstore.core import ConvStore, Resources
from convstore.model import Filter
from convstore.release.rows import ReleaseOptions

REAL = Path(__file__).parents[3] / "../shared/data/real"


def turns_by_id(store: ConvStore) -> dict[str, list[tuple[int, str, str]]]:
    found = {}
    cursor = None
    while True:
        page = store.search(Filter(), limit=1000, cursor=cursor)
        for row in page.items:
            turns = store.get(row.conversation_id).turns
            found[row.conversation_id] = [(turn.turn_number, turn.role, turn.content) for turn in turns]
        cursor = page.next
        if cursor is None:
            return found


@pytest.fixture(params=["demo", "real"])
def full_store(request: pytest.FixtureRequest) -> ConvStore:
    """A store with the demonstration set, or with the real files where they are."""
    if request.param == "demo":
        return request.getfixturevalue("demo_store")  # type: ignore[no-any-return]
    if not REAL.is_dir():
        pytest.skip("the real files are not here")
    store: ConvStore = request.getfixturevalue("store")
    store.ingest([REAL])
    return store


@pytest.fixture
def empty_store(server, template: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Another store, with nothing in it."""
    name = "test_round_trip_" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    server.create(name, template)
    resources = Resources(server.settings(name, tmp_path / "other-home"))
    yield ConvStore.for_operator(resources)
    resources.close()
    server.drop(name)


def test_brightrun_v4_gives_the_same_turns(full_store: ConvStore, empty_store: ConvStore, tmp_path: Path) -> None:
    report = full_store.export("brightrun-v4", tmp_path / "all.json")
    assert report.left_out == ()
    empty_store.ingest([tmp_path / "all.json"])
    assert turns_by_id(empty_store) == turns_by_id(full_store)


def test_brightrun_v5_gives_what_its_format_holds(
    full_store: ConvStore, empty_store: ConvStore, tmp_path: Path
) -> None:
    full_store.export("brightrun-v5", tmp_path / "all.jsonl")
    empty_store.ingest([tmp_path / "all.jsonl"])
    expected = {}
    for identifier, turns in turns_by_id(full_store).items():
        while turns and turns[-1][1] == "user":
            turns.pop()
        if turns:
            expected[identifier] = turns
    assert turns_by_id(empty_store) == expected


def test_messages_with_the_trailing_user_give_the_same_turns(
    full_store: ConvStore, empty_store: ConvStore, tmp_path: Path
) -> None:
    options = ReleaseOptions(keep_trailing_user=True)
    report = full_store.export("messages", tmp_path / "all.jsonl", options=options)
    empty_store.ingest([tmp_path / "all.jsonl"])
    out = {item.conversation_id for item in report.left_out}
    before = {tuple(turns) for identifier, turns in turns_by_id(full_store).items() if identifier not in out}
    assert {tuple(turns) for turns in turns_by_id(empty_store).values()} == before
