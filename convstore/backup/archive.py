"""The file that a backup is: a plain tar, which any tool unpacks and `sha256sum --check` verifies.

    files/<key>     each object of the file store, as it was stored
    database.dump   pg_dump's custom format, data only
    manifest.json   what there should be
    SHA256SUMS      of all of the above, in their order; last, so that a cut archive has none

Neither writing nor reading keeps more than one object in memory. Knows neither database nor file store.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from convstore.backup.manifest import DAMAGED, Manifest
from convstore.errors import InvalidInputError

__all__ = ["DUMP", "FILES", "ArchiveWriter", "check_backup", "iter_members"]

DUMP = "database.dump"
FILES = "files/"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
CHUNK_BYTES = 1 << 20
MAX_MANIFEST_BYTES = 1 << 26
#: Damaged parts that an error names; one more or less helps nobody.
NAMED = 10


class ArchiveWriter:
    """Writes an archive into an open file; `finish` makes it whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._sums: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def add(self, name: str, data: bytes) -> None:
        """Add a part from memory."""
        self.add_file(name, io.BytesIO(data))

    def add_file(self, name: str, source: IO[bytes]) -> None:
        """Add a part from a file that can seek."""
        member = tarfile.TarInfo(name)
        member.size = source.seek(0, 2)
        member.mode = 0o600
        source.seek(0)
        hashing = _Hashing(source)
        self._tar.addfile(member, hashing)
        # The list would grow with every part, and nobody asks for it.
        self._tar.members.clear()  # type: ignore[attr-defined]  # there, but undeclared
        self._sums.write(_line(hashing.hexdigest(), name))

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest and the sums, and end the archive."""
        self.add(MANIFEST, manifest.to_json())
        member = tarfile.TarInfo(SUMS)
        member.size = self._sums.tell()
        member.mode = 0o600
        self._sums.seek(0)
        self._tar.addfile(member, self._sums)
        self._tar.close()
        self._sums.close()


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._source.read(size)
        self._sha256.update(data)
        return data

    def hexdigest(self) -> str:
        """SHA-256 of what was read."""
        return self._sha256.hexdigest()


@contextmanager
def iter_members(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The parts of an archive in order, each with its bytes; `InvalidInputError` where it is cut or no archive."""
    reading = ""
    try:
        with tarfile.open(path, "r:") as archive:

            def members() -> Iterator[tuple[str, IO[bytes]]]:
                nonlocal reading
                while (member := archive.next()) is not None:
                    reading = member.name
                    content = archive.extractfile(member)
                    if content is not None:
                        yield member.name, content
                    archive.members.clear()  # type: ignore[attr-defined]  # there, but undeclared

            yield members()
    except tarfile.TarError as exc:
        where = f" in or after {reading}" if reading else ""
        raise InvalidInputError(
            f"{path} is cut or no backup: {exc}{where}",
            hint="Use another backup.",
            facts={"backup": str(path), "part": reading},
            code=DAMAGED,
        ) from None


def check_backup(path: Path) -> Manifest:
    """Read a backup from end to end and compare every hash; what it says of itself.

    Raises
    ------
    InvalidInputError
        It is cut, or parts of it are not what they were: the message names them.
    """
    wrong: list[str] = []
    manifest: Manifest | None = None
    last = ""
    is_whole = False
    files = 0
    with tempfile.TemporaryFile() as found, iter_members(path) as members:
        for name, content in members:
            last = name
            if name == SUMS:
                is_whole = True
                found.seek(0)
                wrong += _differences(found, content)
                break
            if name == MANIFEST:
                text = content.read(MAX_MANIFEST_BYTES)
                found.write(_line(hashlib.sha256(text).hexdigest(), name))
                manifest = Manifest.from_json(text)
                continue
            files += name.startswith(FILES)
            hashing = _Hashing(content)
            while hashing.read(CHUNK_BYTES):
                pass
            found.write(_line(hashing.hexdigest(), name))
    if not is_whole or manifest is None:
        raise _damaged(path, f"it ends after {last or 'nothing'}, before its list of hashes", [last])
    if wrong:
        more = f" and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
        raise _damaged(path, f"not what was saved: {', '.join(wrong[:NAMED])}{more}", wrong[:NAMED])
    if files != manifest.files:
        raise _damaged(path, f"it holds {files:,} files and speaks of {manifest.files:,}", [])
    return manifest


def _line(sha256: str, name: str) -> bytes:
    return f"{sha256}  {name}\n".encode()


def _differences(found: IO[bytes], wanted: IO[bytes]) -> list[str]:
    """Names of the lines that differ; both lists are in the archive's order."""
    with tempfile.TemporaryFile() as plain:
        shutil.copyfileobj(wanted, plain)
        plain.seek(0)
        wrong = []
        for mine in found:
            theirs = plain.readline()
            if mine != theirs:
                wrong.append(mine.decode("utf-8", "replace").split("  ", 1)[1].rstrip("\n"))
        if plain.readline():
            wrong.append(SUMS)
        return wrong


def _damaged(path: Path, what: str, parts: list[str]) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is damaged: {what}",
        hint="Nothing was changed. Use another backup.",
        facts={"backup": str(path), "parts": parts},
        code=DAMAGED,
    )
