"""Browsers that stay signed in: a secret in their cookie opens what lies sealed in the database.

The database keeps a hash of the secret and the tokens encrypted with it; the browser keeps the secret and no token. One
without the other is worth nothing, and removing the row ends the session everywhere at once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Database, system_context
from convstore.database.tables import sign_in_sessions
from convstore.errors import SignInError
from convstore.identity.claims import Identity
from convstore.identity.passwords import PasswordSession

__all__ = ["SESSION_LIFE", "BrowserSessions"]

#: After this long a browser has to sign in again, whatever happened in between.
SESSION_LIFE = timedelta(days=14)
#: A ticket travels once, at once, from the page to the address that sets the cookie.
_TICKET_LIFE = timedelta(seconds=60)

s = sign_in_sessions.c


class BrowserSessions:
    """The sessions of one store's browsers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, session: PasswordSession) -> str:
        """Keep a session for a moment; the ticket for which `exchange` gives the cookie's secret."""
        with self._database.transaction(system_context()) as connection:
            connection.execute(delete(sign_in_sessions).where(s.expires_at < func.now()))
        return self._keep(session, _TICKET_LIFE)

    def exchange(self, ticket: str) -> str | None:
        """The secret for the cookie of a ticket's browser; None if the ticket was used before, or waited too long."""
        session = self.find(ticket)
        # Whoever comes second with the same ticket removes nothing.
        return self._keep(session, SESSION_LIFE) if self.end(ticket) and session is not None else None

    def find(self, secret: str) -> PasswordSession | None:
        """The session that a secret opens; None if there is none any more."""
        query = select(s.sealed).where(s.key == _key_of(secret), s.expires_at > func.now())
        with self._database.transaction(system_context(), read_only=True) as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        return None if sealed is None else _unsealed(secret, sealed)

    def refresh(self, secret: str, renew: Callable[[PasswordSession], PasswordSession]) -> PasswordSession:
        """The session with a token that is good for a while.

        A token for renewing works once: of several windows of a browser one asks, the others take what it got.

        Raises
        ------
        SignInError
            It has ended, here or at the project.
        """
        own = s.key == _key_of(secret)
        try:
            with self._database.transaction(system_context()) as connection:
                query = select(s.sealed).where(own, s.expires_at > func.now()).with_for_update()
                sealed = connection.execute(query).scalar_one_or_none()
                if sealed is None:
                    raise SignInError("the sign-in has ended")
                session = _unsealed(secret, sealed)
                if session.is_stale:
                    session = renew(session)
                    connection.execute(update(sign_in_sessions).where(own).values(sealed=_sealed(secret, session)))
                return session
        except SignInError:
            self.end(secret)
            raise

    def end(self, secret: str) -> bool:
        """End the session in every window; False if there was none."""
        with self._database.transaction(system_context()) as connection:
            return connection.execute(delete(sign_in_sessions).where(s.key == _key_of(secret))).rowcount == 1

    def _keep(self, session: PasswordSession, life: timedelta) -> str:
        secret = secrets.token_urlsafe(32)
        row = {"key": _key_of(secret), "sealed": _sealed(secret, session), "expires_at": func.now() + life}
        with self._database.transaction(system_context()) as connection:
            connection.execute(insert(sign_in_sessions).values(row))
        return secret


# A secret is random and long, so that one round of hashing is enough; two words in front keep the two apart.
def _key_of(secret: str) -> str:
    return hashlib.sha256(b"key\0" + secret.encode()).hexdigest()


def _cipher(secret: str) -> Fernet:
    return Fernet(urlsafe_b64encode(hashlib.sha256(b"seal\0" + secret.encode()).digest()))


def _sealed(secret: str, session: PasswordSession) -> bytes:
    return _cipher(secret).encrypt(json.dumps(asdict(session), default=str).encode())


def _unsealed(secret: str, sealed: bytes) -> PasswordSession:
    values = json.loads(_cipher(secret).decrypt(sealed))
    identity = values.pop("identity")
    profile_id = identity.pop("profile_id")
    return PasswordSession(identity=Identity(**identity, profile_id=profile_id and UUID(profile_id)), **values)
