"""The counts that docs/findings.md states, over the real files where they are present. Numbers only, no text."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from convstore.checks import (
    CHECKS,
    CONVERSATIONS_READ,
    ArcPromise,
    CheckInput,
    Measured,
    SetContext,
    boilerplate_grams,
    check_conversation,
)
from convstore.formats import parse
from convstore.model import Draft, Finding, ParsedFile, Turn

REAL = Path(__file__).parents[3] / "../shared/data/real"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not beside this checkout")


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    """Every conversation of every readable file, repetitions of the same turns included."""
    parsed = [parse(path.read_bytes(), name=path.name) for path in sorted(REAL.iterdir())]
    files = [file for file in parsed if isinstance(file, ParsedFile)]
    return [draft for file in files for draft in file.conversations if isinstance(draft, Draft)]


@pytest.fixture(scope="module")
def distinct(drafts: list[Draft]) -> list[Draft]:
    return list({_text(draft.turns): draft for draft in drafts}.values())


def _text(turns: tuple[Turn, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((turn.role, turn.content) for turn in turns)


def _found(drafts: list[Draft]) -> list[tuple[Draft, Finding]]:
    grams = Counter(key for draft in drafts for key in boilerplate_grams(draft.turns))
    lengths = [len(turn.content) for draft in drafts for turn in draft.turns if turn.role == "assistant"]
    low, high = np.quantile(lengths, [0.25, 0.75])
    context = SetContext(
        conversations=len(drafts),
        gram_count=lambda key: grams[key],
        reply_chars_q1=float(low),
        reply_chars_q3=float(high),
    )
    return [
        (draft, finding)
        for draft in drafts
        for finding in check_conversation(
            CheckInput(turns=draft.turns, promise=ArcPromise.parse(draft.emotional_arc_key or ""), context=context)
        )
    ]


def _findings(drafts: list[Draft]) -> Counter[tuple[str, str]]:
    return Counter((finding.code, finding.severity) for _, finding in _found(drafts))


def _deserves_a_look(draft: Draft, finding: Finding, drafts: list[Draft]) -> bool:
    """What reading them said, as rules that know nothing of how the checks find."""
    if finding.code == "ends_on_user":
        return draft.turns[-1].role == "user"
    if finding.code == "arc_missed":
        felt = [turn.detected_emotion for turn in draft.turns if turn.role == "user"]
        return len(draft.turns) == 2 and len(felt) == 1
    (turn,) = [turn for turn in draft.turns if turn.turn_number == finding.turn_number]
    if finding.code in ("truncated_reply", "length_outlier"):
        # The short replies that end well are whole: their family answers in a sentence.
        return turn.content.endswith("\\")
    assert finding.code == "boilerplate", finding.code
    opening = turn.content[:18].lower()
    return sum(any(one.content[:18].lower() == opening for one in other.turns) for other in drafts) >= 5


def test_every_lone_backslash_is_found_and_no_other_reply_is_called_cut_off(drafts: list[Draft]) -> None:
    ends = [turn.role for draft in drafts for turn in draft.turns if turn.content.rstrip().endswith("\\")]
    found = _findings(drafts)
    assert found["truncated_reply", "error"] == ends.count("assistant") > 0
    assert found["truncated_reply", "warning"] == ends.count("user")


def test_the_documented_counts(distinct: list[Draft]) -> None:
    assert len(distinct) == 39
    assert sum(len(draft.turns) for draft in distinct) == 247
    assert _findings(distinct) == {
        ("length_outlier", "notice"): 12,
        ("boilerplate", "notice"): 10,
        ("ends_on_user", "notice"): 9,
        ("truncated_reply", "error"): 6,
        ("truncated_reply", "warning"): 1,
        ("arc_missed", "warning"): 3,
    }


def test_the_rates_of_false_alarms_are_what_was_read(distinct: list[Draft]) -> None:
    assert len(distinct) == CONVERSATIONS_READ
    found = _found(distinct)
    for code, check in CHECKS.items():
        hits = [(id(draft), _deserves_a_look(draft, one, distinct)) for draft, one in found if one.code == code]
        false = [draft for draft, deserved in hits if not deserved]
        assert check.measured == Measured(
            findings=len(hits),
            conversations=len({draft for draft, _ in hits}),
            false_findings=len(false),
            false_conversations=len(set(false)),
        ), code
