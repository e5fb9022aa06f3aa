"""Proof that the database keeps people apart: throw-away users try everything on every table, and nothing stays.

What each may do is the table of rights in db/README.md. Tables and columns come from the catalogue, so a new one that
nobody thought of is found. Knows no screen and no command.
"""

from convstore.isolation.attempts import Deviation, list_deviations
from convstore.isolation.check import check_isolation
from convstore.isolation.rights import RIGHTS_FILE, TableRights, read_rights

__all__ = ["RIGHTS_FILE", "Deviation", "TableRights", "check_isolation", "list_deviations", "read_rights"]
