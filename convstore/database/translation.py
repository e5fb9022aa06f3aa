"""From SQLSTATEs to the product's errors: the only place that knows both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
import sqlalchemy.exc

from convstore.errors import (
    ConflictError,
    ConvstoreError,
    DatabaseError,
    DatabaseUnavailableError,
    ForbiddenError,
    InvalidInputError,
)

__all__ = ["RULES", "Rule", "code_of", "translate", "translated"]


class Rule(NamedTuple):
    """What a SQLSTATE means here and what to do next."""

    code: str
    error: type[ConvstoreError]
    hint: str
    retryable: bool = False


RULES: dict[str, Rule] = {
    "23505": Rule("ERR_DB_UNIQUE_VIOLATION", ConflictError, "Update the existing row (upsert), or use another key."),
    "23503": Rule("ERR_DB_FK_VIOLATION", ConflictError, "Import the rows that it refers to first."),
    "23502": Rule("ERR_DB_NOT_NULL_VIOLATION", InvalidInputError, "Give the column a value."),
    "23514": Rule("ERR_DB_CHECK_VIOLATION", InvalidInputError, "Give a value that the constraint allows."),
    "22P02": Rule("ERR_CAST_INVALID_INPUT", InvalidInputError, "Give a value of the column's type."),
    "22007": Rule("ERR_CAST_INVALID_INPUT", InvalidInputError, "Give a date or time in ISO form."),
    "22008": Rule("ERR_CAST_INVALID_INPUT", InvalidInputError, "Give a date or time that exists."),
    "42P01": Rule("ERR_DB_TABLE_NOT_FOUND", DatabaseError, "Run `convstore init`, or correct the table's name."),
    "3F000": Rule("ERR_DB_TABLE_NOT_FOUND", DatabaseError, "Run `convstore init`, or correct the schema's name."),
    "42703": Rule("ERR_DB_COLUMN_NOT_FOUND", DatabaseError, "Correct the column's name."),
    "42601": Rule("ERR_DDL_SYNTAX", DatabaseError, "Correct the statement at the position that the server names."),
    "42P07": Rule("ERR_OBJECT_EXISTS", DatabaseError, "Use IF NOT EXISTS, or another name."),
    "42710": Rule("ERR_OBJECT_EXISTS", DatabaseError, "Use IF NOT EXISTS, or another name."),
    "42704": Rule("ERR_OBJECT_NOT_FOUND", DatabaseError, "Correct the name, or create the object first."),
    "42883": Rule("ERR_OBJECT_NOT_FOUND", DatabaseError, "Correct the function's name and its arguments' types."),
    "25P02": Rule("ERR_TRANSACTION_FAILED", DatabaseError, "Roll back and run the transaction again."),
    "22001": Rule("ERR_VALUE_OUT_OF_RANGE", InvalidInputError, "Shorten the value."),
    "22003": Rule("ERR_VALUE_OUT_OF_RANGE", InvalidInputError, "Give a number that the column can hold."),
    "22021": Rule("ERR_CHAR_INVALID_UTF8", InvalidInputError, "Remove NUL and invalid characters (sanitize)."),
    "22P05": Rule("ERR_CHAR_INVALID_UTF8", InvalidInputError, "Remove NUL and invalid characters (sanitize)."),
    "57014": Rule("ERR_TIMEOUT", DatabaseError, "Narrow the request, or allow more time.", True),
    "40001": Rule("ERR_TRANSIENT", ConflictError, "Try again.", True),
    "40P01": Rule("ERR_TRANSIENT", ConflictError, "Try again.", True),
    "55P03": Rule("ERR_TRANSIENT", ConflictError, "Somebody else holds the rows; try again.", True),
    "53300": Rule("ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "No connection is free on the server; retry.", True),
    "57P01": Rule("ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "The server was stopped; try again.", True),
    "57P02": Rule("ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "The server was stopped; try again.", True),
    "57P03": Rule("ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "The server is starting; try again.", True),
    "53100": Rule("ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "The server's disk is full: free some space.", True),
}  # fmt: skip

_UNAVAILABLE = Rule(
    "ERR_DB_UNAVAILABLE", DatabaseUnavailableError, "Check that the server runs and answers; nothing was changed.", True
)
_DENIED = Rule("ERR_AUTH_RLS_DENIED", ForbiddenError, "Ask an admin of the workspace for the right.")
_NO_ACCESS = Rule("ERR_SCHEMA_ACCESS_DENIED", ForbiddenError, "Use a role that has the privilege, or ask an admin.")
_JSONB = Rule("ERR_CAST_JSONB", InvalidInputError, "Give valid JSON.")
_CONTROL = Rule("ERR_CHAR_CONTROL", InvalidInputError, "Remove NUL characters (sanitize).")
_FATAL = Rule("ERR_FATAL", DatabaseError, "Read the server's message; `convstore doctor` checks the set-up.")


def code_of(error: psycopg.Error) -> Rule:
    """The rule for a driver's error, by its SQLSTATE and, where one state means two things, by its message."""
    state = error.sqlstate
    text = str(error)
    if state is None:
        if isinstance(error, psycopg.DataError) and "NUL" in text:
            return _CONTROL
        return _UNAVAILABLE if isinstance(error, psycopg.OperationalError) else _FATAL
    if state == "42501":
        # Our own triggers refuse by role with the same state as a policy.
        return _NO_ACCESS if text.startswith("permission denied") or "must be owner" in text else _DENIED
    if state == "22P02" and "json" in text:
        return _JSONB
    if state.startswith("08"):
        return _UNAVAILABLE
    return RULES.get(state, _FATAL)


def translate(error: psycopg.Error) -> ConvstoreError:
    """The product's error for a driver's: the server's own words stay in the facts."""
    rule = code_of(error)
    diagnostic = error.diag
    message = diagnostic.message_primary or str(error).strip() or type(error).__name__
    facts = {
        "sqlstate": error.sqlstate,
        "detail": diagnostic.message_detail,
        "server_hint": diagnostic.message_hint,
        "table": diagnostic.table_name,
        "column": diagnostic.column_name,
        "constraint": diagnostic.constraint_name,
        "position": diagnostic.statement_position,
    }
    return rule.error(
        message,
        code=rule.code,
        hint=rule.hint,
        retryable=rule.retryable,
        facts={name: value for name, value in facts.items() if value is not None},
    )


@contextmanager
def translated() -> Iterator[None]:
    """Let the product's errors out instead of the driver's."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as exc:
        if isinstance(exc.orig, psycopg.Error):
            raise translate(exc.orig) from exc
        raise
    except sqlalchemy.exc.TimeoutError as exc:
        raise DatabaseUnavailableError(
            "every connection of the pool is in use", hint="Try again, or raise CONVSTORE_POOL_SIZE."
        ) from exc
    except psycopg.Error as exc:
        raise translate(exc) from exc
    except UnicodeEncodeError as exc:
        # psycopg lets it through: half a surrogate pair is no text in any encoding.
        raise InvalidInputError(
            "a text holds characters that cannot be stored",
            code="ERR_CHAR_INVALID_UTF8",
            hint="Remove them (sanitize).",
        ) from exc
