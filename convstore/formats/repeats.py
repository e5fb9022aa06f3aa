"""The same id twice in one file: noted on the later one, which stays in its place.

Whether that is a repetition or a conflict is for the store to say, by the same rule as across files: equal turns
change nothing, different turns are refused unless the caller asks to replace.
"""

from __future__ import annotations

from dataclasses import replace

from convstore.formats.paths import ROOT, item_path, member_path
from convstore.model import Draft, FormatWarning, ParsedFile

__all__ = ["note_repeats"]


def note_repeats(file: ParsedFile, document: object) -> ParsedFile:
    """The file with a warning on every draft whose id an earlier draft has."""
    # Only conversations that stand one by one can repeat an id: elements of `conversations`, or rows.
    path = ROOT if isinstance(document, list) else member_path(ROOT, "conversations")
    first: dict[str, Draft] = {}
    conversations = list(file.conversations)
    for index, conversation in enumerate(conversations):
        if not isinstance(conversation, Draft):
            continue
        earlier = first.setdefault(conversation.conversation_id, conversation)
        if earlier is not conversation:
            conversations[index] = replace(
                conversation, warnings=(*conversation.warnings, _warning(item_path(path, index), earlier, conversation))
            )
    return replace(file, conversations=tuple(conversations))


def _warning(path: str, earlier: Draft, later: Draft) -> FormatWarning:
    same = [(turn.role, turn.content) for turn in earlier.turns] == [(turn.role, turn.content) for turn in later.turns]
    message = f"the id {later.conversation_id} stands in this file before, with {'the same' if same else 'other'} turns"
    return FormatWarning("WARN_ID_REPEATED", path, message)
