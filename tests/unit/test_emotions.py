"""One spelling for emotion labels."""

from __future__ import annotations

import pytest

from convstore.emotions import normalise_emotion


@pytest.mark.parametrize("label", ["cautious_hope", "cautious hope", "Cautious-Hope", " cautious  hope "])
def test_variants_meet(label: str) -> None:
    assert normalise_emotion(label) == "cautious_hope"


def test_other_labels_stay_apart() -> None:
    assert normalise_emotion("Hope") == "hope" != normalise_emotion("hopes")
