"""How the server plans statements that read a whole set and answer with few rows. Knows no statement."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

__all__ = ["plan_for_scans"]

_SETTINGS = {
    # Counts by several columns stay in memory instead of being sorted or written to disk.
    "work_mem": "64MB",
    # As shipped, reading an index out of order is thought as dear as on a turning disk: then every question reads the
    # whole table instead of the covering index, which has a quarter of its pages.
    "random_page_cost": "1.1",
    # As shipped, handing some thousand groups from a worker to its leader is thought dearer than reading a million rows
    # on one core.
    "parallel_setup_cost": "100",
    "parallel_tuple_cost": "0.005",
}


def plan_for_scans(connection: Connection) -> None:
    """Let all cores take part, to the end of the transaction."""
    connection.execute(select(*(func.set_config(name, value, True) for name, value in _SETTINGS.items())))
