"""Who is let in: this machine alone with the local sign-in, else whoever holds a token that proves who they are."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from convstore.core import Resources
from convstore.settings import Settings
from tests.integration.api.serving import ServedApi, served_api
from tests.integration.conversations import document
from tests.integration.security.people import join
from tests.key_server import served_keys

SECRET = "a secret of at least thirty-two characters"
PROJECT = "https://project.example.org"
ISSUER = "https://login.example.org"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
LIST = "/api/conversations"


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    sound = {"iss": f"{PROJECT}/auth/v1", "aud": "authenticated", "sub": str(uuid4()), "iat": now, "exp": now + 3600}
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


def by_secret(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET, "HS256")


def by_key(key: rsa.RSAPrivateKey = KEY, **changes: Any) -> str:
    return jwt.encode(claims(iss=ISSUER, aud="convstore", **changes), key, "RS256", headers={"kid": "one"})


def unsigned() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."


@pytest.fixture(scope="module")
def keys_url() -> Iterator[str]:
    with served_keys(KEY) as address:
        yield address


def signing(shared_resources: Resources, **settings: Any) -> Resources:
    return Resources(Settings(**{**shared_resources.settings.model_dump(), **settings}))


@pytest.fixture(scope="module")
def supabase(shared_resources: Resources) -> Iterator[ServedApi]:
    """The API for the users of a project that signs with a secret."""
    opened = signing(shared_resources, auth="supabase", supabase_url=PROJECT, supabase_jwt_secret=SECRET)
    with served_api(opened) as served:
        yield served
    opened.close()


@pytest.fixture(scope="module")
def oidc(shared_resources: Resources, keys_url: str) -> Iterator[ServedApi]:
    """The API for people whom a provider signs in with a key."""
    opened = signing(
        shared_resources, auth="oidc", oidc_issuer=ISSUER, oidc_audience="convstore", oidc_jwks_url=keys_url
    )
    with served_api(opened) as served:
        yield served
    opened.close()


def member(served: ServedApi, role: str, slug: str) -> str:
    """The token of somebody new who belongs to a workspace."""
    person = str(uuid4())
    token = by_secret(sub=person, name="Ana")
    with served.client(token) as client:
        stranger = client.get(LIST)
        assert (stranger.status_code, stranger.json()["code"]) == (403, "ERR_AUTH_RLS_DENIED"), "a profile, no rights"
    join(served.resources.database, UUID(person), role, slug=slug)  # type: ignore[arg-type]
    return token


def test_a_program_on_this_machine_is_the_local_user(client: httpx.Client) -> None:
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_local_sign_in_answers_nobody_else(client: httpx.Client, method: str, headers: dict[str, str]) -> None:
    refused = client.request(method, LIST, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "ERR_SIGN_IN")
    assert "access-control-allow-origin" not in refused.headers


def test_an_unknown_host_name_is_refused_but_probes_have_none(client: httpx.Client) -> None:
    assert client.get(LIST, headers={"Host": "rebound.example.org"}).status_code == 400
    assert client.get("/health", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "no token",
        unsigned,
        lambda: by_secret()[:-4] + "AAAA",
        lambda: jwt.encode(claims(), "another secret of thirty-two characters", "HS256"),
        lambda: by_secret(exp=int(time.time()) - 60),
        lambda: by_secret(aud="another"),
        lambda: by_secret(iss="https://evil.example.org"),
        lambda: by_secret(sub=None),
    ],
)
def test_what_proves_nothing_is_401(supabase: ServedApi, make: Callable[[], str]) -> None:
    with supabase.client() as client:
        refused = client.get(LIST, headers={"Authorization": f"Bearer {make()}".strip()})
    assert (refused.status_code, refused.json()["code"]) == (401, "ERR_SIGN_IN"), refused.text
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["next_actions"][0]["action"] == "sign_in"


@pytest.mark.parametrize("path", ["/api/search?text=x", "/api/jobs", "/api/conversations/x/file"])
def test_every_route_asks_for_a_token(supabase: ServedApi, path: str) -> None:
    with supabase.client() as client:
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Basic YW5hOmFuYQ=="}).status_code == 401


def test_a_token_in_the_address_does_not_count(supabase: ServedApi) -> None:
    with supabase.client() as client:
        assert client.get(LIST, params={"access_token": by_secret(), "token": by_secret()}).status_code == 401


def test_a_key_of_the_provider_counts_and_a_secret_does_not(oidc: ServedApi) -> None:
    forged = by_key(rsa.generate_private_key(public_exponent=65537, key_size=2048), sub="ana")
    for token, status in (
        (by_key(sub="ana"), 403),
        (forged, 401),
        (by_secret(iss=ISSUER, aud="convstore"), 401),
    ):
        with oidc.client(token) as client:
            assert client.get(LIST).status_code == status


def test_two_people_do_not_see_each_others_rows(supabase: ServedApi) -> None:
    ana, ben = member(supabase, "lead", "team-a"), member(supabase, "lead", "team-b")
    with supabase.client(ana) as hers, supabase.client(ben) as his:
        for client, name in ((hers, "anas"), (his, "bens")):
            assert client.post(LIST, json=document(name, f"{name} secret question")).status_code == 201
        batch = his.post("/api/reviews", json={"ids": ["bens"], "status": "approved"}).json()["batch_id"]
        job = his.post("/api/jobs", json={"task": "verify"}).json()["job"]["id"]
        row_id = his.get(f"{LIST}/bens").json()["conversation"]["id"]
        assert [row["conversation_id"] for row in hers.get(LIST).json()["items"]] == ["anas"]
        assert hers.get("/api/search", params={"text": "secret"}).json()["total"] == 1
        for identifier in ("bens", row_id):
            path = f"{LIST}/{identifier}"
            for response in (
                hers.get(path),
                hers.get(f"{path}/file"),
                hers.patch(path, json={"name": "Mine"}),
                hers.delete(path),
                hers.delete(path, params={"hard": "true", "confirm": "true"}),
                hers.post(f"{path}/restore"),
                hers.patch(f"{path}/status", json={"status": "rejected"}),
            ):
                assert response.status_code in (403, 404), (response.request, response.text)
                assert "question" not in response.text
        refused = hers.post("/api/reviews", json={"ids": ["bens"], "status": "rejected"}).json()["items"]
        assert [item["outcome"] for item in refused] == ["refused"]
        assert hers.post(f"/api/batches/{batch}/undo").status_code == 404
        for response in (hers.get(f"/api/jobs/{job}"), hers.post(f"/api/jobs/{job}/cancel")):
            assert response.status_code == 404
        assert job not in hers.get("/api/jobs").text
        assert hers.get(LIST, params={"workspace": "team-b"}).status_code == 404
        still = his.get(f"{LIST}/bens").json()["conversation"]
        assert (still["status"], still["conversation_name"] == "Mine") == ("approved", False)


def test_a_viewer_reads_and_changes_nothing(supabase: ServedApi) -> None:
    with supabase.client(member(supabase, "reviewer", "team-v")) as reviewer:
        reviewer.post(LIST, json=document("seen"))
    with supabase.client(member(supabase, "viewer", "team-v")) as viewer:
        assert viewer.get(f"{LIST}/seen").status_code == 200
        for response in (
            viewer.post(LIST, json=document("mine")),
            viewer.patch(f"{LIST}/seen", json={"name": "Other"}),
            viewer.delete(f"{LIST}/seen"),
            viewer.patch(f"{LIST}/seen/status", json={"status": "approved"}),
            viewer.post("/api/jobs", json={"task": "verify"}),
        ):
            assert (response.status_code, response.json()["code"]) == (403, "ERR_AUTH_RLS_DENIED"), response.text
