"""What a hostile caller sends: too much, too deep, SQL, paths. Nothing breaks, nothing is told, nothing is run."""

from __future__ import annotations

import gzip
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from convstore.core import ConvStore, Resources
from tests.integration.api.serving import ServedApi, served_api
from tests.integration.conversations import document

MAX_BYTES = 50_000
LIST = "/api/conversations"
GUARDS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SQL = "x'); DROP TABLE conversations; SELECT set_config('role', 'postgres', false); --"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def small(shared_resources: Resources) -> Iterator[ServedApi]:
    """The API with a limit that a test can pass."""
    settings = shared_resources.settings.model_copy(update={"max_upload_bytes": MAX_BYTES})
    opened = Resources(settings)
    with served_api(opened) as served:
        yield served
    opened.close()


@pytest.fixture
def client(small: ServedApi) -> Iterator[httpx.Client]:
    with small.client() as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def known(small: ServedApi) -> None:
    """A conversation that must still be there when everything was tried."""
    with small.client() as client:
        assert client.post(LIST, json=document("known")).status_code == 201


def answered(client: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    """One answer of every kind."""
    etag = client.get(f"{LIST}/known/file").headers["etag"]
    yield "page", client.get(LIST)
    yield "file", client.get(f"{LIST}/known/file")
    yield "nothing new", client.get(f"{LIST}/known/file", headers={"If-None-Match": etag})
    yield "not found", client.get("/api/nothing")
    yield "method", client.put(LIST)
    yield "malformed", client.get(LIST, params={"limit": "many"})
    yield "refused", client.get(LIST, headers={"Origin": "https://evil.example.org"})
    yield "too large", client.post(LIST, content=b"x" * (MAX_BYTES + 1))
    yield "host", client.get(LIST, headers={"Host": "evil.example.org"})
    yield "probe", client.get("/health")
    yield "description", client.get("/api/openapi.json")


def test_every_kind_of_answer_is_guarded(client: httpx.Client) -> None:
    for kind, response in answered(client):
        found = {name: response.headers.get(name) for name in GUARDS}
        assert found == GUARDS, kind
        assert "server" not in response.headers, kind
        if kind not in ("host",):
            assert response.headers["cache-control"] in ("no-store", "private, no-cache"), kind


def raw(served: ServedApi, head: str, body: bytes = b"") -> bytes:
    """The beginning of the answer to what httpx would not send."""
    place = urlsplit(served.address)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall(f"POST {LIST} HTTP/1.1\r\nHost: {place.netloc}\r\n{head}\r\n\r\n".encode() + body)
        return connection.recv(100)


def test_a_declared_body_is_refused_before_it_is_read(small: ServedApi) -> None:
    assert raw(small, f"Content-Length: {MAX_BYTES + 1}").startswith(b"HTTP/1.1 413 ")


def test_an_undeclared_body_is_refused_while_it_is_read(small: ServedApi) -> None:
    chunk = b"%x\r\n%b\r\n" % (MAX_BYTES // 2, b" " * (MAX_BYTES // 2))
    assert raw(small, "Transfer-Encoding: chunked", chunk * 3).startswith(b"HTTP/1.1 413 ")


def test_a_length_that_is_none_is_refused(small: ServedApi) -> None:
    assert raw(small, "Content-Length: -1").startswith(b"HTTP/1.1 4")


EXPLODING = {
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "huge number": b'{"messages": ' + b"9" * 10_000 + b"}",
    "huge exponent": b'{"messages": 1e999999}',
    "not a number": b'{"messages": NaN}',
    "duplicate keys": b'{"conversation_id": "a", "conversation_id": "b", "messages": []}',
    "nul": b'{"messages": [{"role": "user", "content": "\\u0000"}, {"role": "assistant", "content": "x"}]}',
    "surrogate": b'{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]}',
    "broken utf-8": b'{"messages": [{"role": "user", "content": "\xff"}]}',
    "nothing": b"",
    "no object": b"null",
}


@pytest.mark.parametrize("name", EXPLODING)
@pytest.mark.parametrize("path", [LIST, "/api/reviews", "/api/jobs"])
def test_exploding_json_is_an_error_of_the_caller(client: httpx.Client, path: str, name: str) -> None:
    response = client.post(path, content=EXPLODING[name], headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "-1", "99", '"4"', "true", "null"])
def test_strange_scores_are_refused(client: httpx.Client, value: str) -> None:
    body = f'{{"status": "approved", "scores": {{"quality": {value}}}}}'
    response = client.patch(f"{LIST}/known/status", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (200, 422) if value in ('"4"', "true") else response.status_code == 422
    assert client.get(f"{LIST}/known").json()["conversation"]["human_quality_score"] in (None, 4, 1)


def test_packed_bombs_are_not_unpacked(client: httpx.Client) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b" " * 10_000_000)
    for data, headers in (
        (zipped.getvalue(), {}),
        (gzip.compress(b" " * 10_000_000), {}),
        (gzip.compress(json.dumps(document("packed")).encode()), {"Content-Encoding": "gzip"}),
    ):
        assert len(data) < MAX_BYTES
        response = client.post(LIST, content=data, headers=headers, params={"name": "bomb.json"})
        assert (response.status_code, response.json()["totals"]["rejected"]) == (422, 1)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a/../../b.json", "x\n.json"])
def test_a_file_name_is_a_name_and_no_path(client: httpx.Client, behind: ConvStore, name: str) -> None:
    response = client.post(LIST, json={"messages": document("x")["messages"]}, params={"name": name})
    assert response.status_code in (200, 201, 409, 422), response.text
    root = behind.settings.home / "files"
    assert all(path.resolve().is_relative_to(root.resolve()) for path in root.rglob("*"))
    assert [stat.path for stat in behind.files.list() if ".." in stat.path or "passwd" in stat.path] == []


@pytest.mark.parametrize(
    "identifier", ["../../etc/passwd", "..", "%2e%2e", "known/../../../etc/passwd", "known\x00", "a" * 101, SQL]
)
@pytest.mark.parametrize("part", ["", "/file"])
def test_an_identifier_is_no_path(client: httpx.Client, identifier: str, part: str) -> None:
    response = client.get(f"{LIST}/{quote(identifier, safe='')}{part}")
    assert response.status_code in (404, 422), response.text
    assert "root:" not in response.text


FILTERS = (
    "persona", "arc", "topic", "category", "source", "finding", "emotion", "reviewer", "id", "group", "release", "text",
    "score", "status", "tier", "processing", "since", "until", "min_quality", "cursor", "sort", "order", "workspace",
)  # fmt: skip


@pytest.mark.parametrize(
    "hostile",
    [SQL, "' OR 1=1 --", "\x00", "%", "\\", SCRIPT, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")],
)
@pytest.mark.parametrize("field", FILTERS)
def test_sql_in_every_filter_is_a_value(client: httpx.Client, field: str, hostile: str) -> None:
    for path in (LIST, "/api/search"):
        params = {"text": "known", field: hostile} if path == "/api/search" else {field: hostile}
        response = client.get(path, params=params)
        assert response.status_code in (200, 404, 422), response.text
        if response.status_code == 200 and field not in ("text", "group"):
            assert response.json()["items"] == [], field


def bodies(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every text field of every body."""
    known = f"{LIST}/known"
    yield "PATCH", known, {"name": text}
    yield "PATCH", known, {"description": text}
    yield "PATCH", f"{known}/status", {"status": "approved", "note": text}
    yield "PATCH", f"{known}/status", {"status": "approved", "reasons": [text]}
    yield "PATCH", f"{known}/status", {"status": "approved", "turns_sha256": text[:64]}
    yield "PATCH", f"{known}/status", {"status": text}
    yield "PATCH", f"{known}/status", {"status": "approved", "scores": {text: 4}}
    yield "POST", "/api/reviews", {"ids": [text], "status": "approved"}
    yield "POST", "/api/reviews", {"ids": ["known"], "status": "approved", "note": text, "reasons": [text]}
    yield "POST", "/api/jobs", {"task": text}


@pytest.mark.parametrize("hostile", [SQL, SCRIPT, "\x00", "\ud800", "=cmd|' /C calc'!A0"])
def test_hostile_text_in_every_field_is_kept_as_text_or_refused(client: httpx.Client, hostile: str) -> None:
    for method, path, body in bodies(hostile):
        # The standard library writes half a surrogate pair as an escape, as a hostile caller would.
        response = client.request(method, path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert response.status_code in (200, 202, 404, 409, 422), (body, response.text)
    kept = client.get(f"{LIST}/known").json()
    assert [turn["turn_number"] for turn in kept["turns"]] == [1, 2, 3, 4], "the tables are there"
    if hostile in (SQL, SCRIPT):
        assert kept["conversation"]["conversation_name"] == hostile


@pytest.mark.parametrize("text", [SQL, SCRIPT])
def test_hostile_text_in_every_field_of_a_document_is_kept(client: httpx.Client, behind: ConvStore, text: str) -> None:
    hostile = document(text[:90])
    hostile |= dict.fromkeys(("conversation_name", "description", "category", "persona", "system_prompt"), text)
    hostile["messages"] = [{"role": "user", "content": text}, {"role": "assistant", "content": text}]
    response = client.post(LIST, json=hostile, params={"name": text[:90]})
    assert response.status_code in (201, 422), response.text
    if response.status_code == 201:
        identifier = response.json()["files"][0]["conversations"][0]["conversation_id"]
        assert [turn.content for turn in behind.get(identifier).turns] == [text, text]
    assert behind.count()[0] >= 1
