"""Addresses of databases: refused before libpq sees one that it would misread, because it then shows parts of them.

A password with an `@` in it, not written as `%40`, is read as the name of a host, and that name stands in every error.
"""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from convstore.errors import SettingsError

__all__ = ["APP_ROLE", "check_address"]

#: The application's login, which migrations make.
APP_ROLE = "convstore_app"


def check_address(address: str, variable: str) -> None:
    """Let an address pass that means what its writer meant.

    Raises
    ------
    SettingsError
        It cannot be read, or reads as something else; names the variable and never shows the value.
    """
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(address).items()}
    except psycopg.Error:
        parts = {"host": "@"}
    # Several hosts, and their ports, are parted by commas.
    ports = parts.get("port", "").replace(",", "")
    if "@" in parts.get("host", "") or "@" in parts.get("dbname", "") or not (ports.isdecimal() or not ports):
        raise SettingsError(
            f"{variable} is no address of a database",
            hint="Write postgresql://user:password@host:5432/database, "
            "and every character of the password but letters and digits percent-encoded: @ is %40, / is %2F, % is %25.",
            facts={"variables": [variable]},
        ) from None
