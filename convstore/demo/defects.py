"""Defects planted in the demonstration set, so that every check has something to find. All data is invented.

A defect depends on the position of a conversation alone: one in `PERIOD` of each kind, whatever the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

__all__ = [
    "ARC_MISSED",
    "DEFECTS",
    "ENDS_ON_USER",
    "NEAR_DUPLICATE",
    "PERIOD",
    "PERSONAL_DATA",
    "REPEATS",
    "TRUNCATED_BACKSLASH",
    "TRUNCATED_SENTENCE",
    "cut_off",
    "defect_at",
    "personal_data",
]

TRUNCATED_BACKSLASH = "truncated_backslash"
TRUNCATED_SENTENCE = "truncated_mid_sentence"
NEAR_DUPLICATE = "near_duplicate"
ENDS_ON_USER = "ends_on_user"
PERSONAL_DATA = "personal_data"
REPEATS = "repeats"
ARC_MISSED = "arc_missed"

PERIOD = 40

#: Which defect is planted at which position of every period. Neighbours before a near duplicate stay clean,
#: because a near duplicate is a copy of the conversation before it.
DEFECTS: Mapping[int, str] = {
    4: TRUNCATED_BACKSLASH,
    9: ENDS_ON_USER,
    14: PERSONAL_DATA,
    20: NEAR_DUPLICATE,
    25: TRUNCATED_SENTENCE,
    31: REPEATS,
    36: ARC_MISSED,
}

# E-mail under reserved domains; phone numbers from the range kept for drama; the published test cards.
_MAILS = ("{name}.home@example.com", "{name}1962@example.org", "post-{name}@mail.example.net")
_CARDS = ("5200 8282 8282 8210", "4012 8888 8888 1881", "5105-1051-0510-5100", "3782 822463 10005")


def defect_at(index: int) -> str | None:
    """The kind of defect planted at this position, if any."""
    return DEFECTS.get(index % PERIOD)


def cut_off(text: str, rng: Random, *, backslash: bool) -> str:
    """The first part of a reply, ending inside a sentence, as when a model runs out of tokens."""
    words = text.split(" ")
    keep = max(6, int(len(words) * rng.uniform(0.55, 0.85)))
    # A cut right after a full stop, or a few words into a paragraph, would not look like one.
    while keep > 6 and (
        words[keep - 1].endswith((".", "?", "!", ":", ";", ",")) or any("\n" in word for word in words[keep - 3 : keep])
    ):
        keep -= 1
    return " ".join(words[:keep]) + ("\\" if backslash else "")


def personal_data(index: int, name: str, rng: Random) -> str:
    """A sentence that gives away something personal; the kinds take turns."""
    kind = index // PERIOD % 4
    if kind == 0:
        mail = rng.choice(_MAILS).format(name=name.lower())
        return f"If it is easier, write to me at {mail} or ring {_phone(rng)}."
    if kind == 1:
        return f"You can ring me on {_phone(rng)} after six, I always pick up."
    if kind == 2:
        return f"The account they should pay it into is {_iban(rng)}, in case you need that."
    return f"They still have my card, {rng.choice(_CARDS)}, on file, and I would rather they did not."


def _phone(rng: Random) -> str:
    return f"+44 20 7946 0{rng.randrange(1000):03d}"


def _iban(rng: Random) -> str:
    """An IBAN of an invented bank whose check digits are right (ISO 13616, modulo 97)."""
    basic = "DEMO" + "".join(str(rng.randrange(10)) for _ in range(14))
    digits = "".join(str(int(char, 36)) for char in basic + "GB00")
    plain = f"GB{98 - int(digits) % 97:02d}{basic}"
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))
