"""The foundation: roles, tables, functions, triggers, policies.

The SQL stands in files of its own beside this one, in the order of their names.
"""

from __future__ import annotations

from pathlib import Path

from convstore.database.migration import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for script in sorted(Path(__file__).with_suffix("").glob("*.sql")):
        run_script(script.read_text("utf-8"))
