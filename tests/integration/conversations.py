"""Small conversation files for tests about storing, not about reading."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["conversation", "document", "folder_of"]


def document(identifier: str, question: str = "what now?", *, turns: int = 4) -> dict[str, object]:
    """A conversation with an id and scores of its own."""
    messages = [
        {"role": "user" if turn % 2 == 0 else "assistant", "content": f"{identifier}: {question} ({turn})"}
        for turn in range(turns)
    ]
    return {"conversation_id": identifier, "messages": messages}


def conversation(path: Path, identifier: str, question: str = "what now?", *, turns: int = 4) -> Path:
    """A file of one conversation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(identifier, question, turns=turns)))
    return path


def folder_of(folder: Path, *, count: int, turns: int = 4) -> Path:
    """A folder of files, one conversation each: talk-0, talk-1, …"""
    for number in range(count):
        conversation(folder / f"talk-{number}.json", f"talk-{number}", turns=turns)
    return folder
