"""What a template or a program left behind: unfilled fields, filler text, notes of the author.

A field that is quoted, or stands in code, is spoken about and not left behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convstore.checks.contract import Check, CheckInput, Hit, Measured

__all__ = ["CHECK"]

_LEFTOVER = re.compile(
    r"""
      (?P<object>  \[object\ [A-Z]\w{2,30}\] )
    | (?P<field>   \{\{ [^{}\n]{0,80} \}\} | \$\{ [A-Za-z_][\w.]{0,60} \} )
    | (?P<bracket> \[ (?: (?i:your|insert|enter|add|fill\ in|client(?:'s)?|customer(?:'s)?|company|user|recipient|sender
                    |first|last|full|name|date|amount|number|address|phone|email|city|placeholder|specific) \b
                    [^\[\]\n]{0,40} | [XYZ] (?:\ \w{1,20})? ) \] (?! \( ) )
    | (?P<note>    \b (?: TODO | FIXME | TBD ) : )
    | (?P<filler>  \b (?: [Ll]orem\ [Ii]psum | LOREM\ IPSUM ) \b )
    """,
    re.VERBOSE,
)
#: Cheap to look for, and part of every leftover.
_SIGNS = ("[", "{", "TODO:", "FIXME:", "TBD:", "orem", "LOREM")
_MEANING = {
    "object": "A program printed an object where words were meant.",
    "field": "A template field was never filled in.",
    "bracket": "A field in brackets was never filled in.",
    "note": "A note of the author was left in.",
    "filler": "Filler text was left in.",
}
#: Code and quotations, the latter within one line; an apostrophe inside a word neither opens nor closes one.
_SPOKEN_ABOUT = re.compile(
    r"""```.*?(?:```|\Z)|`[^`\n]*`|(?<!\w)(?:"[^"\n]*"|“[^“”\n]*”|‘[^‘’\n]*’|'(?:[^'\n]|(?<=\w)'(?=\w))*')""", re.DOTALL
)


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    for turn in conversation.turns:
        text = turn.content
        if not any(sign in text for sign in _SIGNS):
            continue
        spoken_about = [match.span() for match in _SPOKEN_ABOUT.finditer(text)]
        for leftover in _LEFTOVER.finditer(text):
            start, end = leftover.span()
            if any(low <= start < high for low, high in spoken_about):
                continue
            yield Hit(_MEANING[str(leftover.lastgroup)], turn.turn_number, (start, end))


CHECK = Check(
    code="placeholder",
    label="Placeholder",
    severity="warning",
    version=1,
    explanation="An unfilled template field, filler text or a printed object was left in a message.",
    hits=_hits,
    measured=Measured(),
)
