"""What every file store promises, asked of each backend in the same words."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from convstore.errors import ConflictError, InvalidInputError, NotFoundError
from convstore.files import FileStore, object_path
from convstore.files.keys import listing_order
from convstore.files.store import MAX_OBJECT_BYTES

OWNER = UUID("11111111-1111-4111-8111-111111111111")


def new_path(content: bytes = b"", owner: UUID = OWNER) -> str:
    return object_path(owner, uuid4(), hashlib.sha256(content or os.urandom(8)).hexdigest())


def all_paths(store: FileStore, prefix: str = "", limit: int = 1000) -> list[str]:
    paths: list[str] = []
    after = None
    while page := store.list(prefix, after=after, limit=limit):
        assert len(page) <= limit
        paths += [found.path for found in page]
        after = paths[-1]
    return paths


def test_an_object_comes_back_as_it_was_put(store: FileStore) -> None:
    path, data = new_path(), os.urandom(23_000)
    store.put(path, data)
    assert store.get(path) == data
    assert b"".join(store.open(path)) == data


def test_bytes_survive_whatever_they_are(store: FileStore) -> None:
    for data in (b"", b"\0", bytes(range(256)), b"\r\n--boundary\r\n"):
        path = new_path(data)
        store.put(path, data, content_type="application/json")
        assert store.get(path) == data


def test_stat_knows_size_and_time(store: FileStore) -> None:
    path = new_path()
    assert store.stat(path) is None
    store.put(path, b"12345")
    found = store.stat(path)
    assert found is not None
    assert (found.path, found.size) == (path, 5)
    assert abs(datetime.now(UTC) - found.modified_at) < timedelta(minutes=1)


def test_the_same_bytes_again_are_fine(store: FileStore) -> None:
    path = new_path()
    store.put(path, b"same")
    store.put(path, b"same")
    store.put_stream(path, io.BytesIO(b"same"))
    assert all_paths(store) == [path]


@pytest.mark.parametrize("other", [b"other", b"first!", b"firs", b""])
def test_other_bytes_at_the_same_path_are_refused(store: FileStore, other: bytes) -> None:
    path = new_path()
    store.put(path, b"first")
    with pytest.raises(ConflictError):
        store.put(path, other)
    with pytest.raises(ConflictError):
        store.put_stream(path, io.BytesIO(other))
    assert store.get(path) == b"first"


def test_one_of_two_writers_wins_and_the_other_hears_of_it(store: FileStore) -> None:
    path = new_path()
    start = threading.Barrier(4)

    def write(number: int) -> bytes | None:
        data = bytes([number]) * 10_000
        start.wait()
        try:
            store.put(path, data)
        except ConflictError:
            return None
        return data

    with ThreadPoolExecutor(4) as pool:
        winners = [data for data in pool.map(write, range(4)) if data is not None]
    assert winners == [store.get(path)]


def test_writers_of_the_same_bytes_all_succeed(store: FileStore) -> None:
    path, data = new_path(), os.urandom(5_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.put(path, data), range(8)))
    assert store.get(path) == data


def test_a_batch_is_stored_whole(store: FileStore) -> None:
    objects = {new_path(): os.urandom(100) for _ in range(100)}
    store.put_many(iter(objects.items()))
    assert {path: store.get(path) for path in all_paths(store)} == objects


def test_an_empty_batch_is_nothing(store: FileStore) -> None:
    store.put_many([])
    assert store.list() == []


def test_a_batch_with_a_conflict_says_so(store: FileStore) -> None:
    taken = new_path()
    store.put(taken, b"first")
    with pytest.raises(ConflictError) as caught:
        store.put_many([(new_path(), b"new"), (taken, b"second"), (new_path(), b"new")])
    assert caught.value.facts["path"] == taken
    assert store.get(taken) == b"first"


def test_a_stream_is_stored_and_counted(store: FileStore) -> None:
    path, data = new_path(), os.urandom(300_000)
    assert store.put_stream(path, io.BytesIO(data)) == len(data)
    assert store.get(path) == data


def test_a_source_that_breaks_leaves_nothing(store: FileStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise RuntimeError("the sender went away")
            return super().read(size)

    path = new_path()
    with pytest.raises(RuntimeError, match="went away"):
        store.put_stream(path, Broken(os.urandom(300_000)))
    assert store.stat(path) is None
    assert store.list() == []


def test_exactly_the_limit_passes_and_one_byte_more_does_not(store: FileStore) -> None:
    path, data = new_path(), bytes(MAX_OBJECT_BYTES)
    store.put(path, data)
    found = store.stat(path)
    assert found is not None
    assert found.size == MAX_OBJECT_BYTES
    for write in (store.put, lambda path, data: store.put_stream(path, io.BytesIO(data))):
        with pytest.raises(InvalidInputError) as caught:
            write(new_path(), data + b"\0")
        assert caught.value.code == "ERR_FILE_TOO_LARGE"


def test_another_mime_type_is_refused(store: FileStore) -> None:
    with pytest.raises(InvalidInputError, match="text/plain"):
        store.put(new_path(), b"x", content_type="text/plain")
    with pytest.raises(InvalidInputError, match="text/plain"):
        store.put_stream(new_path(), io.BytesIO(b"x"), content_type="text/plain")


def test_a_missing_object_is_not_found(store: FileStore) -> None:
    path = new_path()
    for read in (store.get, store.open):
        with pytest.raises(NotFoundError, match=path) as caught:
            read(path)
        assert caught.value.facts["path"] == path


BAD_KEYS = [
    "", "/", "/etc/passwd", "a//b", "a/", "a/../b", "..", "../x", "a/./b", "a\0b", "a\\b", "a%2Fb", "a%2e%2e/b",
    "a#b", "#incoming/x", "a[0]", "caf\u00e9", "a\nb", "a/b\n", "x" * 256, "a/" * 500 + "b",
]  # fmt: skip


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_is_refused_everywhere(store: FileStore, key: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.put(key, b"x"),
        lambda: store.put_many([(key, b"x")]),
        lambda: store.put_stream(key, io.BytesIO(b"x")),
        lambda: store.get(key),
        lambda: store.open(key),
        lambda: store.stat(key),
        lambda: store.delete([key]),
        lambda: store.signed_url(key),
        lambda: store.list(after=key),
    ]
    for call in calls:
        with pytest.raises(InvalidInputError):
            call()


@pytest.mark.parametrize("key", ["a b/c", "it's/(fine)!", "q?x=1/y", "a+b", "$&@=;:,*", "...", "-rf", "a/.hidden"])
def test_every_character_of_the_alphabet_works(store: FileStore, key: str) -> None:
    store.put(key, b"x")
    assert store.get(key) == b"x"
    assert b"".join(store.open(key)) == b"x"
    assert [found.path for found in store.list()] == [key]
    assert store.delete([key]) == 1


def test_pages_cover_everything_once_and_in_order(store: FileStore) -> None:
    owners = [uuid4() for _ in range(3)]
    paths = [new_path(owner=owner) for owner in owners for _ in range(6)]
    row = paths[0].rsplit("/", 2)[0]
    paths += [f"{row}/{version:012x}/conversation.json.gz" for version in range(3)]
    store.put_many((path, b"x") for path in paths)
    for limit in (5, 1000):
        assert all_paths(store, limit=limit) == sorted(paths)


def test_folders_come_before_objects(store: FileStore) -> None:
    store.put_many((path, b"x") for path in ("b", "a/z", "c/y/1", "c/x", "a.txt", "a-b/1", "a/b/c"))
    expected = ["a/b/c", "a/z", "a-b/1", "c/y/1", "c/x", "a.txt", "b"]
    assert all_paths(store, limit=2) == expected
    assert sorted(set(expected), key=listing_order) == expected


def test_a_listing_can_be_held_to_a_folder(store: FileStore) -> None:
    mine, other = uuid4(), uuid4()
    paths = sorted(new_path(owner=mine) for _ in range(5))
    store.put_many((path, b"x") for path in [*paths, new_path(owner=other)])
    assert all_paths(store, str(mine), limit=2) == paths
    assert all_paths(store, f"{mine}/") == paths
    assert store.list(str(mine)[:8]) == []
    with pytest.raises(InvalidInputError):
        store.list(str(mine), after=new_path(owner=other))


def test_a_listing_goes_on_after_an_object_that_is_gone(store: FileStore) -> None:
    paths = sorted(new_path() for _ in range(12))
    store.put_many((path, b"x") for path in paths)
    first = store.list(limit=5)
    assert store.delete([found.path for found in first]) == 5
    assert [found.path for found in store.list(after=first[-1].path)] == paths[5:]


def test_a_listing_tells_size_and_time(store: FileStore) -> None:
    path = new_path()
    store.put(path, b"1234567")
    assert store.list() == [store.stat(path)]


def test_an_empty_store_lists_nothing(store: FileStore) -> None:
    assert store.list() == []
    assert store.list("nobody") == []


def test_delete_counts_what_really_went(store: FileStore) -> None:
    paths = [new_path() for _ in range(3)]
    store.put_many((path, b"x") for path in paths)
    assert store.delete([*paths[:2], new_path()]) == 2
    assert store.delete(paths[:2]) == 0
    assert store.delete([]) == 0
    assert all_paths(store) == paths[2:]
    store.put(paths[0], b"again")
    assert store.get(paths[0]) == b"again"


def test_writing_and_deleting_neighbours_at_once_loses_nothing(store: FileStore) -> None:
    row = f"{OWNER}/{uuid4()}"

    def write(number: int) -> None:
        path = f"{row}/{number:012x}/conversation.json.gz"
        store.put(path, b"x")
        if number % 2:
            assert store.delete([path]) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(60)))
    assert all_paths(store) == [f"{row}/{number:012x}/conversation.json.gz" for number in range(0, 60, 2)]


def test_a_store_in_order_says_so(store: FileStore) -> None:
    facts = store.check()
    assert {fact.status for fact in facts} == {"ok"}
    assert all_paths(store) == []


def test_preparing_twice_is_harmless(store: FileStore) -> None:
    path = new_path()
    store.put(path, b"x")
    store.prepare()
    assert store.get(path) == b"x"
