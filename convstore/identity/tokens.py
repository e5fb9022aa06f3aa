"""Whether a token is genuine, meant for us and still good: signature, issuer, audience, expiry."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt

from convstore.errors import SettingsError, SignInError, UnavailableError
from convstore.identity.claims import Identity, identity_of_claims
from convstore.settings import Settings

__all__ = ["TokenVerifier"]

#: What a published key may sign with. HS256 is not among them, so that a public key can never serve as a secret.
_PUBLIC_KEY_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_KEYS_KEPT_S = 300
_TIMEOUT_S = 10
#: Clocks differ by a little.
_LEEWAY_S = 10


class TokenVerifier:
    """Verifies the tokens of one issuer for one audience.

    Parameters
    ----------
    secret
        Verifies HS256; without it such tokens are refused.
    jwks_url
        Where the issuer publishes its keys; without it tokens signed with a private key are refused.
    subject_is_profile
        The subject is a UUID, and the profile's id: as Supabase's policies expect.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        secret: str | None = None,
        jwks_url: str | None = None,
        subject_is_profile: bool = False,
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self._secret = secret
        self._keys = jwt.PyJWKClient(jwks_url, lifespan=_KEYS_KEPT_S, timeout=_TIMEOUT_S) if jwks_url else None
        self._subject_is_profile = subject_is_profile

    @classmethod
    def of(cls, settings: Settings) -> TokenVerifier:
        """The verifier for the sign-in of the settings.

        Raises
        ------
        SettingsError
            The settings do not say whose tokens count.
        """
        if settings.auth == "supabase":
            if settings.supabase_url is None:
                raise SettingsError("SUPABASE_URL is not set", hint="Set it to the address of the project.")
            secret = settings.supabase_jwt_secret
            issuer = f"{settings.supabase_url}/auth/v1"
            return cls(
                issuer=issuer,
                audience="authenticated",
                secret=secret.get_secret_value() if secret else None,
                jwks_url=f"{issuer}/.well-known/jwks.json",
                subject_is_profile=True,
            )
        if settings.auth != "oidc" or settings.oidc_issuer is None or settings.oidc_audience is None:
            raise SettingsError(
                "nothing says whose tokens count",
                hint="Set CONVSTORE_OIDC_ISSUER and CONVSTORE_OIDC_AUDIENCE, or CONVSTORE_AUTH to supabase.",
            )
        return cls(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            jwks_url=settings.oidc_jwks_url or _discover_keys(settings.oidc_issuer),
        )

    def verify(self, token: str, *, email_is_verified: bool | None = None) -> Identity:
        """The person whom a token names.

        Parameters
        ----------
        email_is_verified
            Where the issuer said so elsewhere; else the claim decides, which users of Supabase can write themselves.

        Raises
        ------
        SignInError
            The token is forged, expired, unsigned, or of another issuer or audience.
        UnavailableError
            The issuer does not hand out its keys.
        """
        claims = self._claims(token)
        if self._subject_is_profile and email_is_verified is None:
            email_is_verified = False
        return self._with_profile(identity_of_claims(claims, email_is_verified=email_is_verified))

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            key, algorithms = self._key_for(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as exc:
            raise UnavailableError(
                f"{self.issuer} does not hand out its keys", hint="Try again; check that it can be reached from here."
            ) from exc
        except jwt.ExpiredSignatureError:
            raise SignInError("the sign-in has expired") from None
        except jwt.InvalidIssuerError:
            raise SignInError("the token comes from another issuer", hint=f"Sign in at {self.issuer}.") from None
        except jwt.InvalidAudienceError:
            raise SignInError(
                "the token is meant for somebody else", hint=f"Ask for a token with the audience {self.audience!r}."
            ) from None
        except jwt.PyJWTError:
            # Which of its parts is wrong helps nobody but a forger.
            raise SignInError("the token is not genuine") from None
        return claims

    def _key_for(self, token: str) -> tuple[Any, list[str]]:
        """The key and the algorithms that it may be used with: settings decide, not the token's own header."""
        algorithm = jwt.get_unverified_header(token).get("alg")
        if algorithm == "HS256" and self._secret:
            return self._secret, ["HS256"]
        if algorithm in _PUBLIC_KEY_ALGORITHMS and self._keys:
            return self._keys.get_signing_key_from_jwt(token).key, list(_PUBLIC_KEY_ALGORITHMS)
        raise jwt.InvalidAlgorithmError

    def _with_profile(self, identity: Identity) -> Identity:
        if not self._subject_is_profile:
            return identity
        try:
            return dataclasses.replace(identity, profile_id=UUID(identity.subject))
        except ValueError:
            raise SignInError("the token's subject is no user of the project") from None


def _discover_keys(issuer: str) -> str:
    import httpx

    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        found = httpx.get(address, timeout=_TIMEOUT_S).raise_for_status().json()["jwks_uri"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as exc:
        raise UnavailableError(
            f"{address} does not say where the keys are",
            hint="Check CONVSTORE_OIDC_ISSUER, or set CONVSTORE_OIDC_JWKS_URL.",
        ) from exc
    return str(found)
