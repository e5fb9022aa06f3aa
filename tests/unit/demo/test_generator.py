"""The generator: the same for the same seed, varied where it should be, flawed where it says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, islice

import phonenumbers
import pytest
from stdnum import iban, luhn

from convstore.demo import DEFECTS, DemoConversation, conversation_at, generate
from convstore.demo.voices import load_voices
from convstore.errors import UsageError

COUNT = 240


@pytest.fixture(scope="module")
def made() -> list[DemoConversation]:
    return list(generate(COUNT, seed=7))


def planted(made: Sequence[DemoConversation], kind: str) -> list[DemoConversation]:
    return [one for one in made if kind in one.planted]


def fivegrams(conversation: DemoConversation) -> set[tuple[str, ...]]:
    words = " ".join(turn.content for turn in conversation.turns).lower().split()
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def test_same_seed_gives_the_same_conversations(made: list[DemoConversation]) -> None:
    assert list(generate(COUNT, seed=7)) == made
    assert [one.turns for one in generate(20, seed=8)] != [one.turns for one in made[:20]]


def test_a_conversation_does_not_depend_on_the_count(made: list[DemoConversation]) -> None:
    assert list(islice(generate(1_000_000, seed=7), 50)) == made[:50]
    assert conversation_at(123, seed=7) == made[123]


def test_ids_are_unique_and_short(made: list[DemoConversation]) -> None:
    ids = {one.conversation_id for one in made}
    assert len(ids) == COUNT
    assert max(map(len, ids)) <= 100


def test_everything_is_represented_and_not_evenly(made: list[DemoConversation]) -> None:
    voices = load_voices()
    assert len(voices.personas) == 3
    assert len(voices.arcs) == 7
    assert len(voices.topics) == 12
    assert {one.persona_key for one in made} == {persona.key for persona in voices.personas}
    assert {one.topic_key for one in made} == {topic.key for topic in voices.topics}
    arcs = Counter(one.arc_key for one in made)
    assert set(arcs) == {arc.key for arc in voices.arcs}
    assert max(arcs.values()) >= 2 * min(arcs.values())


def test_turns_alternate_and_have_the_promised_length(made: list[DemoConversation]) -> None:
    for one in made:
        assert [turn.role for turn in one.turns] == [("user", "assistant")[at % 2] for at in range(len(one.turns))]
        assert 4 <= len(one.turns) + ("ends_on_user" in one.planted) <= 10
        for turn in one.turns:
            assert turn.content.strip() == turn.content
            assert "{" not in turn.content
            assert 0 <= turn.intensity <= 1
            assert (turn.strategy is None) == (turn.role == "user")


def test_a_large_set_uses_every_sentence_and_fills_every_slot() -> None:
    text = "\n".join(turn.content for one in generate(4000, seed=3) for turn in one.turns)
    assert "{" not in text
    for topic in load_voices().topics:
        fixed = [sentence for sentence in (*topic.steps, *topic.reminders) if "{" not in sentence]
        fixed += [words for exchange in topic.exchanges for words in exchange.questions if "{" not in words]
        assert [sentence for sentence in fixed if sentence not in text] == []


@pytest.mark.parametrize("messages", [4, 12, 40])
def test_length_can_be_chosen(messages: int) -> None:
    assert {len(one.turns) for one in generate(4, messages=messages)} == {messages}


@pytest.mark.parametrize("messages", [2, 5])
def test_impossible_length_is_refused(messages: int) -> None:
    with pytest.raises(UsageError, match=str(messages)):
        generate(1, messages=messages)


def test_feelings_move_along_the_arc(made: list[DemoConversation]) -> None:
    arcs = {arc.key: arc for arc in load_voices().arcs}
    for one in made:
        arc, first, last = arcs[one.arc_key], one.turns[0], one.turns[-1]
        assert first.emotion == arc.emotions[0]
        if "arc_missed" in one.planted:
            assert last.emotion == arc.emotions[0]
            assert abs(last.intensity - first.intensity) < 0.1
        else:
            assert last.emotion == arc.emotions[-1]
            assert first.intensity - last.intensity > 0.2


def test_scores_spread_from_one_to_five_and_some_are_missing(made: list[DemoConversation]) -> None:
    scores = [one.scores.quality for one in made]
    given = [score for score in scores if score is not None]
    assert {int(score) for score in given} == {1, 2, 3, 4, 5}
    assert 0.04 < scores.count(None) / COUNT < 0.15
    assert any(one.scores.quality is not None and one.scores.empathy is None for one in made)


def test_every_defect_is_planted_once_a_period(made: list[DemoConversation]) -> None:
    assert Counter(kind for one in made for kind in one.planted) == dict.fromkeys(DEFECTS.values(), 6)


def test_truncated_replies_stop_inside_a_sentence(made: list[DemoConversation]) -> None:
    for one in planted(made, "truncated_backslash"):
        assert one.turns[-1].role == "assistant"
        assert re.search(r"[^.!?]\\$", one.turns[-1].content)
    for one in planted(made, "truncated_mid_sentence"):
        assert one.turns[-1].role == "assistant"
        assert re.search(r"[\w'£]$", one.turns[-1].content)
    for one in made:
        if not any(kind.startswith("truncated") for kind in one.planted):
            assert one.turns[-1].content[-1] in ".!?"


def test_only_the_planted_end_on_the_user(made: list[DemoConversation]) -> None:
    assert [one for one in made if one.turns[-1].role == "user"] == planted(made, "ends_on_user")


def test_repeats_are_planted_and_only_those(made: list[DemoConversation]) -> None:
    def repeats(one: DemoConversation) -> bool:
        replies = [turn.content for turn in one.turns if turn.role == "assistant"]
        return any(earlier in later for earlier, later in combinations(replies, 2))

    assert [one for one in made if repeats(one)] == planted(made, "repeats")


def test_personal_data_is_well_formed_and_reserved(made: list[DemoConversation]) -> None:
    texts = [one.turns[0].content for one in planted(made, "personal_data")]
    mails = [found for text in texts for found in re.findall(r"[\w.-]+@[\w.-]+\w", text)]
    phones = [found for text in texts for found in re.findall(r"\+44 [\d ]+\d", text)]
    accounts = [found for text in texts for found in re.findall(r"GB\d\d(?: \w{4}){4} \w\w", text)]
    cards = [found for text in texts for found in re.findall(r"card, ([\d -]+\d)", text)]
    assert all(re.search(r"@(mail\.)?example\.(com|org|net)$", mail) for mail in mails)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
    assert all(phone.startswith("+44 20 7946 0") for phone in phones)
    assert all(iban.is_valid(account) for account in accounts)
    assert all(luhn.is_valid(re.sub(r"\D", "", card)) for card in cards)
    assert [bool(found) for found in (mails, phones, accounts, cards)] == [True] * 4
    assert len(phones) + len(accounts) + len(cards) == len(texts)


@pytest.mark.parametrize("seed", [7, 1234])
def test_only_planted_conversations_are_near_duplicates(seed: int) -> None:
    some = list(generate(COUNT, seed=seed))
    grams = [fivegrams(one) for one in some]
    alike = set()
    for first, second in combinations(range(COUNT), 2):
        shared = len(grams[first] & grams[second])
        if shared * 2 >= len(grams[first]) + len(grams[second]) - shared:
            alike.add((some[first].conversation_id, some[second].conversation_id))
    expected = {(one.duplicate_of, one.conversation_id) for one in planted(some, "near_duplicate")}
    assert alike == expected
    by_id = {one.conversation_id: one for one in some}
    contents = [{one: [turn.content for turn in by_id[one].turns] for one in pair if one} for pair in expected]
    assert all(first != second for first, second in (pair.values() for pair in contents))
