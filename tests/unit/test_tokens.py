"""Tokens that must not count, and the ones that do; keys come over real HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from convstore.errors import SettingsError, SignInError, UnavailableError
from convstore.identity import TokenVerifier, identity_of_claims
from convstore.settings import Settings
from tests.key_server import served_keys

SECRET = "a secret of at least thirty-two characters"
ISSUER = "https://project.example.org/auth/v1"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    sound = {"iss": ISSUER, "aud": "authenticated", "sub": str(uuid4()), "iat": now, "exp": now + 600}
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    with served_keys(KEY) as address:
        yield address


@pytest.fixture
def verifier(jwks_url: str) -> TokenVerifier:
    return TokenVerifier(issuer=ISSUER, audience="authenticated", secret=SECRET, jwks_url=jwks_url)


def signed(payload: dict[str, Any], *, key: Any = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    return jwt.encode(payload, key, algorithm, headers=headers or None)


def unsigned(payload: dict[str, Any], algorithm: str = "none") -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(payload)}."


def test_both_kinds_of_signature_count(verifier: TokenVerifier) -> None:
    payload = claims(email=" Ana@Example.ORG ", email_verified=True, name="Ana")
    for token in (signed(payload), signed(payload, key=KEY, algorithm="RS256", kid="one")):
        found = verifier.verify(token)
        assert (found.issuer, found.subject, found.name) == (ISSUER, payload["sub"], "Ana")
        assert found.email == "ana@example.org"


# Made when it is their turn: tokens that were made when tests were collected have expired by then.
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: signed(claims(), key="another secret of thirty-two characters"), "not genuine"),
        (lambda: signed(claims())[:-4] + "AAAA", "not genuine"),
        (lambda: unsigned(claims()), "not genuine"),
        (lambda: unsigned(claims(), "NONE"), "not genuine"),
        (lambda: unsigned(claims(), "HS256"), "not genuine"),
        (lambda: "no token", "not genuine"),
        (lambda: "", "not genuine"),
        (lambda: signed(claims(exp=int(time.time()) - 60)), "expired"),
        (lambda: signed(claims(exp=None)), "not genuine"),
        (lambda: signed(claims(nbf=int(time.time()) + 600)), "not genuine"),
        (lambda: signed(claims(aud="another")), "somebody else"),
        (lambda: signed(claims(aud=None)), "not genuine"),
        (lambda: signed(claims(iss="https://evil.example.org")), "another issuer"),
        (lambda: signed(claims(sub=None)), "not genuine"),
        (lambda: signed(claims(), key=SECRET * 2, algorithm="HS512"), "not genuine"),
        (lambda: signed(claims(), key=KEY, algorithm="RS256", kid="two"), "not genuine"),
    ],
)
def test_what_must_not_count(verifier: TokenVerifier, make: Callable[[], str], said: str) -> None:
    with pytest.raises(SignInError, match=said):
        verifier.verify(make())


def test_a_public_key_is_no_secret(jwks_url: str) -> None:
    """The old confusion: a token signed by HMAC with the published key."""
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = unsigned(claims(), "HS256").split(".")
    import hashlib
    import hmac

    signature = base64.urlsafe_b64encode(hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest())
    token = f"{head}.{body}.{signature.rstrip(b'=').decode()}"
    with pytest.raises(SignInError, match="not genuine"):
        TokenVerifier(issuer=ISSUER, audience="authenticated", jwks_url=jwks_url).verify(token)


def test_secret_tokens_need_a_secret(jwks_url: str) -> None:
    with pytest.raises(SignInError, match="not genuine"):
        TokenVerifier(issuer=ISSUER, audience="authenticated", jwks_url=jwks_url).verify(signed(claims()))


def test_keys_out_of_reach_are_no_refusal() -> None:
    verifier = TokenVerifier(issuer=ISSUER, audience="authenticated", jwks_url="http://127.0.0.1:9/keys")
    with pytest.raises(UnavailableError, match="keys"):
        verifier.verify(signed(claims(), key=KEY, algorithm="RS256", kid="one"))


def test_supabase_subject_is_the_profile_and_its_email_needs_more_than_a_claim() -> None:
    settings = Settings(
        auth="supabase",
        supabase_url="https://project.example.org",
        supabase_jwt_secret=SECRET,
    )
    verifier = TokenVerifier.of(settings)
    token = signed(claims(email="ana@example.org", email_verified=True))
    assert verifier.verify(token).email is None
    found = verifier.verify(token, email_is_verified=True)
    assert found.email == "ana@example.org"
    assert found.profile_id == UUID(found.subject)
    with pytest.raises(SignInError, match="no user"):
        verifier.verify(signed(claims(sub="ana")))


@pytest.mark.parametrize("settings", [{"auth": "local"}, {"auth": "oidc"}, {"auth": "supabase"}])
def test_settings_that_name_no_issuer(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        TokenVerifier.of(Settings(**settings))


@pytest.mark.parametrize(
    ("verified", "email"),
    [(True, "a@b.org"), ("true", "a@b.org"), (False, None), ("false", None), (1.5, None), (None, None)],
)
def test_only_a_verified_email_counts(verified: object, email: str | None) -> None:
    found = identity_of_claims({"iss": "i", "sub": "s", "email": "A@B.org", "email_verified": verified})
    assert found.email == email
