"""Where the files that travel with the package are: the app, its pages, the migrations, the theme.

A checkout keeps them at its top level; a wheel carries them inside the package, under `convstore/_app`.
Nobody else may know the difference.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["APP_FOLDER", "HOME_SCRIPT", "MIGRATIONS_FOLDER", "PAGES_FOLDER", "STREAMLIT_FOLDER"]

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_app"

#: Holds everything below; Streamlit reads its configuration from here when it runs `HOME_SCRIPT`.
APP_FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

#: The script that Streamlit runs.
HOME_SCRIPT = APP_FOLDER / "Home.py"

#: One file a screen.
PAGES_FOLDER = APP_FOLDER / "pages"

#: The Alembic environment and its versions.
MIGRATIONS_FOLDER = APP_FOLDER / "db"

#: Theme and server configuration.
STREAMLIT_FOLDER = APP_FOLDER / ".streamlit"
