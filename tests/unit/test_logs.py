"""Log lines carry their fields and the request they belong to, and hold to one line each."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from convstore.logs import configure_logging
from convstore.settings import Settings
from convstore.tracing import MAX_REQUEST_ID_LENGTH, get_request_id, read_request_id, request_as


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("convstore")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.getLogger("uvicorn.access").disabled = False


def configure(log_format: Literal["text", "json"]) -> None:
    configure_logging(Settings(log_format=log_format, log_level="INFO"))


def test_an_event_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    with request_as("look-4"):
        logging.getLogger("convstore.test").info("job ended", extra={"job_id": 7, "note": "two\nlines"})
    line: dict[str, Any] = json.loads(capsys.readouterr().err)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info", "logger": "convstore.test", "event": "job ended", "request_id": "look-4", "job_id": 7,
        "note": "two\nlines",
    }  # fmt: skip


def test_a_fault_keeps_its_trace_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("convstore.test").exception("job failed")
    [line] = capsys.readouterr().err.splitlines()
    assert "ZeroDivisionError" in json.loads(line)["trace"]


def test_text_is_for_people_and_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text")
    logging.getLogger("convstore.test").info("request", extra={"path": "/x\n2026 ERROR forged"})
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(r"INFO    convstore.test: request path='/x\n2026 ERROR forged'")


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    logging.getLogger("httpx").info("GET https://storage.example.org/sign?token=secret")
    logging.getLogger("httpx").warning("slow")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["slow"]


def test_once_more_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    configure("json")
    logging.getLogger("convstore.test").warning("once")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("given", ["a", "Root=1-67891233-abcdef012345678912345678", "x" * MAX_REQUEST_ID_LENGTH])
def test_a_callers_id_is_taken_over(given: str) -> None:
    assert read_request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "two words", "line\nbreak", "x" * (MAX_REQUEST_ID_LENGTH + 1), "é", "a'"])
def test_what_cannot_be_written_everywhere_is_no_id(given: str | None) -> None:
    made = read_request_id(given)
    assert made != given
    assert read_request_id(made) == made


def test_an_id_ends_with_its_request() -> None:
    with request_as("outer"), request_as("inner"):
        assert get_request_id() == "inner"
    assert get_request_id() is None


def test_the_servers_own_lines_are_not_written_because_they_hold_queries(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text")
    logging.getLogger("uvicorn.access").warning('"GET /oauth2callback?code=secret HTTP/1.1" 200')
    assert capsys.readouterr().err == ""
