"""Hears that something was written, by whichever process. Learns neither what nor by whom: anybody may listen."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Any

import psycopg

__all__ = ["CHANNEL", "ChangeListener"]

log = logging.getLogger(__name__)

#: Triggers notify it once a transaction, see db/versions/0001_foundation.
CHANNEL = "convstore_changed"
#: How soon a lost connection is tried again, and how often a pooler, which carries no notifications, is asked.
EVERY_S = 1.0

# Where nothing can be heard: rows that are added late have low numbers, so the last number alone would not tell.
_PROBE = "SELECT sum(id)::text FROM (SELECT id FROM events ORDER BY id DESC LIMIT 1000) AS latest"


class ChangeListener:
    """Calls `on_change` soon after every commit that changed something, and whenever one may have been missed.

    Parameters
    ----------
    url
        libpq URL of the application's login.
    is_own
        Whether a server process serves the caller, who knows what it writes itself.
    polls
        Ask instead of listening, because a transaction pooler carries no notifications.
    """

    def __init__(
        self, url: str, on_change: Callable[[], None], *, is_own: Callable[[int], bool], polls: bool = False
    ) -> None:
        self._url = url
        self._on_change = on_change
        self._is_own = is_own
        self._follow = self._probe if polls else self._listen
        self._read, self._write = os.pipe()
        self._over = threading.Event()
        self._following = threading.Event()
        self._thread = threading.Thread(target=self._run, name="convstore-changes", daemon=True)
        self._thread.start()
        # From here on nothing is missed; a server that is away will be met by whoever asks next.
        self._following.wait(EVERY_S)

    def close(self) -> None:
        """Stop listening; returns when the connection is closed."""
        self._over.set()
        os.write(self._write, b"x")
        self._thread.join()
        os.close(self._read)
        os.close(self._write)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, application_name="convstore changes") as connection:
                    self._follow(connection)
            except psycopg.Error as exc:
                log.debug("cannot hear of changes: %s", exc)
                self._sleep()

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        # What was kept until now may be old.
        self._on_change()
        self._following.set()
        while not self._over.is_set():
            select.select([connection.fileno(), self._read], [], [])
            heard = list(connection.notifies(timeout=0))
            if not all(self._is_own(one.pid) for one in heard):
                self._on_change()

    def _probe(self, connection: psycopg.Connection[Any]) -> None:
        before: object = None
        while not self._over.is_set():
            with connection.transaction():
                connection.execute("SET LOCAL ROLE service_role")
                now = connection.execute(_PROBE).fetchone()
            if now != before:
                self._on_change()
            before = now
            self._following.set()
            self._sleep()

    def _sleep(self) -> None:
        select.select([self._read], [], [], EVERY_S)
