"""How log lines look: readable text, or one JSON object a line. Both carry the fields and the request they belong to.

An event is named in two or three words; everything about it is a field. Conversation text and secrets are neither.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from convstore.settings import Settings
from convstore.tracing import get_request_id

__all__ = ["configure_logging"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
#: Libraries that bring handlers of their own; their lines are to look like ours.
_WITH_HANDLERS = ("uvicorn", "streamlit", "websockets")


def configure_logging(settings: Settings) -> None:
    """Log to stderr as the settings say, from now on and for the whole process.

    Libraries are heard from WARNING on: what they say below names addresses with tokens in them.
    """
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_JsonLines() if settings.log_format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [*(other for other in root.handlers if not isinstance(other, _Stderr)), handler]
    root.setLevel(max(logging.getLevelNamesMapping()[settings.log_level], logging.WARNING))
    logging.getLogger("convstore").setLevel(settings.log_level)
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _WITH_HANDLERS:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
    # Its lines hold queries, and those hold codes of sign-ins and what people search for; ours hold neither.
    logging.getLogger("uvicorn.access").disabled = True


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was said about the event, and the request that it belongs to."""
    request_id = get_request_id()
    found: Mapping[str, Any] = {name: value for name, value in vars(record).items() if name not in _OWN}
    return {**({"request_id": request_id} if request_id else {}), **found}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Stderr(logging.StreamHandler[TextIO]):
    """Ours, to be known again."""


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _Text(logging.Formatter):
    """One line for people, and the trace below it."""

    def format(self, record: logging.LogRecord) -> str:
        said = " ".join(f"{name}={value!r}" for name, value in _fields(record).items())
        line = f"{_moment(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"
        line = f"{line} {said}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
