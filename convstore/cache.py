"""Answers kept for a while: bounded, per identity and workspace, dropped by any write. Knows no query."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from uuid import UUID

from cachetools import TTLCache

__all__ = ["Cache"]

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
        self._lock = threading.Lock()

    def get(self, workspace_id: UUID, user_id: UUID, key: Hashable, ask: Callable[[], T]) -> T:
        """The kept answer, or a new one. Two callers may ask at the same time; both answers are right."""
        with self._lock:
            version = self._versions.get(workspace_id, 0)
            full_key = (workspace_id, user_id, version, key)
            if full_key in self._answers:
                kept: T = self._answers[full_key]
                return kept
        answer = ask()
        with self._lock:
            # An answer from before a write must not be served after it: the version it was asked under is in its key.
            if self._answers.maxsize:
                self._answers[full_key] = answer
        return answer

    def invalidate(self, workspace_id: UUID) -> None:
        """Forget everything about a workspace."""
        with self._lock:
            self._versions[workspace_id] = self._versions.get(workspace_id, 0) + 1
