"""E-mail and password through the sign-in service of a Supabase project, and sessions that are kept fresh."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convstore.database import Database
from convstore.errors import SettingsError, SignInError, UnavailableError
from convstore.identity.attempts import begin_attempt, forgive
from convstore.identity.claims import Identity
from convstore.identity.tokens import TokenVerifier
from convstore.settings import Settings

if TYPE_CHECKING:
    from supabase_auth import SyncGoTrueClient
    from supabase_auth.types import AuthResponse

__all__ = ["PasswordSession", "SupabasePasswords"]

#: Renewed this long before it ends.
_MARGIN_S = 60.0
_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSession:
    """Somebody signed in; kept on the server, never sent to the browser."""

    identity: Identity
    access_token: str
    refresh_token: str
    expires_at_s: float

    @property
    def is_stale(self) -> bool:
        """True if it has to be renewed before it is used again."""
        return time.time() > self.expires_at_s - _MARGIN_S


class SupabasePasswords:
    """Signs people in at one project; keeps nothing of them."""

    def __init__(self, settings: Settings, database: Database, verifier: TokenVerifier) -> None:
        if settings.supabase_url is None or settings.supabase_anon_key is None:
            raise SettingsError(
                "the sign-in with Supabase needs SUPABASE_URL and SUPABASE_ANON_KEY",
                hint="Set both; the project's API settings show them.",
            )
        self._url = f"{settings.supabase_url}/auth/v1"
        self._key = settings.supabase_anon_key.get_secret_value()
        self._database = database
        self._verifier = verifier

    def sign_in(self, email: str, password: str, *, address: str) -> PasswordSession:
        """A session for an e-mail and its password.

        Parameters
        ----------
        address
            Where the attempt comes from, for counting wrong ones.

        Raises
        ------
        SignInError
            E-mail or password are wrong, or there were too many attempts.
        UnavailableError
            The project does not answer.
        """
        normal = email.strip().lower()
        if not normal or not password:
            raise SignInError("e-mail and password are both needed", hint="Fill in both.")
        begin_attempt(self._database, email=normal, address=address)
        session = self._ask(lambda client: client.sign_in_with_password({"email": normal, "password": password}))
        forgive(self._database, email=normal, address=address)
        return session

    def refresh(self, session: PasswordSession) -> PasswordSession:
        """The session with a new token; `SignInError` if it was ended elsewhere."""
        return self._ask(lambda client: client.refresh_session(session.refresh_token))

    def sign_out(self, session: PasswordSession) -> None:
        """End the session at the project too; a token that has ended already is no fault."""
        with self._client() as client:
            client.admin.sign_out(session.access_token, "local")

    def _ask(self, question: Callable[[SyncGoTrueClient], AuthResponse]) -> PasswordSession:
        with self._client() as client:
            answer = question(client)
        session, user = answer.session, answer.user
        if session is None or user is None:
            raise SignInError("the e-mail is not confirmed yet", hint="Follow the link that was sent to it.")
        # What the project says of its user counts, not the part of the token that users write themselves.
        identity = self._verifier.verify(session.access_token, email_is_verified=user.email_confirmed_at is not None)
        return PasswordSession(
            identity=identity,
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_at_s=float(session.expires_at or time.time() + session.expires_in),
        )

    @contextmanager
    def _client(self) -> Iterator[SyncGoTrueClient]:
        """A client of its own for every question: it remembers who signed in."""
        import httpx
        from supabase_auth import SyncGoTrueClient
        from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError

        with httpx.Client(timeout=_TIMEOUT_S) as http:
            client = SyncGoTrueClient(
                url=self._url,
                headers={"apikey": self._key},
                auto_refresh_token=False,
                persist_session=False,
                http_client=http,
            )
            try:
                yield client
            except AuthApiError as exc:
                raise _refusal(exc.status, exc.code) from None
            except (AuthRetryableError, httpx.HTTPError) as exc:
                raise _unavailable() from exc
            except AuthError as exc:
                raise SignInError("the project refused the sign-in", facts={"code": exc.code}) from None


def _refusal(status: int, code: str | None) -> SignInError | UnavailableError:
    if status >= 500:
        return _unavailable()
    if status == 429:
        return SignInError("the project asks for patience", hint="Try again in a minute.", retryable=True)
    if code == "email_not_confirmed":
        return SignInError("the e-mail is not confirmed yet", hint="Follow the link that was sent to it.")
    if code in ("session_not_found", "refresh_token_not_found", "refresh_token_already_used", "session_expired"):
        return SignInError("the sign-in has ended")
    return SignInError("e-mail or password is wrong", hint="Check both; letter case counts in the password.")


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "the sign-in service does not answer", hint="Check SUPABASE_URL and that the project runs; then try again."
    )
