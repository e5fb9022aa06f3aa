"""The frame of the app: its navigation and the sign-in. Every screen runs inside it."""

from __future__ import annotations

from convstore.ui.account import account
from convstore.ui.frame import frame
from convstore.ui.guard import guard
from convstore.ui.session import current_store

with frame() as (screen, page), guard(kept=screen.kept):
    account(current_store())
    page.run()
