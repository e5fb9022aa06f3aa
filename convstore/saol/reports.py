"""Reports of an import on disk: `import-{table}-{run}.summary|errors|success.json`.

Streamed, so that they may be longer than memory; one name a run, so that none overwrites another.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from convstore.errors import ConvstoreError, InvalidInputError
from convstore.saol.records import BadRecord
from convstore.saol.results import plain
from convstore.saol.values import as_json

__all__ = ["DEFAULT_FOLDER", "ImportReports", "ReportWriter", "new_run"]

DEFAULT_FOLDER = Path(".convstore/reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReports:
    """Where the reports are: one JSON object, and two JSON arrays with one record a line."""

    summary: Path
    errors: Path
    success: Path


def new_run() -> str:
    """A name for a run: when it began, and what makes it the only one."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


class ReportWriter:
    """Writes the reports of one run; a context manager."""

    def __init__(self, folder: str | Path, table: str, run: str) -> None:
        # A table may be called anything; a file may not.
        stem = f"import-{re.sub(r'[^A-Za-z0-9_.-]', '_', table)[:80]}-{run}"
        base = Path(folder).absolute()
        self.paths = ImportReports(
            summary=base / f"{stem}.summary.json",
            errors=base / f"{stem}.errors.json",
            success=base / f"{stem}.success.json",
        )
        try:
            base.mkdir(parents=True, exist_ok=True)
            self._errors = _Array(self.paths.errors)
            self._success = _Array(self.paths.success)
        except OSError as error:
            raise InvalidInputError(
                f"reports cannot be written to {base}: {error.strerror}",
                hint="Name a folder that may be written in reports_dir.",
            ) from error

    def __enter__(self) -> ReportWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._errors.close()
        self._success.close()

    def add_error(self, entry: BadRecord) -> None:
        """Add a record that is not in the table."""
        values = {one.name: getattr(entry, one.name) for one in fields(entry)}
        try:
            as_json(values)
        except ConvstoreError:
            values = {name: plain(value) for name, value in values.items()}
        self._errors.add(values)

    def add_success(self, entry: Mapping[str, object]) -> None:
        """Add a record that is."""
        self._success.add(entry)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write what the whole run came to."""
        with _create(self.paths.summary) as out:
            out.write(as_json(plain(summary)) + "\n")


class _Array:
    def __init__(self, path: Path) -> None:
        self._out = _create(path)
        self._before = "["

    def add(self, entry: Any) -> None:
        self._out.write(f"{self._before}\n{_line(entry)}")
        self._before = ","

    def close(self) -> None:
        self._out.write(f"{'[' if self._before == '[' else ''}\n]\n")
        self._out.close()


def _line(entry: Any) -> str:
    text = as_json(entry)
    # A lone surrogate has no bytes, but it has an escape.
    return text if text.isascii() else re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found.group()):04x}", text)


def _create(path: Path) -> IO[str]:
    # Records are somebody's data: nobody else may read them.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="\n")
