"""Who acts in a transaction: a database role, the claims, one workspace. Set locally, so that nothing outlives it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Literal
from uuid import UUID

from convstore.model import Actor
from convstore.tracing import get_request_id

__all__ = ["SYSTEM_ID", "Context", "system_context"]

#: The profile that periodic jobs act as; migration 0001 makes it.
SYSTEM_ID = UUID("00000000-0000-4000-8000-000000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What one transaction knows of its caller.

    `role` is `authenticated` for people, whom policies bind, and `service_role` for the operations that
    db/README.md names. Claims name the person in both cases, so that the audit does.
    """

    user_id: UUID
    role: Literal["authenticated", "service_role"] = "authenticated"
    email: str | None = None
    batch_id: UUID | None = None
    undo_batch: UUID | None = None
    note: str | None = None

    @classmethod
    def of(
        cls,
        actor: Actor,
        *,
        elevated: bool = False,
        batch_id: UUID | None = None,
        undo_batch: UUID | None = None,
        note: str | None = None,
    ) -> Context:
        """The context of a person, or of convstore acting for a person."""
        return cls(
            user_id=actor.user_id,
            # convstore's own actor belongs to no workspace; it is its role that lets it act.
            role="service_role" if elevated or actor.user_id == SYSTEM_ID else "authenticated",
            email=actor.email,
            batch_id=batch_id,
            undo_batch=undo_batch,
            note=note,
        )

    def opening(self, *, timeout_s: float, read_only: bool) -> tuple[bytes, list[str]]:
        """The one statement that a transaction starts with, and its values."""
        claims = {"sub": str(self.user_id), "role": self.role}
        if self.email:
            claims["email"] = self.email
        request_id = get_request_id()
        values = {
            "request.jwt.claims": json.dumps(claims),
            "TimeZone": "UTC",
            # Compiling a statement takes longer than all but the largest of ours.
            "jit": "off",
            "statement_timeout": str(int(timeout_s * 1000)),
            "convstore.batch": str(self.batch_id or ""),
            "convstore.undo_batch": str(self.undo_batch or ""),
            "convstore.note": self.note or "",
            "convstore.request_id": request_id or "",
            # Last: from here on the transaction has the role's rights only.
            "role": self.role,
        }
        if request_id:
            # Where the server's log and its list of activity show it, see `%a` in log_line_prefix.
            values = {"application_name": f"convstore {request_id}", **values}
        if read_only:
            values = {"transaction_read_only": "on", **values}
        return _setting(tuple(values)), list(values.values())


@cache
def _setting(names: tuple[str, ...]) -> bytes:
    # One of four texts, which the server parses once each: the values travel beside it.
    return ("SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in names)).encode()


def system_context(*, batch_id: UUID | None = None, note: str | None = None) -> Context:
    """convstore acting by itself."""
    return Context(user_id=SYSTEM_ID, role="service_role", batch_id=batch_id, note=note)
