"""The emotion that a file notes for a message, in the spellings of the families. Labels stay verbatim."""

from __future__ import annotations

from typing import NamedTuple

from convstore.formats.node import Node

__all__ = ["NO_EMOTION", "Emotion", "read_detected", "read_stated"]

_LONGEST_EMOTION_CHARS = 100


class Emotion(NamedTuple):
    """A label with how sure and how strong, each unless unknown."""

    label: str | None
    confidence: float | None
    intensity: float | None


NO_EMOTION = Emotion(None, None, None)


def read_detected(context: Node) -> Emotion:
    """From `emotional_context.detected_emotions{primary, primary_confidence, intensity}`."""
    return _read(context.node("detected_emotions"), "primary")


def read_stated(context: Node, label_key: str) -> Emotion:
    """From an object that holds the label itself: raw turns and entries of a history."""
    return _read(context, label_key)


def _read(node: Node, label_key: str) -> Emotion:
    if not node.value:
        return NO_EMOTION
    return Emotion(
        node.text(label_key, limit=_LONGEST_EMOTION_CHARS),
        node.number("primary_confidence", 0, 1, "WARN_CONFIDENCE_RANGE"),
        node.number("intensity", 0, 1, "WARN_INTENSITY_RANGE"),
    )
