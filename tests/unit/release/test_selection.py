"""Splits, samples and leakage: repeatable, fair, never a group in two splits."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convstore.errors import UsageError
from convstore.release.leakage import SplitText, check_leakage
from convstore.release.sampling import (
    Candidate,
    at_most_per_cell,
    best_of_groups,
    random_sample,
    stratified_sample,
)
from convstore.release.splits import SplitItem, assign_splits, parse_splits

SHARES = parse_splits("train=0.8,validation=0.1,test=0.1")


def test_splits_are_read_in_order() -> None:
    assert parse_splits(" train=0.9, validation=0.1") == {"train": Decimal("0.9"), "validation": Decimal("0.1")}
    assert list(parse_splits("b=0.5,a=0.5")) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no NAME=SHARE"),
        ("train", "'train' is no NAME=SHARE"),
        ("../x=1", "is no NAME=SHARE"),
        ("train=most", "'most', is no number"),
        ("train=0,test=1", "not above 0"),
        ("train=nan", "not above 0"),
        ("train=0.5,train=0.5", "named twice"),
        ("train=0.9,test=0.2", "add up to 1.1"),
        ("train=0.9", "add up to 0.9"),
    ],
)
def test_malformed_splits_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_splits(text)


def test_shares_are_met_overall_and_in_each_stratum() -> None:
    items = [SplitItem(f"c{i}", None, f"s{i % 7}") for i in range(1_000)]
    assigned = assign_splits(items, SHARES, seed=1)
    assert Counter(assigned.values()) == {"train": 800, "validation": 100, "test": 100}
    for stratum in range(7):
        members = Counter(assigned[item.id] for item in items if item.stratum == f"s{stratum}")
        size = sum(members.values())
        assert abs(members["train"] - 0.8 * size) <= 1.5


def test_splits_follow_the_seed_and_not_the_order_of_arrival() -> None:
    items = [SplitItem(f"c{i}") for i in range(300)]
    first = assign_splits(items, SHARES, seed=1)
    assert assign_splits(reversed(items), SHARES, seed=1) == first
    assert assign_splits(items, SHARES, seed=2) != first


def test_splits_hardly_move_when_a_conversation_is_added() -> None:
    items = [SplitItem(f"c{i}") for i in range(1_000)]
    before = assign_splits(items, SHARES, seed=1)
    after = assign_splits([*items, SplitItem("new")], SHARES, seed=1)
    assert sum(before[item.id] != after[item.id] for item in items) <= 2


@given(
    groups=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    seed=st.integers(0, 9),
)
def test_no_group_is_in_two_splits_and_everybody_is_in_one(groups: list[int], seed: int) -> None:
    items = [SplitItem(f"c{i}", f"g{group}" if group else None, str(i % 3)) for i, group in enumerate(groups)]
    assigned = assign_splits(items, SHARES, seed=seed)
    assert assigned.keys() == {item.id for item in items}
    for group in {item.group for item in items} - {None}:
        assert len({assigned[item.id] for item in items if item.group == group}) == 1
    if len({item.group or item.id for item in items}) >= 3:
        assert set(assigned.values()) == set(SHARES)


def test_a_hold_out_is_fixed_with_its_whole_group() -> None:
    items = [SplitItem(f"c{i}", f"g{i // 2}") for i in range(100)]
    assigned = assign_splits(items, SHARES, held_out={"c4": "gold"})
    assert [name for name, split in assigned.items() if split == "gold"] == ["c4", "c5"]
    with pytest.raises(UsageError, match="held out for gold and test at once"):
        assign_splits(items, SHARES, held_out={"c4": "gold", "c5": "test"})


def test_the_best_of_each_group_stays() -> None:
    candidates = [
        Candidate("a", group="g", quality=3.0),
        Candidate("b", group="g", quality=4.0),
        Candidate("c", group="g", quality=4.0),
        Candidate("d"),
        Candidate("e", group="h"),
    ]
    assert [c.id for c in best_of_groups(candidates)] == ["b", "d", "e"]


def test_at_most_n_a_cell_prefers_quality() -> None:
    cells = [Candidate(f"c{i}", cell=("p", str(i % 2)), quality=1 + i % 5) for i in range(20)]
    kept = at_most_per_cell(cells, 2, seed=1)
    assert Counter(c.cell for c in kept) == {("p", "0"): 2, ("p", "1"): 2}
    assert {c.quality for c in kept} == {5}


def test_samples_are_repeatable_and_nested() -> None:
    candidates = [Candidate(f"c{i}") for i in range(200)]
    small, large = random_sample(candidates, 20, seed=4), random_sample(candidates, 40, seed=4)
    assert len(small) == 20
    assert set(small) < set(large)
    assert random_sample(candidates, 20, seed=5) != small
    assert random_sample(candidates, 500) == candidates


def test_a_stratified_sample_keeps_proportions() -> None:
    candidates = [Candidate(f"c{i}", cell=("big" if i < 150 else "small",)) for i in range(200)]
    kept = stratified_sample(candidates, 41, seed=2)
    assert len(kept) == 41
    assert Counter(c.cell for c in kept)[("small",)] in (10, 11)
    with pytest.raises(UsageError, match="holds nothing"):
        stratified_sample(candidates, 0)


def test_choices_do_not_change_between_processes() -> None:
    program = (
        "from convstore.release.sampling import *; from convstore.release.splits import *\n"
        "c=[Candidate(f'c{i}', cell=(str(i%3), None)) for i in range(50)]\n"
        "s=assign_splits([SplitItem(x.id) for x in c], parse_splits('a=0.5,b=0.5'), seed=3)\n"
        "print([x.id for x in stratified_sample(c, 10, seed=3)], sorted(s.items()))"
    )
    root = Path(__file__).parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_leakage_between_splits_is_found_and_named() -> None:
    long = "one two three four five six seven eight nine ten eleven twelve"
    texts = [
        SplitText("t1", "train", (long, "something of its own that nobody else has ever said here")),
        SplitText("t2", "train", ("an entirely different talk about other things and people and places",)),
        SplitText("v1", "validation", (long.upper(), "and words that stand in this one alone as we know it")),
        SplitText("v2", "validation", ("nothing in common with any other of them at all I would think",)),
        SplitText("e1", "test", (long,)),
    ]
    report = check_leakage(lambda: texts, largest="train", threshold=0.3)
    assert report.held_out == 3
    assert [(leak.conversation_id, leak.other_id, leak.share) for leak in report.leaks] == [
        ("e1", "t1", 1.0),
        ("e1", "v1", 1.0),
        ("v1", "e1", 0.5),
        ("v1", "t1", 0.5),
    ]
    assert check_leakage(lambda: texts, largest="train", threshold=0.6).leaks == report.leaks[:2]
