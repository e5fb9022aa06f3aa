"""What every writer does: take rows, close with the files' facts, publish, or leave nothing.

Knows splits and staging; how a conversation is spelled is the part's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from convstore.errors import InvalidInputError, UsageError
from convstore.queries.turn_columns import merged
from convstore.release.rows import FileInfo, ReleaseRow, RowReceipt
from convstore.release.staging import HashedFile, Staging

__all__ = ["ClosedPart", "Part", "SideFile", "Writer", "refuse_blank"]


class ClosedPart(NamedTuple):
    """A staged file that is complete on disk."""

    path: Path
    sha256: str
    rows: int
    bytes: int


class Part(Protocol):
    """The file, or the shards, of one split."""

    def add(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write conversations and return a receipt for each."""

    def close(self) -> list[ClosedPart]:
        """Bring everything to the disk."""

    def discard(self) -> None:
        """Close without any promise."""


class SideFile(NamedTuple):
    """A small file that goes with the data. `name` is its name in a folder; beside a file it is a suffix."""

    name: str
    text: Callable[[Sequence[FileInfo]], str]


class Writer:
    """Writes one export. Use `write_batch`, then `finish`; or `close`, the manifest into `staging`, `publish`.

    As a context manager it aborts unless it was finished.

    Parameters
    ----------
    staging
        Where the export grows.
    open_part
        Opens the part of a split at a path.
    suffix
        Of the files inside a folder, with its dot.
    splits
        Names of the splits, one file each; empty for one file without a split.
    side_file
        Made at the end from the final paths of the data files.
    """

    def __init__(
        self,
        staging: Staging,
        open_part: Callable[[Path, str | None], Part],
        *,
        suffix: str,
        splits: Sequence[str] = (),
        side_file: SideFile | None = None,
    ) -> None:
        self.staging = staging
        self._side_file = side_file
        self._files: list[FileInfo] | None = None
        self._parts: dict[str | None, Part] = {}
        try:
            for split in splits or (None,):
                path = staging.content / f"{split or 'train'}{suffix}" if staging.folder else staging.content
                self._parts[split] = open_part(path, split)
        except BaseException:
            self.abort()
            raise

    def write(self, row: ReleaseRow) -> RowReceipt:
        """Write one conversation."""
        return self._part(row.split).add((row,))[0]

    def write_batch(self, rows: Sequence[ReleaseRow]) -> list[RowReceipt]:
        """Write conversations in order and return a receipt for each."""
        receipts: list[RowReceipt] = []
        for run in _runs(rows):
            receipts += self._part(run[0].split).add(run)
        return receipts

    def close(self) -> list[FileInfo]:
        """Complete the staged files; nothing has its final name yet."""
        if self._files is None:
            closed = [part for split in self._parts.values() for part in split.close()]
            final = self.staging.final
            self._files = [
                FileInfo(path=final(part.path), sha256=part.sha256, rows=part.rows, bytes=part.bytes) for part in closed
            ]
            if self._side_file:
                self._files.append(self._write_side_file(self._side_file))
        return self._files

    def publish(self) -> None:
        """Give everything its final name, the target last."""
        self.close()
        self.staging.publish()

    def finish(self) -> list[FileInfo]:
        """Close and publish."""
        files = self.close()
        self.publish()
        return files

    def abort(self) -> None:
        """Leave nothing behind. Harmless after `publish`."""
        try:
            for part in self._parts.values():
                part.discard()
        finally:
            self.staging.abort()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def _part(self, split: str | None) -> Part:
        # Without splits in the files, a row's split is still data: it goes to the one part there is.
        part = self._parts.get(split) or self._parts.get(None)
        if part is None:
            raise UsageError(
                f"A row of split {split!r} has no file; the splits are {', '.join(map(str, self._parts))}.",
                hint="Name every split when the writer is made.",
            )
        return part

    def _write_side_file(self, side: SideFile) -> FileInfo:
        staging = self.staging
        text = side.text(self._files or ()).encode("utf-8")
        path = staging.content / side.name if staging.folder else staging.beside(f".{side.name}")
        staged = HashedFile(path)
        staged.write(text)
        return FileInfo(path=staging.final(path), sha256=staged.seal(), rows=0, bytes=len(text))


def refuse_blank(rows: Sequence[ReleaseRow]) -> None:
    """No blank reply ever leaves, whatever was decided about other findings."""
    if all(all(map(str.strip, turns.contents)) for turns in merged(row.columns for row in rows)):
        return
    row = next(row for row in rows if row.has_blank)
    blank = [text.strip() for text in row.columns.contents].index("")
    number = row.columns.numbers[blank]
    raise InvalidInputError(
        f"Message {number} of {row.conversation.conversation_id} has no text.",
        hint="Leave the conversation out, or correct its source and import it again.",
        facts={"conversation_id": row.conversation.conversation_id, "turn_number": number},
    )


def _runs(rows: Sequence[ReleaseRow]) -> Iterable[Sequence[ReleaseRow]]:
    start = 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or rows[i].split != rows[start].split:
            yield rows[start:i]
            start = i
