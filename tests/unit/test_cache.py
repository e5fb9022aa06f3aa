"""Answers are kept for one identity in one workspace, for a while, and never past a write."""

from __future__ import annotations

import threading
import time
from uuid import UUID

import pytest

from convstore.cache import Cache

TEAM, OTHER_TEAM, ANN, BEN = (UUID(int=number) for number in range(1, 5))


class Question:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.asked


def test_an_answer_is_kept() -> None:
    cache, question = Cache(ttl_s=60), Question()
    assert [cache.view(TEAM, ANN).get("page", question) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("other", [(TEAM, BEN, "page"), (OTHER_TEAM, ANN, "page"), (TEAM, ANN, "count")])
def test_nobody_gets_anothers_answer(other: tuple[UUID, UUID, str]) -> None:
    cache, question = Cache(ttl_s=60), Question()
    cache.view(TEAM, ANN).get("page", question)
    workspace, person, key = other
    assert cache.view(workspace, person).get(key, question) == 2


def test_a_write_ends_what_is_kept_of_its_workspace_only() -> None:
    cache, question = Cache(ttl_s=60), Question()
    cache.view(TEAM, ANN).get("page", question)
    cache.view(OTHER_TEAM, ANN).get("page", question)
    cache.invalidate(TEAM)
    assert cache.view(TEAM, ANN).get("page", question) == 3
    assert cache.view(OTHER_TEAM, ANN).get("page", question) == 2


def test_an_answer_from_before_a_write_is_not_served_after_it() -> None:
    cache = Cache(ttl_s=60)

    def overtaken() -> str:
        cache.invalidate(TEAM)
        return "old"

    assert cache.view(TEAM, ANN).get("page", overtaken) == "old"
    assert cache.view(TEAM, ANN).get("page", lambda: "new") == "new"


def test_answers_grow_old() -> None:
    cache, question = Cache(ttl_s=0.05), Question()
    cache.view(TEAM, ANN).get("page", question)
    time.sleep(0.06)
    assert cache.view(TEAM, ANN).get("page", question) == 2


def test_a_cache_of_no_time_keeps_nothing() -> None:
    cache, question = Cache(ttl_s=0), Question()
    assert [cache.view(TEAM, ANN).get("page", question) for _ in range(2)] == [1, 2]


def test_what_was_found_on_the_way_is_kept_for_the_version_it_belongs_to() -> None:
    cache = Cache(ttl_s=60)
    before = cache.view(TEAM, ANN)
    assert before.find("count") is None
    before.keep("count", 3)
    assert cache.view(TEAM, ANN).find("count") == 3
    cache.invalidate(TEAM)
    before.keep("count", 4)
    assert cache.view(TEAM, ANN).find("count") is None


def test_a_failure_is_not_kept() -> None:
    cache = Cache(ttl_s=60)

    def fail() -> int:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - whatever the question raises
        cache.view(TEAM, ANN).get("page", fail)
    assert cache.view(TEAM, ANN).get("page", lambda: 1) == 1


def test_the_least_used_goes_first() -> None:
    cache, question = Cache(ttl_s=60, max_entries=10), Question()
    for key in range(11):
        cache.view(TEAM, ANN).get(key, question)
    assert cache.view(TEAM, ANN).get(10, question) == 11
    assert cache.view(TEAM, ANN).get(0, question) == 12


def test_many_threads() -> None:
    cache = Cache(ttl_s=60, max_entries=5)
    wrong: list[tuple[int, int]] = []

    def work() -> None:
        for number in range(500):
            key = number % 9
            found = cache.view(TEAM, ANN).get(key, lambda key=key: key)  # type: ignore[misc]
            if found != key:
                wrong.append((key, found))
            if number % 50 == 0:
                cache.invalidate(TEAM)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
