"""The manifest that stands beside every export: what was asked, which files came out, which rows are in them.

Written in constant memory; nothing in it depends on when or where it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from convstore.errors import InvalidInputError, NotFoundError
from convstore.release.rows import FileInfo, ReleaseOptions, ReleaseRow, RowReceipt
from convstore.release.staging import HashedFile, Staging

__all__ = ["MANIFEST_VERSION", "FileFault", "ManifestHead", "ManifestWriter", "check_files", "read_manifest"]

MANIFEST_VERSION = 1
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestHead:
    """What was asked for. `left_out` names conversations and the rule that kept each out."""

    format: str
    exporter: str
    release: str | None = None
    filter: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    options: ReleaseOptions = field(default_factory=ReleaseOptions)
    left_out: Sequence[Mapping[str, str]] = ()


class ManifestWriter:
    """Collects rows while they are written, then stands beside the target when the staging is published."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._scratch = staging.scratch("manifest")
        self._scratch.touch()
        self._conversations = 0
        self._written = 0
        self._splits: Counter[str] = Counter()

    def add(self, rows: Sequence[ReleaseRow], receipts: Sequence[RowReceipt]) -> None:
        """Name conversations with what the writer returned for them."""
        lines = []
        for row, receipt in zip(rows, receipts, strict=True):
            entry = {
                "conversation_id": row.conversation.conversation_id,
                "turns_sha256": row.conversation.turns_sha256,
                "row_sha256": receipt.sha256,
                "rows": receipt.rows,
                "split": row.split,
            }
            lines.append((b",\n" if self._conversations else b"") + orjson.dumps(entry))
            self._conversations += 1
            self._written += receipt.rows
            if row.split is not None:
                self._splits[row.split] += 1
        # Opened for each batch, so that an export that is given up has nothing to close.
        with self._scratch.open("ab") as scratch:
            scratch.write(b"".join(lines))

    def write(self, head: ManifestHead, files: Sequence[FileInfo]) -> FileInfo:
        """Put the manifest together in the staging folder."""
        folder = self._staging.target.parent
        described = {
            "convstore_manifest": MANIFEST_VERSION,
            **asdict(head),
            "counts": {
                "conversations": self._conversations,
                "rows": self._written,
                "splits": dict(sorted(self._splits.items())),
                "left_out": len(head.left_out),
            },
            "files": [
                {
                    "path": info.path.relative_to(folder).as_posix(),
                    "sha256": info.sha256,
                    "rows": info.rows,
                    "bytes": info.bytes,
                }
                for info in files
            ],
        }
        staged = self._staging.beside(".manifest.json")
        target = HashedFile(staged)
        text = json.dumps(described, ensure_ascii=False, indent=1, default=str)
        target.write(text.removesuffix("\n}").encode("utf-8") + b',\n "items": [\n')
        with self._scratch.open("rb") as scratch:
            while chunk := scratch.read(_COPY_BYTES):
                target.write(chunk)
        target.write(b"\n]}\n")
        self._scratch.unlink()
        return FileInfo(
            path=self._staging.final(staged), sha256=target.seal(), rows=self._conversations, bytes=target.bytes
        )


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is not what its manifest says."""

    path: Path
    fault: str


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest at `path`.

    Raises
    ------
    NotFoundError, InvalidInputError
    """
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"There is no manifest {path}.", hint="It stands beside its export.") from None
    except orjson.JSONDecodeError as exc:
        raise InvalidInputError(f"{path} is no JSON: {exc}.", hint="Export the release again.") from None
    if not isinstance(manifest, dict) or manifest.get("convstore_manifest") != MANIFEST_VERSION:
        raise InvalidInputError(f"{path} is no manifest of version {MANIFEST_VERSION}.", hint="Name a .manifest.json.")
    return manifest


def check_files(path: Path) -> list[FileFault]:
    """Files that are missing or changed since the manifest at `path` was written."""
    faults = []
    for entry in read_manifest(path)["files"]:
        file = path.parent / entry["path"]
        if not file.is_file():
            faults.append(FileFault(file, "missing"))
            continue
        with file.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != entry["sha256"]:
                faults.append(FileFault(file, "changed"))
    return faults
