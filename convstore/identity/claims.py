"""From verified claims to an identity. Pure: whether the claims are genuine was settled before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from convstore.errors import SignInError

__all__ = ["Identity", "check_claims", "identity_of_claims"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person as an issuer vouches for them.

    Attributes
    ----------
    email
        In lower case; None unless the issuer says that it is verified.
    profile_id
        The id that the profile must have; None where any will do.
    """

    issuer: str
    subject: str
    name: str
    email: str | None = None
    profile_id: UUID | None = None


def check_claims(claims: Mapping[str, Any], *, issuer: str | None, audience: str | None, now_s: float) -> None:
    """Whether claims from a session are still good; their signature was checked when the session began.

    Raises
    ------
    SignInError
        They have expired, never expire, or are of another issuer or audience than the settings name.
    """
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or expires <= now_s:
        raise SignInError("the sign-in has expired")
    if issuer is not None and claims.get("iss") != issuer:
        raise SignInError("the sign-in comes from another issuer", hint=f"Sign in at {issuer}.")
    meant = claims.get("aud")
    if audience is not None and audience not in (meant if isinstance(meant, list) else [meant]):
        raise SignInError("the sign-in is meant for another application")


def identity_of_claims(claims: Mapping[str, Any], *, email_is_verified: bool | None = None) -> Identity:
    """The person whom claims name.

    Parameters
    ----------
    email_is_verified
        Where it is known better than by the claim `email_verified`.

    Raises
    ------
    SignInError
        The claims name nobody.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not issuer or not subject:
        raise SignInError("the token names no issuer or no subject", hint="Ask the provider for an ID token.")
    if email_is_verified is None:
        # Some providers send the word instead of the value.
        email_is_verified = claims.get("email_verified") in (True, "true")
    email = claims.get("email")
    address = email.strip().lower() if isinstance(email, str) and email_is_verified else ""
    name = next((value for key in ("name", "preferred_username") if isinstance(value := claims.get(key), str)), "")
    return Identity(
        issuer=issuer, subject=subject, name=name.strip() or address.partition("@")[0] or subject, email=address or None
    )
