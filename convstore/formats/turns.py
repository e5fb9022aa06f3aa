"""Pairs into turns. The trap of these files: a pair is an exchange in some and a single message in others.

Decided from content, never from a version, a name or the family:

- *exchange*: a pair has a response strategy, or every reply is there; pair k holds user 2k-1 and assistant 2k.
- *message*: a reply is null (a user's message), or only even numbers appear (assistants' messages alone, the user's
  survive in the history). `current_user_input` of an assistant's pair repeats the message before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from convstore.formats.emotion import NO_EMOTION, Emotion, read_stated
from convstore.formats.node import Node, Notes, Refused, element_node
from convstore.formats.pairs import Pair, Text
from convstore.formats.paths import item_path
from convstore.model import Turn

__all__ = ["make_turn", "numbered", "turns_of_pairs"]


def turns_of_pairs(
    pairs: Sequence[Pair], notes: Notes, *, path: str, assistants_only: bool = False
) -> tuple[Turn, ...]:
    """The turns of a conversation, numbered 1..N.

    Parameters
    ----------
    path
        Where the pairs stand, for warnings.
    assistants_only
        True if the family keeps users' messages in the history even where a null reply shows a user's pair.
    """
    if not pairs:
        raise Refused("ERR_NO_TURNS", "a conversation without messages", path)
    if _are_exchanges(pairs):
        return numbered(_exchange_turns(_in_order(pairs, notes, path)), notes, path)
    if assistants_only or all(pair.reply.value is not None for pair in pairs):
        return numbered(_turns_with_history(pairs, notes, path), notes, path)
    return numbered([_message_turn(pair) for pair in _in_order(pairs, notes, path)], notes, path)


def numbered(turns: Sequence[Turn], notes: Notes, path: str) -> tuple[Turn, ...]:
    """The turns counted from 1, with a warning where user and assistant do not alternate."""
    roles = [turn.role for turn in turns]
    if any(role != ("assistant" if index % 2 else "user") for index, role in enumerate(roles)):
        notes.warn("WARN_ROLE_ORDER", path, "user and assistant do not alternate from the first message on")
    return tuple(
        turn if turn.turn_number == number else replace(turn, turn_number=number)
        for number, turn in enumerate(turns, start=1)
    )


def make_turn(role: str, text: Text, emotion: Emotion, number: int = 0, pair: Pair | None = None) -> Turn:
    """A turn; strategy and tone come from its pair and belong to assistants only."""
    return Turn(
        turn_number=number,
        role=role,
        content=text.content(),
        detected_emotion=emotion.label,
        emotion_confidence=emotion.confidence,
        emotional_intensity=emotion.intensity,
        primary_strategy=pair.strategy if pair and role == "assistant" else None,
        tone=pair.tone if pair and role == "assistant" else None,
    )


def _are_exchanges(pairs: Sequence[Pair]) -> bool:
    if any(pair.has_strategy for pair in pairs):
        return True
    if any(pair.reply.value is None for pair in pairs):
        return False
    return not all(pair.number is not None and pair.number % 2 == 0 for pair in pairs)


def _in_order(pairs: Sequence[Pair], notes: Notes, path: str) -> Sequence[Pair]:
    """By number where the numbers run 1..N, else as they stand in the file."""
    numbers = [pair.number for pair in pairs if pair.number is not None]
    if len(numbers) == len(pairs) and sorted(numbers) == list(range(1, len(pairs) + 1)):
        return sorted(pairs, key=lambda pair: pair.number or 0)
    _note_numbers(notes, path)
    return pairs


def _note_numbers(notes: Notes, path: str) -> None:
    notes.warn("WARN_TURN_NUMBERS", path, "turn numbers are missing or repeated; the order of the file is kept")


def _exchange_turns(pairs: Sequence[Pair]) -> list[Turn]:
    turns: list[Turn] = []
    for pair in pairs:
        turns.append(make_turn("user", pair.user, pair.emotion, len(turns) + 1))
        if pair.reply.value is not None:
            turns.append(make_turn("assistant", pair.reply, pair.emotion, len(turns) + 1, pair))
    return turns


def _message_turn(pair: Pair) -> Turn:
    if pair.reply.value is None:
        return make_turn("user", pair.user, pair.emotion, pair.number or 0)
    return make_turn("assistant", pair.reply, pair.emotion, pair.number or 0, pair)


def _turns_with_history(pairs: Sequence[Pair], notes: Notes, path: str) -> list[Turn]:
    """Turns at their numbers; what has no pair of its own comes from the histories, which are exact here."""
    known = {pair.number: _message_turn(pair) for pair in pairs if pair.number is not None and pair.number > 0}
    if len(known) < len(pairs):
        _note_numbers(notes, path)
        return _repeated_inputs(pairs)
    last = max(known)
    for pair in sorted(pairs, key=lambda pair: pair.number or 0):
        for number, turn in _history_turns(pair, wanted=last, known=known):
            known[number] = turn
        before = (pair.number or 0) - 1
        if before > 0 and before not in known and pair.reply.value is not None and pair.user.value is not None:
            known[before] = make_turn("user", pair.user, NO_EMOTION, before)
    if len(known) < last:
        _note_numbers(notes, path)
    return [known[number] for number in sorted(known)]


def _history_turns(pair: Pair, *, wanted: int, known: dict[int, Turn]) -> Iterator[tuple[int, Turn]]:
    history_path = pair.node.at("conversation_history")
    for index, value in enumerate(pair.node.items("conversation_history")):
        entry = element_node(value, item_path(history_path, index), pair.node.notes)
        declared = entry.whole("turn")
        number = index + 1 if declared is None else declared
        if 0 < number < wanted and number not in known:
            yield number, _history_turn(entry, number)


def _history_turn(entry: Node, number: int) -> Turn:
    role = entry.value.get("role")
    if role not in ("user", "assistant"):
        raise Refused("ERR_ROLE_UNKNOWN", "the role of a message is neither user nor assistant", entry.at("role"))
    emotion = read_stated(entry.node("emotional_state"), "primary")
    return make_turn(role, Text(entry, "content"), emotion, number)


def _repeated_inputs(pairs: Sequence[Pair]) -> list[Turn]:
    """Without usable numbers: each assistant's message after the user's message that its pair repeats."""
    turns: list[Turn] = []
    asked: object = None
    for pair in pairs:
        turn = _message_turn(pair)
        if turn.role == "assistant" and pair.user.value is not None and pair.user.value != asked:
            turns.append(make_turn("user", pair.user, NO_EMOTION))
        asked = pair.user.value
        turns.append(turn)
    return turns
