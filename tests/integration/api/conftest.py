"""A store and a server a module: tests name their own conversations."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from convstore.core import ConvStore, Resources
from tests.fixtures_database import Server
from tests.integration.api.serving import ServedApi, served_api


@pytest.fixture(scope="module")
def shared_resources(
    server: Server, template: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Resources]:
    """A store that the tests of a module share."""
    name = f"api_{request.module.__name__.rpartition('.')[2]}"
    server.create(name, template)
    opened = Resources(server.settings(name, tmp_path_factory.mktemp("api")))
    yield opened
    opened.close()
    server.drop(name)


@pytest.fixture(scope="module")
def api(shared_resources: Resources) -> Iterator[ServedApi]:
    """The API with the local sign-in."""
    with served_api(shared_resources) as served:
        yield served


@pytest.fixture
def client(api: ServedApi) -> Iterator[httpx.Client]:
    """A program on this machine."""
    with api.client() as opened:
        yield opened


@pytest.fixture(scope="module")
def behind(shared_resources: Resources) -> ConvStore:
    """The same store, without HTTP."""
    return ConvStore.for_operator(shared_resources)
