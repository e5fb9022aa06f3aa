"""The formats for eyes and spreadsheets: CSV with one line a message, and Markdown."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from convstore.model import DIMENSIONS
from convstore.release.formats.writer import ClosedPart, refuse_blank
from convstore.release.rows import ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.samples import system_prompt
from convstore.release.staging import HashedFile

__all__ = ["CsvPart", "MarkdownPart"]

_CONVERSATION = (
    "conversation_name", "description", "category", "status", "tier", "persona_key", "emotional_arc_key", "topic_key",
    "starting_emotion", "ending_emotion", "source_name", "turns_sha256", "reviewed_by", "reviewed_at", "created_at",
)  # fmt: skip
_TURN = (
    "turn_number", "role", "content", "detected_emotion", "emotional_intensity", "primary_strategy", "tone",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvPart:
    """One line a message, the conversation's columns repeated on each.

    A cell that a spreadsheet would run as a formula starts with an apostrophe.
    """

    def __init__(self, path: Path, options: ReleaseOptions) -> None:
        self._file = HashedFile(path)
        self._options = options
        self._rows = 0
        header = ("conversation_id", *_TURN, "train", "system_prompt", "split", *_CONVERSATION, "effective_quality")
        self._file.write(_csv([(*header, *DIMENSIONS.values(), *(f"human_{name}" for name in DIMENSIONS.values()))]))

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write the messages of conversations."""
        refuse_blank(rows)
        receipts = []
        for row in rows:
            data = _csv(self._lines(row))
            self._file.write(data)
            self._rows += len(row.turns)
            receipts.append(RowReceipt(len(row.turns), hashlib.sha256(data).hexdigest()))
        return receipts

    def close(self) -> list[ClosedPart]:
        """Bring the file to the disk."""
        return [ClosedPart(self._file.path, self._file.seal(), self._rows, self._file.bytes)]

    def discard(self) -> None:
        """Close without any promise."""
        self._file.close()

    def _lines(self, row: ReleaseRow) -> Iterable[Sequence[object]]:
        conversation = row.conversation
        shared = [
            system_prompt(row, self._options),
            row.split,
            *(getattr(conversation, name) for name in _CONVERSATION),
            conversation.quality,
            *(getattr(conversation.scores, name) for name in DIMENSIONS),
            *(getattr(conversation.human_scores, name) for name in DIMENSIONS),
        ]
        for turn in row.turns:
            train = turn.role == "assistant" and turn.turn_number not in row.excluded_turns
            yield [
                conversation.conversation_id, *(getattr(turn, name) for name in _TURN), str(train).lower(), *shared,
            ]  # fmt: skip


class MarkdownPart:
    """A heading a conversation; messages stand in fences, so that nothing in them is rendered."""

    def __init__(self, path: Path, options: ReleaseOptions) -> None:
        self._file = HashedFile(path)
        self._options = options
        self._rows = 0

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write conversations."""
        refuse_blank(rows)
        receipts = []
        for row in rows:
            data = self._section(row).encode("utf-8")
            self._file.write(data)
            self._rows += 1
            receipts.append(RowReceipt(1, hashlib.sha256(data).hexdigest()))
        return receipts

    def close(self) -> list[ClosedPart]:
        """Bring the file to the disk."""
        return [ClosedPart(self._file.path, self._file.seal(), self._rows, self._file.bytes)]

    def discard(self) -> None:
        """Close without any promise."""
        self._file.close()

    def _section(self, row: ReleaseRow) -> str:
        conversation = row.conversation
        facts = {
            "id": conversation.conversation_id,
            "status": conversation.status,
            "tier": conversation.tier,
            "persona": conversation.persona_key,
            "arc": conversation.emotional_arc_key,
            "topic": conversation.topic_key,
            "effective quality": conversation.quality,
            "reviewed by": conversation.reviewed_by,
            "split": row.split,
            "turns": conversation.turns_sha256,
        }
        lines = [f"## {_inline(conversation.conversation_name)}", ""]
        lines += [f"- {name}: {_inline(str(value))}" for name, value in facts.items() if value is not None]
        lines.append("")
        system = system_prompt(row, self._options)
        if system:
            lines += ["### system", "", _fenced(system), ""]
        for turn in row.turns:
            note = " (kept out of training)" if turn.turn_number in row.excluded_turns else ""
            lines += [f"### {turn.turn_number} {turn.role}{note}", "", _fenced(turn.content), ""]
        return "\n".join(lines) + "\n"


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_cell(value) for value in line] for line in lines)
    return out.getvalue().encode("utf-8")


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"~+", text)), default=0)
    fence = "~" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _inline(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(text.split()))
