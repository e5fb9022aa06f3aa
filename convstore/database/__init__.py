"""PostgreSQL: the one door for every statement, and nothing about conversations."""

from convstore.database.context import SYSTEM_ID, Context, system_context
from convstore.database.engine import Database, driver

__all__ = ["SYSTEM_ID", "Context", "Database", "driver", "system_context"]
