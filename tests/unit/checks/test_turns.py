"""The checks that look at how turns follow each other, at their lengths and at what repeats."""

from collections import Counter

import pytest

from convstore.checks import SetContext, boilerplate_grams
from tests.unit.checks.labelled import FILLER, dialogue, reply_places, run

LONG = "I hear how much this has been weighing on you since spring. "


@pytest.mark.parametrize(("contents", "places"), [(3, [3]), (1, [1]), (2, []), (0, [])])
def test_ends_on_user(contents: int, places: list[int]) -> None:
    turns = dialogue(*["A message."] * contents)
    assert [finding.turn_number for finding in run("ends_on_user", turns)] == places


@pytest.mark.parametrize(
    ("roles", "places"),
    [
        ("uaua", []),
        ("ua", []),
        ("suau", []),
        ("auau", [1]),
        ("uuaa", [2, 4]),
        ("uasua", [3]),
        ("sau", [2]),
        ("uaaau", [3, 4]),
    ],
)
def test_roles_alternate(roles: str, places: list[int]) -> None:
    turns = dialogue(*["A message."] * len(roles), roles=roles)
    assert [finding.turn_number for finding in run("roles_alternate", turns)] == places


@pytest.mark.parametrize(
    ("reply", "severities"),
    [
        ("", ["error"]),
        (" \n\t", ["error"]),
        ("…", ["error"]),
        ("*** --- ***  __", ["error"]),
        ("Ok.", ["warning"]),
        ("Yes, exactly", ["warning"]),
        ("Yes, we can do that.", []),
        ("Take all of it", []),
        ("可以。", []),
        ("Congratulations!", []),
    ],
)
def test_empty_reply(reply: str, severities: list[str]) -> None:
    assert [severity for severity, _ in reply_places("empty_reply", reply)] == severities


def test_an_empty_message_of_the_user_is_not_a_reply() -> None:
    assert run("empty_reply", dialogue("", "I am here whenever you are ready.")) == ()


@pytest.mark.parametrize(
    ("contents", "places"),
    [
        ((LONG, "A", LONG, "B"), {3: 1}),
        ((LONG, "A", f"  {LONG.upper()}\n\n", "B"), {3: 1}),
        ((LONG, LONG), {2: 1}),
        ((LONG, "A", LONG, LONG), {3: 1, 4: 1}),
        (("Thank you so much!", "A", "Thank you so much!", "B"), {}),
        ((LONG, "A", LONG + "More than before.", "B"), {}),
        (FILLER, {}),
    ],
)
def test_repeated_message(contents: tuple[str, ...], places: dict[int, int]) -> None:
    findings = run("repeated_message", dialogue(*contents))
    assert {finding.turn_number for finding in findings} == set(places)
    assert all(f"turn {places[finding.turn_number or 0]}." in finding.explanation for finding in findings)


def _set(
    *, conversations: int = 100, counts: Counter[int] | None = None, q1: float = 1000, q3: float = 2000
) -> SetContext:
    known = counts or Counter()
    return SetContext(
        conversations=conversations, gram_count=lambda key: known[key], reply_chars_q1=q1, reply_chars_q3=q3
    )


@pytest.mark.parametrize(
    ("chars", "context", "found"),
    [
        (39, None, True),
        (40, None, False),
        (12_000, None, False),
        (12_001, None, True),
        (120, _set(), True),
        (130, _set(), False),
        (16_000, _set(), False),
        (16_001, _set(), True),
        (1000, _set(q1=1000, q3=1000), False),
        (1900, _set(q1=1000, q3=1000), False),
        (2000, _set(q1=1000, q3=1000), True),
        (39, _set(q1=0, q3=0), True),
    ],
)
def test_length_outlier(chars: int, context: SetContext | None, found: bool) -> None:
    findings = run("length_outlier", dialogue("x" * 5, "x" * chars), context=context)
    assert [finding.turn_number for finding in findings] == ([2] if found else [])


OPENING = "First — take a *breath* with me, Jana. "
CLOSING = " You can do this, step by step!"
BODY = "The rate went up in the spring, so the payment follows a month later, and then it stays. " * 6


@pytest.mark.parametrize(
    ("count", "conversations", "found"),
    [(5, 20, True), (4, 20, False), (5, 19, False), (99, 1000, False), (100, 1000, True)],
)
def test_boilerplate_counts_conversations(count: int, conversations: int, found: bool) -> None:
    turns = dialogue("Hello", OPENING + BODY)
    counts = Counter(dict.fromkeys(boilerplate_grams(dialogue("Hi", OPENING + "Something else follows here.")), count))
    findings = run("boilerplate", turns, context=_set(conversations=conversations, counts=counts))
    places = [turns[1].content[slice(*finding.span)] for finding in findings if finding.span]
    assert places == (["First — take a *breath* with"] if found else [])


def test_boilerplate_closing_is_marked_at_its_place() -> None:
    turns = dialogue("Hello", BODY + CLOSING)
    counts = Counter(dict.fromkeys(boilerplate_grams(dialogue("Hi", "Short and other words before." + CLOSING)), 60))
    (finding,) = run("boilerplate", turns, context=_set(counts=counts))
    assert finding.span is not None
    assert turns[1].content[slice(*finding.span)] == "do this, step by step"
    assert finding.explanation == "60 conversations have a reply with this closing, 60 % of the set."


def test_boilerplate_is_silent_without_the_set_and_for_users() -> None:
    turns = dialogue(OPENING + BODY, OPENING + BODY)
    assert run("boilerplate", turns) == ()
    everywhere = SetContext(conversations=20, gram_count=lambda _: 20, reply_chars_q1=1, reply_chars_q3=1)
    assert {finding.turn_number for finding in run("boilerplate", turns, context=everywhere)} == {2}


def test_boilerplate_keys_fit_a_bigint_and_never_change() -> None:
    keys = boilerplate_grams(dialogue("Hi", "One two three four five."))
    assert keys == KEYS_OF_FIVE_WORDS
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert boilerplate_grams(dialogue("Hi", "Only four words here")) == frozenset()


#: Stored in databases: a change needs a new version of the check.
KEYS_OF_FIVE_WORDS = frozenset({-6340969536402751015, 3465964343182964463})
