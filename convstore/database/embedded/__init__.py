"""A PostgreSQL server of the product's own, below CONVSTORE_HOME, for those who have none."""

from convstore.database.embedded.server import EmbeddedServer, open_server, stop_server

__all__ = ["EmbeddedServer", "open_server", "stop_server"]
