"""Replies that break off, and the many ways to end well without a full stop."""

import pytest

from tests.unit.checks.labelled import dialogue, reply_places, run

SENTENCE = "We could look at the fixed costs first and then at the loan, because that is where"


@pytest.mark.parametrize(
    ("reply", "severity", "place"),
    [
        ("You are ready for that talk, and it is not \\", "error", "\\"),
        ("You are ready for that talk.\n\n\\  \n", "error", "\\"),
        ("It ends after a full stop.\\", "error", "\\"),
        ("Three of them: \\\\\\", "error", "\\"),
        (f"{SENTENCE} the", "error", "the"),
        ("Let us begin with what you said about your", "error", "your"),
        ("That plan isn’t", "error", "isn’t"),
        (f"{SENTENCE} most,", "error", ","),
        (f"{SENTENCE} most –", "error", "–"),
        (f"{SENTENCE} most (", "error", "("),
        ("Run this:\n```python\nprint(1)\n", "error", "```"),
        (f"{SENTENCE} most savings hide", "warning", "hide"),
    ],
)
def test_found_where_it_breaks(reply: str, severity: str, place: str) -> None:
    assert reply_places("truncated_reply", reply) == [(severity, place)]


@pytest.mark.parametrize(
    "reply",
    [
        "A plain sentence.",
        "Would that help you to sleep better at night?",
        'She said: "take the time you need before you sign."',
        "*(and that is perfectly fine with all of them here.)*",
        "A path ends in C:\\\\data\\\\",
        "Take these three steps this week:\n\n- Call the bank\n- Ask for the rate of the loan and for its remaining",
        "Steps:\n1. Write down every cost that comes to your mind tonight and the",
        "It will take a while, and that is all right.\n\nWarmly,\nElena Moor",
        "I am with you.\n\nElena",
        "Read more at https://www.bank.org/loans/how-to-ask-for-a-lower-rate-and-the",
        "Run this:\n```python\nprint(1)\n```",
        "| rate | years |\n|---|---|\n| 5 | 30 and more than that if the bank agrees to it |",
        "## What comes next for the two of you in this plan",
        "Go with plan A",
        "You did it, and all of it in a single year! 🎉",
        "总是可以再谈。",
        "Please fill in the following:",
        "It costs $1,200",
        "Sure",
        "",
        "   ",
    ],
)
def test_ends_well(reply: str) -> None:
    assert reply_places("truncated_reply", reply) == []


def test_of_a_user_only_the_lone_backslash_is_told() -> None:
    (finding,) = run("truncated_reply", dialogue("I wanted to ask about the \\", "Of course, go ahead."))
    assert (finding.turn_number, finding.severity, finding.span) == (1, "warning", (26, 27))
    assert run("truncated_reply", dialogue(f"{SENTENCE} the", "Of course, go ahead.")) == ()
