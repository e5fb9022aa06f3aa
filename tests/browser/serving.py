"""The app and a provider to sign in at, each a process of its own on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from convstore.resources import APP_FOLDER, HOME_SCRIPT
from convstore.settings import Settings

__all__ = ["free_port", "provided", "served"]

_STARTED_WITHIN_S = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def provided(names: Sequence[str], *, token_max_age_s: int = 3600) -> Iterator[str]:
    """A provider that knows these people by verified e-mails; its issuer."""
    port = free_port()
    arguments = [sys.executable, "-m", "oidc_provider_mock", f"--port={port}", f"--token-max-age={token_max_age_s}"]
    for name in names:
        claims = {"sub": name, "name": name.capitalize(), "email": f"{name}@example.org", "email_verified": True}
        arguments += ["--user-claims", json.dumps(claims)]
    provider = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{issuer}/.well-known/openid-configuration", provider)
        yield issuer
    finally:
        provider.terminate()
        provider.wait(timeout=30)


@contextmanager
def served(settings: Settings, port: int, *, provider: str, folder: Path) -> Iterator[str]:
    """The app with sign-in at a provider; its address."""
    address = f"http://127.0.0.1:{port}"
    secrets = folder / "secrets.toml"
    secrets.write_text(
        f'[auth]\nredirect_uri = "{address}/oauth2callback"\ncookie_secret = "{"c" * 48}"\nclient_id = "convstore"\n'
        f'client_secret = "known to the provider"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "CONVSTORE_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONVSTORE_HOME": str(settings.home),
        "CONVSTORE_AUTH": "oidc",
        "CONVSTORE_OIDC_ISSUER": provider,
        "CONVSTORE_OIDC_AUDIENCE": "convstore",
    }
    arguments = [
        sys.executable, "-m", "streamlit", "run", str(HOME_SCRIPT),
        "--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true", f"--secrets.files={secrets}",
    ]  # fmt: skip
    log = (folder / "app.log").open("w")
    app = subprocess.Popen(arguments, cwd=APP_FOLDER, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"{address}/_stcore/health", app)
        yield address
    finally:
        app.terminate()
        app.wait(timeout=30)
        log.close()


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, f"what should answer at {address} did not start"
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {address}")
