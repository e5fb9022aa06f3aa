"""The app as `convstore ui` serves it, and a provider to sign in at, each a process of its own on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from convstore.settings import Settings

__all__ = ["app_of", "free_port", "provided", "served"]

_PROGRAM = "from convstore.cli import main; main()"
_STARTED_WITHIN_S = 120


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
def app_of(settings: Settings, folder: Path) -> Iterator[str]:
    """The app, its API and its worker with these settings; the address.

    Parameters
    ----------
    folder
        Takes the log, and is the home of the account that runs the app: `.streamlit/secrets.toml` is read from there.
    """
    # As most run it: without the right to change the schema.
    environment = settings.model_copy(update={"admin_url": None}).environment()
    address = f"http://127.0.0.1:{settings.port}"
    with (folder / "app.log").open("w") as log:
        app = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, "ui"], env={**environment, "HOME": str(folder)}, stdout=log, stderr=log
        )
    try:
        # Whether it can serve is what tests ask: it stands also where the database refuses it.
        _wait(f"{address}/health", app)
        yield address
    finally:
        app.terminate()
        app.wait(timeout=120)


@contextmanager
def served(settings: Settings, port: int, *, provider: str, folder: Path) -> Iterator[str]:
    """The app with sign-in at a provider; its address."""
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir(exist_ok=True)
    secrets.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{"c" * 48}"\n'
        f'client_id = "convstore"\nclient_secret = "known to the provider"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    sign_in = {"port": port, "auth": "oidc", "oidc_issuer": provider, "oidc_audience": "convstore"}
    with app_of(settings.model_copy(update=sign_in), folder) as address:
        yield address


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, f"what should answer at {address} did not start"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {address}")
