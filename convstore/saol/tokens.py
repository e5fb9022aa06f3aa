"""SQL cut into tokens and statements, so that words in text, comments and bodies are not taken for commands.

PostgreSQL's lexical rules with standard strings. Knows no meaning: `convstore.saol.statements` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Token", "split", "tokenize"]

Kind = Literal["word", "name", "text", "body", "number", "mark"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*'?)
    | (?P<text>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'?)
    | (?P<name>(?:[uU]&)?"(?:[^"]|"")*"?)
    | (?P<body>\$(?:[^\W\d]\w*)?\$)
    | (?P<number>\$?\d[\w.]*)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL; `text` is lower case for words, unquoted for names, the inside for bodies."""

    kind: Kind
    text: str
    start: int
    end: int
    depth: int


def tokenize(source: str) -> list[Token]:
    """Every token but space and comments; `depth` counts the parentheses around it."""
    found: list[Token] = []
    at = depth = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        assert match is not None
        kind, text, end = match.lastgroup, match.group(), match.end()
        if kind == "comment":
            end = _comment_end(source, end)
        elif kind == "body":
            close = source.find(text, end)
            inside, end = (source[end:close], close + len(text)) if close >= 0 else (source[end:], len(source))
            found.append(Token("body", inside, at, end, depth))
        elif kind == "word":
            found.append(Token("word", text.lower(), at, end, depth))
        elif kind == "name":
            found.append(Token("name", text[1:].removesuffix('"').replace('""', '"'), at, end, depth))
        elif kind in ("text", "escaped"):
            found.append(Token("text", text, at, end, depth))
        elif kind == "number":
            found.append(Token("number", text, at, end, depth))
        elif kind == "mark":
            depth -= text == ")"
            found.append(Token("mark", text, at, end, depth))
            depth += text == "("
        at = end
    return found


def _comment_end(source: str, at: int) -> int:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(source, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(source)


def split(source: str) -> list[tuple[str, list[Token]]]:
    """Statements with their tokens, cut at semicolons outside parentheses and SQL-standard function bodies."""
    found: list[tuple[str, list[Token]]] = []
    piece: list[Token] = []
    block = 0
    for token in tokenize(source):
        if token.kind == "word":
            if token.text == "atomic" and piece and piece[-1].text == "begin":
                block = 1
            elif block:
                block += (token.text == "case") - (token.text == "end")
        if token.kind == "mark" and token.text == ";" and token.depth <= 0 and not block:
            _close(source, piece, found)
            piece = []
        else:
            piece.append(token)
    _close(source, piece, found)
    return found


def _close(source: str, piece: list[Token], found: list[tuple[str, list[Token]]]) -> None:
    if piece:
        found.append((source[piece[0].start : piece[-1].end], piece))
