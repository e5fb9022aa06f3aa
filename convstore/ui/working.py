"""Work on very many rows that goes on beside the screen, so that the screen can be left. Knows no widget.

It runs in a thread of the app: whoever looks sees how far it is, and whoever comes back sees how it ended. A server
that stops takes it back, because it is one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Tell", "Work", "WorkStopped"]

Tell: TypeAlias = Callable[[int, int, str], None]


class WorkStopped(Exception):
    """Somebody pressed Stop."""


class Work:
    """One piece of work, begun at once.

    Parameters
    ----------
    words
        What is being done, for the screen.
    do
        Does it, tells how far it is, and gives back what to do with the outcome in a run of the screen.
    """

    def __init__(self, words: str, do: Callable[[Tell], Callable[[], None]]) -> None:
        self.words = words
        self.done, self.total = 0, 0
        self.is_stopping = False
        self._do = do
        self._then: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True until it ended, well or not."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Give it a moment."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """Have everything taken back at the next step; for `on_click`."""
        self.is_stopping = True

    def settle(self) -> bool:
        """Show the outcome, or raise what went wrong; False if it was stopped."""
        if isinstance(self._error, WorkStopped):
            return False
        if self._error is not None:
            raise self._error
        if self._then is not None:
            self._then()
        return True

    def _run(self) -> None:
        try:
            self._then = self._do(self._tell)
        except Exception as error:  # noqa: BLE001 - raised again where somebody sees it
            self._error = error

    def _tell(self, done: int, total: int, _word: str) -> None:
        self.done, self.total = done, total
        if self.is_stopping:
            raise WorkStopped
