"""What a command does not need it does not load."""

from __future__ import annotations

import subprocess
import sys

_HEAVY = (
    "alembic", "fastapi", "numpy", "pandas", "plotly", "procrastinate", "psycopg", "pyarrow",
    "pydantic", "sqlalchemy", "streamlit", "supabase",
)  # fmt: skip

_HELP = """
import sys
sys.argv = ["convstore", "--help"]
from convstore.cli import main
try:
    main()
finally:
    print(*(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HELP.format(heavy=_HEAVY)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert "ingest" in done.stdout
