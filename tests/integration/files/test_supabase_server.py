"""The test server against what was observed of the real one: statuses, bodies, limits, order of checks, races."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from convstore.files.supabase import SupabaseStore
from tests.supabase_storage.server import SupabaseStorageServer

BUCKET = "conversation-files"
TEN_MEBIBYTES = 10_485_760


class Wire:
    """Requests as they go over the wire, without a client library in between."""

    def __init__(self, server: SupabaseStorageServer) -> None:
        self.server = server
        self.http = httpx.Client(base_url=f"{server.url}/storage/v1", timeout=20)
        self.token = server.service_role_key

    def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **kwargs)

    def upload(
        self,
        name: str,
        data: bytes = b"{}",
        mime: str = "application/json",
        *,
        upsert: bool = False,
        method: str = "POST",
    ) -> httpx.Response:
        return self.send(
            method,
            f"/object/{BUCKET}/{name}",
            files={"file": ("file", data, mime)},
            headers={"x-upsert": str(upsert).lower()},
        )


@pytest.fixture
def wire(supabase: SupabaseStorageServer, supabase_store: SupabaseStore) -> Iterator[Wire]:
    wire = Wire(supabase)
    yield wire
    wire.http.close()


def error(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    assert set(body) == {"statusCode", "error", "message", "code"}
    return response.status_code, body["statusCode"], body["error"]


def test_errors_are_http_400_with_the_status_in_the_body(wire: Wire) -> None:
    assert wire.send("GET", f"/object/{BUCKET}/a").json() == {
        "statusCode": "404",
        "error": "not_found",
        "message": "Object not found",
        "code": "NoSuchKey",
    }
    assert error(wire.send("GET", "/object/nowhere/a")) == (400, "404", "Bucket not found")
    assert error(wire.send("GET", f"/object/public/{BUCKET}/a")) == (400, "404", "Bucket not found")
    assert error(wire.send("POST", "/bucket", json={"id": BUCKET})) == (400, "409", "Duplicate")
    assert error(wire.upload("a%23b")) == (400, "400", "InvalidKey")
    assert wire.send("GET", "/no/such/route").status_code == 404


def test_success_has_the_shapes_of_the_server(wire: Wire) -> None:
    uploaded = wire.upload("folder/a").json()
    assert uploaded["Key"] == f"{BUCKET}/folder/a"
    assert str(UUID(uploaded["Id"])) == uploaded["Id"]
    info = wire.send("GET", f"/object/info/{BUCKET}/folder/a").json()
    assert info.keys() >= {"id", "name", "size", "content_type", "etag", "last_modified", "created_at", "metadata"}
    (folder,) = wire.send("POST", f"/object/list/{BUCKET}", json={"prefix": ""}).json()
    assert (folder["name"], folder["id"]) == ("folder", None)
    (item,) = wire.send("POST", f"/object/list/{BUCKET}", json={"prefix": "folder"}).json()
    assert item.keys() >= {"name", "id", "updated_at", "created_at", "metadata"}
    assert item["metadata"].keys() >= {"eTag", "size", "mimetype"}
    move = {"bucketId": BUCKET, "sourceKey": "folder/a", "destinationKey": "folder/b"}
    assert wire.send("POST", "/object/move", json=move).json() == {"message": "Successfully moved"}
    (removed,) = wire.send("DELETE", f"/object/{BUCKET}", json={"prefixes": ["folder/b", "folder/c"]}).json()
    assert removed["name"] == "folder/b"
    assert wire.send("DELETE", f"/object/{BUCKET}", json={"prefixes": ["folder/b"]}).json() == []
    assert wire.send("POST", f"/object/list/{BUCKET}", json={"prefix": "nobody"}).json() == []


def test_taken_names_are_duplicates(wire: Wire) -> None:
    for name in ("a", "b"):
        assert wire.upload(name).is_success
    assert error(wire.upload("a")) == (400, "409", "Duplicate")
    assert wire.upload("a", upsert=True).is_success
    body = {"bucketId": BUCKET, "sourceKey": "a", "destinationKey": "b"}
    assert error(wire.send("POST", "/object/move", json=body)) == (400, "409", "Duplicate")
    assert error(wire.send("POST", "/object/copy", json=body)) == (400, "409", "Duplicate")


def test_limits_are_checked_before_policies_and_policies_before_duplicates(wire: Wire) -> None:
    assert wire.upload("full", bytes(TEN_MEBIBYTES)).is_success
    assert error(wire.upload("more", bytes(TEN_MEBIBYTES + 1))) == (400, "413", "Payload too large")
    assert error(wire.upload("text", mime="text/plain")) == (400, "415", "invalid_mime_type")
    wire.token = wire.server.user_token(uuid4())
    assert error(wire.upload("text", mime="text/plain")) == (400, "415", "invalid_mime_type")
    assert error(wire.upload("full")) == (400, "403", "Unauthorized")


def test_a_size_limit_in_words_is_decimal(wire: Wire) -> None:
    wire.send("POST", "/bucket", json={"id": "words", "file_size_limit": "10MB"})
    assert wire.send("GET", "/bucket/words").json()["file_size_limit"] == 10_000_000


def test_one_of_eight_parallel_inserts_wins_and_eight_upserts_do(wire: Wire) -> None:
    with ThreadPoolExecutor(8) as pool:
        inserts = Counter(answer.status_code for answer in pool.map(lambda _: wire.upload("race"), range(8)))
        upserts = Counter(
            answer.status_code for answer in pool.map(lambda _: wire.upload("race", upsert=True), range(8))
        )
    assert inserts == {200: 1, 400: 7}
    assert upserts == {200: 8}


def test_a_signed_address_lives_at_least_a_second(wire: Wire) -> None:
    wire.upload("a")
    signed = wire.send("POST", f"/object/sign/{BUCKET}/a", json={"expiresIn": 1}).json()["signedURL"]
    assert signed.startswith(f"/object/sign/{BUCKET}/a?token=")
    assert error(wire.send("POST", f"/object/sign/{BUCKET}/a", json={"expiresIn": 0}))[1] == "400"


@pytest.mark.parametrize(
    ("dropped", "refused", "allowed"),
    [
        # Which policies each operation needs, found by taking one away.
        ("Users can upload to own folder", {"upload", "upsert", "overwrite", "copy"}, {"move", "remove", "read"}),
        (
            "Users can read from own folder",
            {"upsert", "overwrite", "copy", "move", "remove", "read"},
            {"upload"},
        ),
        ("Users can update own files", {"overwrite", "move"}, {"upload", "upsert", "copy", "remove", "read"}),
        ("Users can delete own files", {"remove"}, {"upload", "upsert", "overwrite", "copy", "move", "read"}),
    ],
)
def test_each_operation_needs_the_policies_it_needs_there(
    wire: Wire, database_url: str, dropped: str, refused: set[str], allowed: set[str]
) -> None:
    me = uuid4()
    for name in ("over", "moved", "copied", "removed", "read"):
        assert wire.upload(f"{me}/{name}").is_success
    wire.token = wire.server.user_token(me)

    def transfer(verb: str, source: str) -> httpx.Response:
        body = {"bucketId": BUCKET, "sourceKey": f"{me}/{source}", "destinationKey": f"{me}/{source}-to"}
        return wire.send("POST", f"/object/{verb}", json=body)

    operations: dict[str, Callable[[], bool]] = {
        "upload": lambda: wire.upload(f"{me}/new").is_success,
        "upsert": lambda: wire.upload(f"{me}/new-too", upsert=True).is_success,
        "overwrite": lambda: wire.upload(f"{me}/over", upsert=True).is_success,
        "move": lambda: transfer("move", "moved").is_success,
        "copy": lambda: transfer("copy", "copied").is_success,
        "remove": lambda: bool(wire.send("DELETE", f"/object/{BUCKET}", json={"prefixes": [f"{me}/removed"]}).json()),
        "read": lambda: wire.send("GET", f"/object/{BUCKET}/{me}/read").is_success,
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'ALTER POLICY "{dropped}" ON storage.objects TO anon')
        try:
            outcome = {name: operation() for name, operation in operations.items()}
        finally:
            connection.execute(f'ALTER POLICY "{dropped}" ON storage.objects TO authenticated')
    assert {name for name, done in outcome.items() if not done} == refused
    assert {name for name, done in outcome.items() if done} == allowed
