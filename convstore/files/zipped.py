"""A zip that is handed on in pieces while it is written. Knows no conversation and no release."""

from __future__ import annotations

__all__ = ["ZipPieces"]


class ZipPieces:
    """Takes what `zipfile` writes until somebody takes it; no seeking, so that nothing has to be kept.

    `size` is the bytes that wait.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Keep a piece."""
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def close(self) -> None:
        """Nothing to let go of."""

    def take(self) -> bytes:
        """Everything since the last call."""
        taken = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return taken
