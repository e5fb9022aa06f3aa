"""Words and sentences, counted as the data model says."""

from __future__ import annotations

import pytest

from convstore.textstats import sentence_count, word_count


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("", 0, 1),
        ("   ", 0, 1),
        ("One two\nthree\tfour", 4, 1),
        ("Really?! Yes. No...", 3, 3),
        ("Wait... what? — !", 4, 2),
        ("Water 2.5 litres.", 3, 2),
        ("人は水を飲む。", 1, 1),
        ("...", 1, 1),
    ],
)
def test_counts(text: str, words: int, sentences: int) -> None:
    assert word_count(text) == words
    assert sentence_count(text) == sentences
