"""Commands that run the app."""

from __future__ import annotations

from convstore.cli import app
from convstore.cli.call import Call, command


@command(app, "demo")
def demo(call: Call) -> int:
    """Run the app on a server of its own, with demonstration data if it is empty."""
    from convstore.demo.running import run_demo

    return run_demo(call.settings)


@command(app, "ui")
def ui(call: Call) -> int:
    """Run the app, with the HTTP API beside it."""
    from convstore.serving import check_address, run_ui
    from convstore.worker import run_worker_in_background

    check_address(call.settings)
    with call.resources() as resources, run_worker_in_background(resources):
        return run_ui(call.settings)


@command(app, "api")
def api(call: Call) -> int:
    """Run the HTTP API alone."""
    from convstore.serving import run_api

    return run_api(call.settings)
