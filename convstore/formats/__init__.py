"""Files of training conversations, whatever their family, into drafts that can be stored.

`parse` is the whole of it: bytes in, drafts and reasons out, never an exception about the content. Nothing here knows
a database, a file system or a screen. A family is one entry in `registry`.
"""

from __future__ import annotations

from convstore.formats.decode import decode
from convstore.formats.family import Source
from convstore.formats.node import Refused
from convstore.formats.own import document_of
from convstore.formats.registry import FAMILIES, detect
from convstore.formats.repeats import note_repeats
from convstore.model import ParsedFile, Rejection

__all__ = ["FAMILIES", "document_of", "parse"]


def parse(data: bytes, *, name: str, conversation_id: str | None = None) -> ParsedFile | Rejection:
    """What a file holds.

    Parameters
    ----------
    data
        The whole file.
    name
        The file's name, from which families without ids derive them; never used to tell the family.
    conversation_id
        The id of a raw conversation, which carries none.
    """
    document = decode(data)
    if isinstance(document, Rejection):
        return document
    family = detect(document)
    if isinstance(family, Rejection):
        return family
    try:
        return note_repeats(family.read(document, Source(name, conversation_id)), document)
    except Refused as refused:
        return Rejection(code=refused.code, reason=refused.reason, path=refused.path)
