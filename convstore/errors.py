"""The exception tree. A problem of the data is a value; an exception is for the caller who cannot go on.

    ConvstoreError
    ├── UsageError            the call itself is wrong                       exit 2
    │   └── SettingsError     a setting is missing or malformed              exit 2
    ├── RefusedError          the request was understood and is not granted  exit 1
    │   ├── NotFoundError     no such row, for this identity
    │   ├── ForbiddenError    the role or a policy does not allow it
    │   ├── ConflictError     somebody or something else was first
    │   ├── InvalidInputError the input is not what it should be
    │   ├── QuotaError        the workspace's storage is full
    │   └── SignInError       nobody knows who asks
    ├── DatabaseError         the database refused a statement               exit 1
    └── UnavailableError      nobody answers, try again later                exit 3
        ├── DatabaseUnavailableError
        └── StorageUnavailableError

Drivers' exceptions are translated in `convstore.database` and `convstore.files` only, and shown in the
command line, the API and the page guard only. Anything outside this tree is a bug and looks like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

__all__ = [
    "ConflictError",
    "ConvstoreError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "ForbiddenError",
    "InvalidInputError",
    "NotFoundError",
    "QuotaError",
    "RefusedError",
    "SettingsError",
    "SignInError",
    "StorageUnavailableError",
    "UnavailableError",
    "UsageError",
]


class ConvstoreError(Exception):
    """Something expected went wrong, and this says what to do next.

    Parameters
    ----------
    message
        One sentence: what and where.
    hint
        What to do next, one sentence.
    facts
        Names and values behind the message, for logs and `--json`. Never conversation text, never a secret.
    code
        Stable, upper case, `ERR_…`; the class's own if left out.
    retryable
        True if the same call may succeed later without any change.
    """

    code: str = "ERR_FATAL"
    exit_status: ClassVar[int] = 1
    retryable: bool = False
    hint: str = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        facts: Mapping[str, object] | None = None,
        code: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.facts: dict[str, object] = dict(facts or {})
        if hint is not None:
            self.hint = hint
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable

    def as_dict(self) -> dict[str, object]:
        """The error as the command line and the API show it."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "facts": self.facts,
        }


class UsageError(ConvstoreError):
    """The call itself is wrong: an unknown sort, a malformed filter, a cursor of another list."""

    code = "ERR_USAGE"
    exit_status = 2


class SettingsError(UsageError):
    """A setting is missing or malformed."""

    code = "ERR_SETTINGS"


class RefusedError(ConvstoreError):
    """The request was understood and is not granted."""

    code = "ERR_REFUSED"


class NotFoundError(RefusedError):
    """No such row for this identity; a hidden row and a missing one look the same."""

    code = "ERR_NOT_FOUND"


class ForbiddenError(RefusedError):
    """The role in the workspace, or a policy of the database, does not allow it."""

    code = "ERR_AUTH_RLS_DENIED"


class ConflictError(RefusedError):
    """Somebody or something else was first: the row is not what the caller saw."""

    code = "ERR_CONFLICT"


class InvalidInputError(RefusedError):
    """The input is not what it should be; facts name the place."""

    code = "ERR_INVALID_INPUT"


class QuotaError(RefusedError):
    """The workspace's storage is full."""

    code = "ERR_QUOTA"


class SignInError(RefusedError):
    """It is not known who asks: a wrong password, or a token that is forged, expired or somebody else's."""

    code = "ERR_SIGN_IN"
    hint = "Sign in again."


class DatabaseError(ConvstoreError):
    """The database refused a statement; the code follows its SQLSTATE, facts carry the server's own words."""

    code = "ERR_FATAL"


class UnavailableError(ConvstoreError):
    """Nobody answers; nothing was changed; the same call may succeed later."""

    code = "ERR_UNAVAILABLE"
    exit_status = 3
    retryable = True


class DatabaseUnavailableError(UnavailableError):
    """No connection to PostgreSQL."""

    code = "ERR_DB_UNAVAILABLE"
    hint = "Check CONVSTORE_DATABASE_URL and that the server runs; `convstore doctor` tells more."


class StorageUnavailableError(UnavailableError):
    """The file store does not answer, or answers with a fault of its own."""

    code = "ERR_STORAGE_UNAVAILABLE"
    hint = "Check the storage settings and that the service runs; `convstore doctor` tells more."
