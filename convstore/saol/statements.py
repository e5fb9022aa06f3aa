"""What a statement is about to do, judged from its tokens: destroy, unbounded change, refuse a transaction, end one.

A judgement for asking first, not a sandbox: what a function does inside is seen only by running it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convstore.errors import UsageError
from convstore.saol.tokens import Token, split

__all__ = ["StatementKind", "check_one_transaction", "parse_statements"]

_CONTROL = {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"}
_IDENTITY = {"role", "authorization"}
#: ALTER … DROP of these loses no rows and no objects.
_HARMLESS_DROPS = {"default", "not", "expression", "identity"}
#: Words before UPDATE where it is no command: locks, triggers, actions of keys, upserts, privileges.
_NOT_A_COMMAND = {"for", "do", "on", "key", "no", "or", "before", "after", "of", "grant", "revoke", ","}
_CONSTANTS = {"true", "false", "null", "not", "and", "or", "is"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementKind:
    """One statement and what it is about to do.

    `danger` says why it needs a confirmation. `alone` is true for what cannot run inside a transaction.
    """

    text: str
    command: str
    danger: str | None
    alone: bool
    ends_transaction: bool
    changes_identity: bool
    tokens: tuple[Token, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The table or index that a statement outside transactions is about, where it names one."""
        return _subject(self.tokens)


def parse_statements(source: str) -> list[StatementKind]:
    """Every statement of a script.

    Raises
    ------
    UsageError
        If there is none.
    """
    if not isinstance(source, str):
        raise UsageError(f"sql is text, not {type(source).__name__}", hint="Give the statement as text.")
    found = [_judge(text, tokens) for text, tokens in split(source)]
    if not found:
        raise UsageError("there is no statement", code="ERR_DDL_SYNTAX", hint="Give at least one statement.")
    return found


def check_one_transaction(statements: Sequence[StatementKind]) -> None:
    """Refuse what would end the transaction in which the statements are to run.

    Raises
    ------
    UsageError
        ERR_TRANSACTION_CONTROL, or ERR_DDL_NOT_TRANSACTIONAL for one of several that must run alone.
    """
    for statement in statements:
        if statement.ends_transaction:
            raise UsageError(
                f"{statement.command} would end the transaction that the statements run in",
                code="ERR_TRANSACTION_CONTROL",
                hint="Leave BEGIN, COMMIT and the like out: everything runs in one transaction already.",
            )
        if statement.alone and len(statements) > 1:
            raise UsageError(
                f"{statement.command} cannot run in a transaction with other statements",
                code="ERR_DDL_NOT_TRANSACTIONAL",
                hint="Run it by itself, or use agent_manage_index, agent_vacuum or agent_reindex.",
            )


def _judge(text: str, tokens: list[Token]) -> StatementKind:
    words = [token.text if token.kind == "word" else "" for token in tokens]
    first = words[0]
    second = words[1] if len(words) > 1 else ""
    return StatementKind(
        text=text,
        command=" ".join(words[: 2 if first in ("create", "alter", "drop") else 1]).strip().upper() or tokens[0].text,
        danger=_danger(tokens, words),
        alone=_alone(words),
        ends_transaction=first in _CONTROL or (first == "prepare" and second == "transaction"),
        changes_identity=(first in ("set", "reset") and bool(_IDENTITY & set(words[1:4])))
        or first in ("do", "discard")
        or (first == "reset" and second == "all")
        or any(token.kind in ("word", "name") and token.text.lower() == "set_config" for token in tokens),
        tokens=tuple(tokens),
    )


def _alone(words: list[str]) -> bool:
    start = words[:3]
    return (
        (start[0] in ("create", "drop", "reindex", "alter") and "concurrently" in words)
        or start[0] == "vacuum"
        or start[:2] in (["create", "database"], ["drop", "database"], ["alter", "system"])
        or start[:2] in (["create", "tablespace"], ["drop", "tablespace"], ["create", "subscription"])
        or (start[0] == "reindex" and bool({"database", "system", "schema"} & set(words)))
    )


def _danger(tokens: list[Token], words: list[str]) -> str | None:
    first = words[0]
    if first in ("drop", "truncate"):
        return f"{first.upper()} cannot be undone"
    if first == "vacuum" and "full" in words:
        return "VACUUM FULL locks the table against everybody and rewrites it"
    if first == "alter" and any(
        word == "drop" and after not in _HARMLESS_DROPS for word, after in zip(words, [*words[1:], ""], strict=True)
    ):
        return "ALTER … DROP cannot be undone"
    if first == "execute":
        return "EXECUTE runs a prepared statement that cannot be looked into"
    if first == "do":
        dangers = (_danger_of_body(token) for token in tokens if token.kind in ("body", "text"))
        return next((found for found in dangers if found), None)
    return _unbounded(tokens, words)


def _danger_of_body(body: Token) -> str | None:
    source = body.text if body.kind == "body" else body.text.lstrip("eE").strip("'").replace("''", "'")
    for _, tokens in split(source):
        words = [token.text if token.kind == "word" else "" for token in tokens]
        for word, reason in (("drop", "drops"), ("truncate", "truncates"), ("execute", "runs SQL that it composes")):
            if word in words:
                return f"the block {reason}"
        found = _unbounded(tokens, words, anywhere=True)
        if found:
            return found
    return None


def _unbounded(tokens: list[Token], words: list[str], *, anywhere: bool = False) -> str | None:
    """Why a DELETE, UPDATE or MERGE at any depth changes every row, None if none does."""
    for at, word in enumerate(words):
        before = (words[at - 1] or tokens[at - 1].text) if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if word == "delete" and before == "then" and "merge" in words[:at]:
            return "MERGE … DELETE removes rows"
        is_delete = word == "delete" and after == "from"
        is_update = word == "update" and before not in _NOT_A_COMMAND and _has(tokens, words, at, "set")
        starts = at == 0 or before in ("(", ")") or anywhere or words[0] in ("explain", "prepare", "create")
        if (is_delete or (is_update and starts)) and not _is_bounded(tokens, words, at):
            return f"{word.upper()} without WHERE changes every row"
    return None


def _rest(tokens: list[Token], at: int) -> range:
    """Positions behind `at` up to the end of its parentheses."""
    end = next((n for n in range(at, len(tokens)) if tokens[n].depth < tokens[at].depth), len(tokens))
    return range(at + 1, end)


def _has(tokens: list[Token], words: list[str], at: int, word: str) -> bool:
    return any(words[n] == word and tokens[n].depth == tokens[at].depth for n in _rest(tokens, at))


def _is_bounded(tokens: list[Token], words: list[str], at: int) -> bool:
    """True if the command has a WHERE that depends on the row."""
    rest = _rest(tokens, at)
    where = next((n for n in rest if words[n] == "where" and tokens[n].depth == tokens[at].depth), None)
    if where is None:
        return False
    for n in range(where + 1, rest.stop):
        if words[n] == "returning" and tokens[n].depth == tokens[at].depth:
            return False
        if tokens[n].kind == "name" or (tokens[n].kind == "word" and words[n] not in _CONSTANTS):
            return True
    return False


def _subject(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Names behind ON, or behind the command's own words."""
    words = [token.text if token.kind == "word" else "" for token in tokens]
    skipped = {"vacuum", "full", "freeze", "verbose", "analyze", "reindex", "table", "index", "concurrently", "only"}
    skipped |= {"drop", "if", "exists"}
    if "on" in words:
        at = words.index("on") + 1
    else:
        outer = (n for n, token in enumerate(tokens) if token.depth <= 0 and token.text not in ("(", ")"))
        at = next((n for n in outer if words[n] not in skipped), len(tokens))
    while at < len(tokens) and words[at] == "only":
        at += 1
    parts = []
    while at < len(tokens) and tokens[at].kind in ("word", "name"):
        parts.append(tokens[at].text)
        if at + 1 >= len(tokens) or tokens[at + 1].text != ".":
            break
        at += 2
    return tuple(parts)
