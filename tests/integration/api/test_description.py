"""The OpenAPI document: complete, with examples, and requests made from it break nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.serving import ServedApi
from tests.integration.conversations import document

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Requests a route; more of them find more, and take their time.
EXAMPLES = 10


@pytest.fixture(scope="module")
def described(api: ServedApi) -> Any:
    """The document as a client fetches it, over a store with something in it."""
    with api.client() as client:
        for number in range(3):
            assert client.post("/api/conversations", json=document(f"talk-{number}")).status_code == 201
    return schemathesis.openapi.from_url(f"{api.address}/api/openapi.json")


def operations(api: ServedApi) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in api.schema.raw_schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_says_what_it_does_and_shows_an_answer(api: ServedApi) -> None:
    for name, operation in operations(api):
        assert operation["description"], name
        done = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert done, name
        assert all("example" in media for answer in done for media in answer["content"].values()), name


def test_every_body_has_an_example(api: ServedApi) -> None:
    schemas = api.schema.raw_schema["components"]["schemas"]
    bodies = [
        (name, operation["requestBody"]["content"]["application/json"])
        for name, operation in operations(api)
        if "requestBody" in operation
    ]
    assert len(bodies) >= 5
    for name, media in bodies:
        body = schemas.get(media["schema"].get("$ref", "").rpartition("/")[2], {})
        assert "example" in media or "example" in body, name


def test_the_examples_of_bodies_work(api: ServedApi) -> None:
    with api.client() as client:
        schemas = api.schema.raw_schema["components"]["schemas"]
        pushed = api.schema.raw_schema["paths"]["/api/conversations"]["post"]["requestBody"]["content"]
        assert client.post("/api/conversations", json=pushed["application/json"]["example"]).status_code == 201
        path = "/api/conversations/mortgage-17"
        for answer in (
            client.patch(path, json=schemas["Change"]["example"]),
            client.patch(f"{path}/status", json=schemas["StatusChange"]["example"]),
            client.post("/api/reviews", json=schemas["Batch"]["example"]),
            client.post("/api/jobs", json=schemas["Request"]["example"]),
        ):
            assert answer.status_code in (httpx.codes.OK, httpx.codes.ACCEPTED), answer.text


@pytest.mark.timeout(600)
def test_requests_made_from_it_are_answered_as_it_says(described: Any) -> None:
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def answers_as_it_says(case: Any) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(checks=_CHECKS, timeout=100)

        answers_as_it_says()
    assert tried > EXAMPLES * 8
