"""Where conversation files are kept: one contract, on disk or in Supabase Storage. Knows no rows and no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstore.files.keys import listing_order, object_path
from convstore.files.packing import DamagedFileError, iter_unpacked, pack, unpack
from convstore.files.store import FileStat, FileStore, StoreFact

if TYPE_CHECKING:
    from convstore.settings import Settings

__all__ = [
    "DamagedFileError",
    "FileStat",
    "FileStore",
    "StoreFact",
    "iter_unpacked",
    "listing_order",
    "object_path",
    "open_store",
    "pack",
    "unpack",
]


def open_store(settings: Settings) -> FileStore:
    """The store that the settings name; nothing is contacted or created yet."""
    if settings.storage == "supabase":
        from convstore.files.supabase import SupabaseStore

        return SupabaseStore.from_settings(settings)
    from convstore.files.local import LocalStore

    return LocalStore(settings.home / "files", settings.storage_bucket)
