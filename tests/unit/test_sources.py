"""Which files an import reads, in which order, under which names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from convstore.errors import UsageError
from convstore.sources import FileSource, MemorySource, expand


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.json", "a.json", "sub/c.json", "sub/deep/d.jsonl", ".hidden", ".git/config", "sub/.x/y.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(folder: Path, *given: str) -> list[str]:
    return [str(source.path.relative_to(folder)) for source in expand(folder / one for one in given)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([""], ["a.json", "b.json", "sub/c.json", "sub/deep/d.jsonl"]),
        (["b.json", "a.json", "b.json"], ["a.json", "b.json"]),
        (["sub", "*.json"], ["a.json", "b.json", "sub/c.json", "sub/deep/d.jsonl"]),
        (["**/*.jsonl"], ["sub/deep/d.jsonl"]),
        ([".hidden"], [".hidden"]),
        ([".git"], [".git/config"]),
    ],
)
def test_files_folders_and_globs(folder: Path, given: list[str], found: list[str]) -> None:
    assert names(folder, *given) == found


@pytest.mark.parametrize("given", ["none.json", "*.csv", "none/*"])
def test_a_path_that_names_nothing(folder: Path, given: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        expand([folder / given])


def test_a_name_with_the_characters_of_a_glob(folder: Path) -> None:
    (folder / "x[1].json").write_text("x")
    assert names(folder, "x[1].json") == ["x[1].json"]


def test_an_empty_folder_is_no_mistake(tmp_path: Path) -> None:
    assert expand([tmp_path]) == []


@pytest.mark.parametrize("data", [b"", b"some bytes" * 300_000])
def test_sources_on_disk_and_in_memory_are_alike(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    for source in (FileSource(path), MemorySource("file.json", data)):
        assert (source.name, source.size, source.read()) == ("file.json", len(data), data)
        assert source.sha256() == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("given", "shown"), [("a\x00b", "a\ufffdb"), ("caf\udce9", "caf?"), ("日本.json", "日本.json")]
)
def test_names_can_be_stored_and_shown(given: str, shown: str) -> None:
    assert MemorySource(given, b"").name == shown
