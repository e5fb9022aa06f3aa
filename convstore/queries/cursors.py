"""Cursors: where a page starts, as a short text that a client hands back unread."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from convstore.errors import UsageError
from convstore.model import Order, Sort

__all__ = ["LAST", "Cursor"]

#: The cursor of the last page, whatever it is by then.
LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place between two rows of a sorted list.

    `value`, `id` are the sort key of the row beside it; `position` counts the rows before it where that is known.
    """

    sort: Sort
    order: Order
    direction: Literal["after", "before"]
    value: datetime | int | str
    id: UUID
    position: int | None

    def encode(self) -> str:
        """The cursor as text for addresses."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        fields = [self.sort, self.order, self.direction, value, self.id.hex, self.position]
        packed = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, *, sort: Sort, order: Order) -> Cursor:
        """Read a cursor back.

        Raises
        ------
        UsageError
            It is malformed, or belongs to a list in another order.
        """
        wrong = UsageError(
            "the cursor is not one of this list",
            hint="Start again without it; use a cursor with the sort that made it.",
        )
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            of_sort, of_order, direction, value, row, position = json.loads(packed)
            if (of_sort, of_order) != (sort, order) or direction not in ("after", "before"):
                raise wrong
            if position is not None and (not isinstance(position, int) or position < 0):
                raise wrong
            if sort in ("created", "updated"):
                value = datetime.fromisoformat(value)
                if value.tzinfo is None:
                    raise wrong
            elif sort == "quality":
                value = int(value)
                if not 0 <= value <= 50:
                    raise wrong
            elif b"\x00" in value.encode():  # and half a surrogate pair is no text
                raise wrong
            return cls(sort=sort, order=order, direction=direction, value=value, id=UUID(row), position=position)
        except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise wrong from None
