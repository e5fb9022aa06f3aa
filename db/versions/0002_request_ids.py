"""Each event says to which request it belongs, so that the audit, the log and the caller speak of the same thing.

A default rather than a value in each trigger: whatever writes an event, now or later, leaves its request with it.
"""

from __future__ import annotations

from convstore.database.migration import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(
        """
-- Events that are there already keep none: the default is asked for once, and nobody is being served.
ALTER TABLE events ADD COLUMN request_id TEXT DEFAULT convstore.setting('request_id'::text);
COMMENT ON COLUMN events.request_id IS 'Request that made it, as in the log; none outside of requests and jobs';
"""
    )
