"""What a workspace's files take, now and over time, and the limit that an admin set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Context, Database
from convstore.database.tables import storage_history, workspaces
from convstore.errors import ForbiddenError, InvalidInputError, QuotaError
from convstore.model import Actor

__all__ = [
    "SpaceGuard",
    "StorageUse",
    "get_storage_use",
    "list_storage_history",
    "note_storage_use",
    "set_quota",
    "size_in_words",
]

#: Part of the quota from which people are warned.
WARN_AT = 0.8
#: How long an import trusts the number that it asked for, plus what it added itself.
TRUST_S = 30.0

_STORAGE_USE = text("SELECT kind, items, bytes FROM convstore.storage_use(:workspace)")

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageUse:
    """Bytes and items by what holds them: statuses, trash, archive, quarantine, uploads. No quota is no limit."""

    bytes_by_kind: dict[str, int]
    items_by_kind: dict[str, int]
    quota_bytes: int | None

    @property
    def used_bytes(self) -> int:
        """Bytes in all."""
        return sum(self.bytes_by_kind.values())

    @property
    def level(self) -> Literal["ok", "warning", "full"]:
        """`warning` from 80 % of the quota, `full` from 100 %."""
        if self.quota_bytes is None or self.used_bytes < WARN_AT * self.quota_bytes:
            return "ok"
        return "warning" if self.used_bytes < self.quota_bytes else "full"

    def in_words(self) -> str:
        """Who takes how much, the largest first."""
        ordered = sorted(self.bytes_by_kind.items(), key=lambda item: -item[1])
        return ", ".join(f"{kind.replace('_', ' ')} {size_in_words(size)}" for kind, size in ordered) or "nothing"


def get_storage_use(database: Database, actor: Actor) -> StorageUse:
    """What the workspace takes now."""
    with database.transaction(Context.of(actor), read_only=True) as connection:
        quota = connection.execute(select(workspaces.c.quota_bytes).where(workspaces.c.id == actor.workspace_id))
        limit = quota.scalar_one()
        rows = connection.execute(_STORAGE_USE, {"workspace": actor.workspace_id}).all()
    return StorageUse(
        bytes_by_kind={row[0]: row[2] or 0 for row in rows},
        items_by_kind={row[0]: row[1] for row in rows},
        quota_bytes=limit,
    )


def note_storage_use(database: Database, actor: Actor) -> None:
    """Write today's use into the history; the last note of a day stands."""
    use = get_storage_use(database, actor)
    today = datetime.now(UTC).date()
    rows = [
        {
            "workspace_id": actor.workspace_id,
            "day": today,
            "kind": kind,
            "items": use.items_by_kind[kind],
            "bytes": size,
        }
        for kind, size in use.bytes_by_kind.items()
    ]
    if not rows:
        return
    statement = insert(storage_history)
    changed = {name: statement.excluded[name] for name in ("items", "bytes")}
    with database.transaction(Context.of(actor, elevated=True)) as connection:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["workspace_id", "day", "kind"], set_=changed), rows
        )


def list_storage_history(database: Database, actor: Actor, *, days: int = 90) -> list[tuple[date, str, int]]:
    """(day, kind, bytes) of the last days, oldest first."""
    h = storage_history.c
    since = datetime.now(UTC).date() - timedelta(days=days)
    with database.transaction(Context.of(actor), read_only=True) as connection:
        rows = connection.execute(
            select(h.day, h.kind, h.bytes)
            .where(h.workspace_id == actor.workspace_id, h.day >= since)
            .order_by(h.day, h.kind)
        )
        return [(row[0], row[1], row[2]) for row in rows]


def set_quota(database: Database, actor: Actor, quota_bytes: int | None) -> None:
    """Limit the bytes of the workspace's files; None: no limit. Admins only.

    Raises
    ------
    ForbiddenError
        The role is not admin.
    """
    if quota_bytes is not None and quota_bytes <= 0:
        raise InvalidInputError("a quota is more than nothing", hint="Give bytes, or none for no limit.")
    with database.transaction(Context.of(actor)) as connection:
        changed = connection.execute(
            update(workspaces).where(workspaces.c.id == actor.workspace_id).values(quota_bytes=quota_bytes)
        )
        if not changed.rowcount:
            raise ForbiddenError("only an admin sets the quota", hint="Ask an admin of the workspace.")


class SpaceGuard:
    """Refuses what would not fit. One per import: it counts what the import adds and looks again now and then."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor
        self._use: StorageUse | None = None
        self._asked_at = 0.0
        self._added = 0

    def check(self, size: int) -> None:
        """Take note of bytes that are about to be stored.

        Raises
        ------
        QuotaError
            They would not fit any more.
        """
        now = time.monotonic()
        if self._use is None or now - self._asked_at > TRUST_S:
            self._use, self._asked_at, self._added = get_storage_use(self._database, self._actor), now, 0
        self._added += size
        quota = self._use.quota_bytes
        if quota is None or self._use.used_bytes + self._added <= quota:
            return
        used = f"{size_in_words(self._use.used_bytes)} of {size_in_words(quota)} are used"
        raise QuotaError(
            f"the workspace is full: {used} ({self._use.in_words()})",
            hint="Delete or archive what nobody needs, or have an admin raise the quota.",
            facts={"used_bytes": self._use.used_bytes, "quota_bytes": quota, "bytes_by_kind": self._use.bytes_by_kind},
        )


def size_in_words(size: int) -> str:
    """Bytes with a unit, in thousands."""
    number = float(size)
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} {_UNITS[-1]}"
