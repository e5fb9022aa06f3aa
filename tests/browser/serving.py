"""The app as a process of its own, signed into through a real provider, both on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convstore.resources import APP_FOLDER, HOME_SCRIPT
from convstore.settings import Settings

__all__ = ["free_port", "served"]

_STARTED_WITHIN_S = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        _wait(address, app)
        yield address
    finally:
        app.terminate()
        app.wait(timeout=30)
        log.close()


def _wait(address: str, app: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < until:
        assert app.poll() is None, "the app did not start"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the app does not answer")
