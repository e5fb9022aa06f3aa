"""Running the app as a process of its own. Knows the server's command line and nothing of the pages."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from types import FrameType

from convstore.errors import SettingsError
from convstore.resources import APP_FOLDER
from convstore.settings import Settings

__all__ = ["check_address", "run_api", "run_ui"]

#: How long requests may go on after the server was told to stop; new ones are refused from then on.
GRACE_S = 20

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_address(settings: Settings) -> None:
    """Refuse to serve where the settings would let anybody in, or where somebody else serves already.

    Raises
    ------
    SettingsError
        The local sign-in on an address that others reach, or an address in use.
    """
    if settings.auth == "local" and settings.address not in _LOOPBACK:
        raise SettingsError(
            f"the local sign-in trusts whoever opens the page, so it does not listen on {settings.address}",
            hint="Set CONVSTORE_AUTH to oidc or supabase, or CONVSTORE_ADDRESS to 127.0.0.1.",
        )
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as exc:
            raise SettingsError(
                f"cannot listen on {settings.address}:{settings.port}: {exc.strerror}",
                hint="Choose another port with CONVSTORE_PORT, or stop what uses this one.",
            ) from None


def run_ui(settings: Settings) -> int:
    """Run the app and the HTTP API with these settings until stopped; the exit status."""
    return _run("convstore.asgi:create_app", settings)


def run_api(settings: Settings) -> int:
    """Run the HTTP API alone with these settings until stopped; the exit status."""
    return _run("convstore.api:serve_api", settings)


def _run(factory: str, settings: Settings) -> int:
    check_address(settings)
    arguments = [
        sys.executable,
        "-m",
        "uvicorn",
        factory,
        "--factory",
        f"--host={settings.address}",
        f"--port={settings.port}",
        "--log-level=warning",
        "--no-server-header",
        f"--timeout-graceful-shutdown={GRACE_S}",
    ]
    app: subprocess.Popen[bytes] | None = None
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if app is not None:
            app.send_signal(number)

    # Before the server starts: a signal in between must not leave it behind.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Streamlit finds its configuration in the folder that it is started in.
        app = subprocess.Popen(arguments, cwd=APP_FOLDER, env=settings.environment())
        if asked:
            app.send_signal(asked[-1])
        status = app.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0 if status in (0, -signal.SIGINT, -signal.SIGTERM, 130, 143) else 1
