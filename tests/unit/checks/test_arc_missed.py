"""Arcs that are reached, missed, or cannot be judged; and the spellings of a promise."""

import pytest

from convstore.checks import ArcPromise
from tests.unit.checks.labelled import emotions, run


def places(ending: str | None, *labels: tuple[str, str, float | None], **promise: object) -> list[int | None]:
    arc = ArcPromise(starting_emotion="shame", ending_emotion=ending, **promise)  # type: ignore[arg-type]
    return [finding.turn_number for finding in run("arc_missed", emotions(*labels), promise=arc)]


@pytest.mark.parametrize(
    ("ending", "label", "missed"),
    [
        ("acceptance", "acceptance", False),
        ("acceptance", "Accepting", False),
        ("empowerment", "cautiously_empowered", False),
        ("acceptance", "relief", False),
        ("acceptance", "validated_shame", False),
        ("confidence", "reduced anxiety", False),
        ("acceptance", "hopeful_but_anxious", False),
        ("acceptance", "bewitched", False),
        ("elevation", "bewitched", False),
        ("acceptance", "shame", True),
        ("elevation", "shame", True),
        ("acceptance", "Guilt", True),
        ("hope", "hopelessness", True),
        ("calm", "contempt", True),
        ("clarity", "overwhelmed", True),
        ("grief", "relief", True),
        ("grief", "sadness", False),
    ],
)
def test_the_end_is_compared_by_direction(ending: str, label: str, missed: bool) -> None:
    turns = (("user", "shame", None), ("assistant", "empathy", None), ("user", label, None))
    assert places(ending, *turns) == ([3] if missed else [])


def test_the_client_decides_and_not_the_assistant() -> None:
    assert places("acceptance", ("user", "shame", None), ("assistant", "acceptance", None)) == [1]
    assert places("acceptance", ("user", "relief", None), ("assistant", "shame", None)) == []
    assert places("acceptance", ("assistant", "shame", None)) == [1]


@pytest.mark.parametrize(
    ("start", "end", "closing", "missed"),
    [
        (0.8, 0.3, 0.4, False),
        (0.8, 0.3, 0.6, True),
        (0.8, 0.3, 0.1, False),
        (0.3, 0.8, 0.5, True),
        (0.3, 0.8, 0.9, False),
        (0.8, 0.8, 0.2, False),
        (None, 0.3, 0.9, False),
        (0.8, None, 0.9, False),
        (0.8, 0.3, None, False),
    ],
)
def test_the_intensity_counts_where_a_change_is_promised(
    start: float | None, end: float | None, closing: float | None, missed: bool
) -> None:
    found = places("relief", ("user", "relief", closing), intensity_start=start, intensity_end=end)
    assert found == ([1] if missed else [])


def test_without_a_promise_or_a_label_there_is_nothing_to_miss() -> None:
    assert run("arc_missed", emotions(("user", "shame", 0.9))) == ()
    assert places("acceptance") == []
    assert places(None, ("user", "shame", 0.9)) == []


@pytest.mark.parametrize(
    ("text", "promise"),
    [
        ("shame_to_acceptance", ("shame", "acceptance", None, None)),
        ("couple_conflict_to_alignment", ("couple_conflict", "alignment", None, None)),
        ("Couple Conflict → Alignment", ("couple_conflict", "alignment", None, None)),
        ("shame(0.8) → acceptance(0.55)", ("shame", "acceptance", 0.8, 0.55)),
        ("fear -> hope", ("fear", "hope", None, None)),
    ],
)
def test_promises_are_read(text: str, promise: tuple[str, str, float | None, float | None]) -> None:
    arc = ArcPromise.parse(text)
    assert arc is not None
    assert (arc.starting_emotion, arc.ending_emotion, arc.intensity_start, arc.intensity_end) == promise


@pytest.mark.parametrize("text", ["", "acceptance", "a → b → c", " → hope", "shame_to_"])
def test_what_is_no_promise_is_none(text: str) -> None:
    assert ArcPromise.parse(text) is None
