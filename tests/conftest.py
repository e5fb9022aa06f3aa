"""What every test starts from: no setting of the caller's, and real parts on demand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything reads it: the caller's own store is none of the tests' business.
for _name in [name for name in os.environ if name.startswith(("CONVSTORE_", "SUPABASE_"))]:
    if _name not in ("CONVSTORE_REQUIRE_BROWSER", "CONVSTORE_SCREENSHOTS"):
        del os.environ[_name]

pytest_plugins = ["tests.fixtures_database"]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real conversation files beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not (folder / "expected.json").is_file():
        pytest.skip("no real conversation files beside this checkout")
    return folder
