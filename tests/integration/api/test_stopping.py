"""SIGTERM in the middle of things: requests are answered, jobs are given back, the exit status is 0. And the log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from convstore.core import ConvStore
from tests.acceptance.command_line import CommandLine
from tests.browser.serving import free_port
from tests.integration.conversations import document

_WITHIN_S = 100

_WORKER = """
import sys, time
from pathlib import Path
from convstore.core import Resources
from convstore.settings import Settings
from convstore.worker import run_worker, task

@task("test: slow", role="reviewer")
def slow(store, job):
    for number in range(100_000):
        job.progress(number, 100_000)
        time.sleep(0.05)

settings = Settings(database_url=sys.argv[1], admin_url=sys.argv[2], home=Path(sys.argv[3]))
run_worker(Resources(settings))
"""


def wait_until_it_answers(address: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        try:
            if httpx.get(f"{address}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def wait_until_it_is_closed(address: str) -> None:
    until = time.monotonic() + _WITHIN_S
    while time.monotonic() < until:
        try:
            httpx.get(f"{address}/health", timeout=5)
        except httpx.TransportError:
            return
        time.sleep(0.05)
    raise AssertionError("the server goes on")


def test_a_request_is_answered_and_everything_was_logged(store: ConvStore) -> None:
    store.ingest_uploads({"held.json": json.dumps(document("held", "a secret question?")).encode()})
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = CommandLine(store.settings).start(
        "api", CONVSTORE_PORT=str(port), CONVSTORE_LOG_FORMAT="json", CONVSTORE_LOG_LEVEL="INFO"
    )
    try:
        wait_until_it_answers(address, process)
        with ThreadPoolExecutor(1) as threads, store.database.admin() as connection:
            connection.execute("SELECT FROM conversations WHERE conversation_id = 'held' FOR UPDATE")
            held = threads.submit(
                httpx.patch,
                f"{address}/api/conversations/held",
                json={"description": "a secret word"},
                params={"workspace": "default"},
                headers={"X-Request-ID": "held-1"},
                timeout=_WITHIN_S,
            )
            while not connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE application_name = 'convstore held-1' AND wait_event_type = 'Lock'"
            ).fetchone():
                assert not held.done(), held.result().text
                time.sleep(0.05)
                connection.execute("SELECT pg_stat_clear_snapshot()")
            process.send_signal(signal.SIGTERM)
            wait_until_it_is_closed(address)
            assert process.poll() is None, "it waits for who was there before"
            connection.rollback()
            answer = held.result(timeout=_WITHIN_S)
        out, err = process.communicate(timeout=_WITHIN_S)
    finally:
        process.kill()
        process.communicate()

    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "held-1")
    assert (process.returncode, out) == (0, "")
    lines: list[dict[str, Any]] = [json.loads(line) for line in err.splitlines()]
    [line] = [line for line in lines if line.get("request_id") == "held-1"]
    said = {name: line[name] for name in ("level", "event", "method", "path", "status")}
    assert said == {
        "level": "info", "event": "request", "method": "PATCH", "path": "/api/conversations/held", "status": 200,
    }  # fmt: skip
    assert all(line["at"].endswith("Z") and line["logger"] for line in lines)
    assert "secret" not in err
    [changed] = [event for event in store.get("held").events if event.request_id]
    assert changed.request_id == "held-1"


def test_a_job_is_given_back(store: ConvStore) -> None:
    settings = store.settings
    assert settings.database_url is not None
    assert settings.admin_url is not None
    job_id = store.defer("test: slow")
    addresses = [settings.database_url.get_secret_value(), settings.admin_url.get_secret_value(), str(settings.home)]
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, *addresses])
    try:
        until = time.monotonic() + _WITHIN_S
        while store.job(job_id).done < 2:
            assert worker.poll() is None
            assert time.monotonic() < until, store.job(job_id)
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=_WITHIN_S) == 0
    finally:
        worker.kill()
        worker.wait()
    job = store.job(job_id)
    assert (job.status, job.attempt) == ("queued", 1)
