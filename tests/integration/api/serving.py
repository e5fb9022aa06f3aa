"""The API over real HTTP: a server in a thread, and clients that hold every answer to its description."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import schemathesis
import uvicorn

from convstore.api import create_api
from convstore.core import Resources
from convstore.middleware import API_POLICY, guarded

__all__ = ["ServedApi", "served_api"]


@dataclass(frozen=True)
class ServedApi:
    """A running server, the store behind it and what it says of itself."""

    address: str
    resources: Resources
    schema: Any

    @contextmanager
    def client(self, token: str | None = None) -> Iterator[httpx.Client]:
        """A caller; every answer that it gets must be one that the OpenAPI document tells of."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        hooks: dict[str, list[Any]] = {"response": [self._check]}
        with httpx.Client(base_url=self.address, headers=headers, timeout=100, event_hooks=hooks) as client:
            yield client

    def _check(self, response: httpx.Response) -> None:
        assert response.headers["x-request-id"]
        operation = self._find_operation(response.request.method, response.request.url.path)
        if operation is None:
            return
        response.read()
        assert str(response.status_code) in operation.definition.raw["responses"], response.text
        operation.validate_response(response)

    def _find_operation(self, method: str, path: str) -> Any | None:
        for template in self.schema:
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in self.schema.raw_schema["paths"][template]:
                return self.schema[template][method]
        return None


@contextmanager
def served_api(resources: Resources) -> Iterator[ServedApi]:
    """The API on a free port, guarded as in earnest."""
    api = create_api(resources)
    app = guarded(api, resources.settings, policy=API_POLICY)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="served-api")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield ServedApi(f"http://127.0.0.1:{port}", resources, schemathesis.openapi.from_dict(api.openapi()))
    finally:
        server.should_exit = True
        thread.join(timeout=60)
