"""A packed document comes back, and damage is noticed."""

from __future__ import annotations

import gzip
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.errors import ConvstoreError
from convstore.files import DamagedFileError, pack, unpack

DOCUMENT = b'{"turns": ["one", "two"]}' * 50


@given(st.binary(max_size=2000))
def test_what_is_packed_comes_back(document: bytes) -> None:
    assert unpack(pack(document)) == document


def test_the_same_document_packs_to_the_same_bytes_for_any_gzip_reader() -> None:
    assert pack(DOCUMENT) == pack(DOCUMENT)
    assert gzip.decompress(pack(DOCUMENT)) == DOCUMENT
    assert len(pack(DOCUMENT)) < len(DOCUMENT) / 5


@pytest.mark.parametrize("kept", range(0, len(pack(DOCUMENT)), 3))
def test_a_cut_file_is_damaged(kept: int) -> None:
    with pytest.raises(DamagedFileError):
        unpack(pack(DOCUMENT)[:kept])


@given(st.integers(0, len(pack(DOCUMENT)) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_gives_another_document(position: int, flip: int) -> None:
    data = bytearray(pack(DOCUMENT))
    data[position] ^= flip
    with suppress(DamagedFileError):
        assert unpack(bytes(data)) == DOCUMENT  # the flipped byte is one of the header that means nothing


@pytest.mark.parametrize("extra", [b"\0", b"x", pack(b"another")])
def test_what_follows_the_end_is_damage(extra: bytes) -> None:
    with pytest.raises(DamagedFileError, match="goes on"):
        unpack(pack(DOCUMENT) + extra)


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = pack(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DamagedFileError, match="more than 1,000,000"):
            unpack(bomb, limit=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_exactly_the_limit_is_fine() -> None:
    assert unpack(pack(b"x" * 1000), limit=1000) == b"x" * 1000
    with pytest.raises(DamagedFileError):
        unpack(pack(b"x" * 1001), limit=1000)


def test_damage_is_a_refusal_with_its_own_code() -> None:
    with pytest.raises(ConvstoreError) as caught:
        unpack(b"no gzip")
    assert (caught.value.code, caught.value.exit_status) == ("ERR_FILE_DAMAGED", 1)
