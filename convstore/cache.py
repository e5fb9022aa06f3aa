"""Answers kept for a while: bounded, per identity and workspace, dropped by any write. Knows no query."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar
from uuid import UUID

from cachetools import TTLCache

__all__ = ["Ahead", "Cache", "View"]

T = TypeVar("T")


class Cache:
    """A bounded store of answers. The identity and the workspace's version are part of every key.

    Parameters
    ----------
    ttl_s
        How long an answer is kept, in seconds; 0 keeps nothing.
    max_entries
        Most answers kept; the one unused for longest goes first.
    """

    def __init__(self, *, ttl_s: float, max_entries: int = 2_000) -> None:
        self._answers: TTLCache[Hashable, Any] = TTLCache(maxsize=max_entries if ttl_s else 0, ttl=ttl_s or 1)
        self._versions: dict[UUID, int] = {}
        self._epoch = 0
        self._lock = threading.Lock()

    def view(self, workspace_id: UUID, user_id: UUID) -> View:
        """The answers for one person in one workspace, as of now."""
        with self._lock:
            version = self._versions.get(workspace_id, 0)
            return View(self._answers, self._lock, (workspace_id, user_id, self._epoch, version))

    def invalidate(self, workspace_id: UUID) -> None:
        """Forget everything about a workspace."""
        with self._lock:
            self._versions[workspace_id] = self._versions.get(workspace_id, 0) + 1

    def invalidate_all(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
            # What is being asked for at this moment must not be served later either.
            self._epoch += 1


class View:
    """What is kept for one person and one version of a workspace.

    An answer from before a write is never served after it: the version that it was asked under is in its key.
    """

    def __init__(self, answers: TTLCache[Hashable, Any], lock: threading.Lock, of: Hashable) -> None:
        self._answers = answers
        self._lock = lock
        self._of = of

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The kept answer, or a new one. Two callers may ask at the same time; both answers are right."""
        with self._lock:
            if (self._of, key) in self._answers:
                kept: T = self._answers[self._of, key]
                return kept
        answer = ask()
        self.keep(key, answer)
        return answer

    def find(self, key: Hashable) -> Any | None:
        """The kept answer, if there is one."""
        with self._lock:
            return self._answers.get((self._of, key))

    def keep(self, key: Hashable, answer: object) -> None:
        """Keep an answer that was asked for since this view was taken."""
        with self._lock:
            if self._answers.maxsize:
                self._answers[self._of, key] = answer


class Ahead:
    """Asks in the background for what is kept when it is wanted; one question at a time, never a queue of them."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[object] | None = None
        self._lock = threading.Lock()

    def fetch(self, ask: Callable[[], object]) -> None:
        """Ask soon, unless something is being asked already. A failure is nobody's: who wants the answer asks again."""
        with self._lock:
            if self._running is not None and not self._running.done():
                return
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="convstore-ahead")
            self._running = self._thread.submit(copy_context().run, ask)

    def close(self) -> None:
        """Wait for the question that is being asked, and ask no more of them."""
        with self._lock:
            thread, self._thread, self._running = self._thread, None, None
        if thread is not None:
            thread.shutdown(cancel_futures=True)
