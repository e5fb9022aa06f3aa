"""Shingles, signatures and bands: exact on small sets, stable over processes, good enough on a planted set."""

import os
import subprocess
import sys
from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstore.checks.similarity import BANDS, ROWS, band_keys, jaccard, shingles, signature, signature_of
from convstore.model import Turn
from tests.unit.checks.labelled import dialogue
from tests.unit.checks.planted import plain, plain_jaccard, planted_set

SAMPLE = "The letter from the bank lies on the table since Monday, and nobody opens it."
SIGNATURE_START = "df639a100b3d9b28bf89ec1703a8931a"
FIRST_KEYS = [-5804621083891046490, -8258996068216911962]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a b c d e f", "a b c d e f", 1.0),
        ("a b c d e f", "A, b. C d – e (f)!", 1.0),
        ("a b c d e f", "f e d c b a", 0.0),
        ("a b c d e f g", "a b c d e f h", 0.5),
        ("a b c d e a b c d e", "a b c d e a", 2 / 5),
        ("ok", "ok", 1.0),
        ("ok", "ok then", 0.0),
        ("我又把信放在一边了", "我又把信放在一边吧", 4 / 6),
        ("", "…", 1.0),
        ("", "ok", 0.0),
    ],
)
def test_jaccard_of_word_shingles(one: str, other: str, expected: float) -> None:
    sets = shingles(dialogue(one)), shingles(dialogue(other))
    assert jaccard(*sets) == pytest.approx(expected)
    assert jaccard(*reversed(sets)) == jaccard(*sets)


def test_turn_limits_and_roles_do_not_count() -> None:
    assert signature(dialogue("one two three", "four five six")) == signature(dialogue("one two three four five six"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_has_a_signature(contents: list[str]) -> None:
    turns = dialogue(*contents)
    made = signature(turns)
    assert len(made) in {0, BANDS * ROWS * 4}
    assert made == signature(turns)
    keys = band_keys(made)
    assert len(keys) == (BANDS if made else 0)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_nothing_said_is_near_nothing() -> None:
    assert signature(dialogue("", "…")) == b""
    assert band_keys(b"") == []


def test_bands_differ_even_where_their_rows_agree() -> None:
    assert len(set(band_keys(bytes(BANDS * ROWS * 4)))) == BANDS


def test_stored_signatures_stay_comparable() -> None:
    """Fixed once: whoever changes this number makes every stored signature worthless and must raise the version."""
    assert signature(dialogue(SAMPLE))[:16].hex() == SIGNATURE_START
    assert band_keys(signature(dialogue(SAMPLE)))[:2] == FIRST_KEYS


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_another_process_makes_the_same(seed: str) -> None:
    program = (
        "import sys\n"
        "from convstore.checks.similarity import signature\n"
        "from convstore.model import Turn\n"
        "print(signature([Turn(turn_number=1, role='user', content=sys.argv[1])]).hex())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLE],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert done.stdout.strip() == signature(dialogue(SAMPLE)).hex()


def test_near_duplicates_of_a_planted_set_are_found() -> None:
    texts, planted = planted_set(10_000, pairs=500)
    sets = [shingles([Turn(turn_number=1, role="user", content=" ".join(words))]) for words in texts]

    buckets: defaultdict[int, list[int]] = defaultdict(list)
    for number, shingle_set in enumerate(sets):
        for key in band_keys(signature_of(shingle_set)):
            buckets[key].append(number)
    candidates = {pair for members in buckets.values() for pair in combinations(members, 2)}
    found = {(one, other) for one, other in candidates if jaccard(sets[one], sets[other]) >= 0.8}

    wanted = {pair for pair, similarity in planted.items() if similarity >= 0.8}
    right = {(one, other) for one, other in found if plain_jaccard(plain(texts[one]), plain(texts[other])) >= 0.8}
    assert len(texts) == 10_000
    assert len(wanted) >= 150
    assert min(planted.values()) < 0.55
    assert len(wanted & found) / len(wanted) >= 0.95
    assert len(right) / len(found) >= 0.98
    # Candidates are what a database has to load and verify: a few per real pair, not a share of all pairs.
    assert len(candidates) < 10 * len(planted)
