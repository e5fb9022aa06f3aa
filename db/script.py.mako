"""${message}"""

from __future__ import annotations

from convstore.database.migration import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("""${upgrades if upgrades else ""}""")
