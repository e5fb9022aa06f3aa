"""The core: `ConvStore`, one object that puts settings, database and files together, one method a use case."""

from convstore.core.resources import Resources
from convstore.core.store import ConvStore

__all__ = ["ConvStore", "Resources"]
