"""A Supabase project: a database with its storage schema, and the storage service that keeps its objects there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from pydantic import SecretStr

from convstore.core import Resources
from convstore.settings import Settings
from tests.supabase_storage.schema import STORAGE_SCHEMA
from tests.supabase_storage.server import SupabaseStorageServer

__all__ = ["supabase_project"]


@contextmanager
def supabase_project(settings: Settings) -> Iterator[Resources]:
    """The database of these settings as a project's, and the store whose files are kept by it."""
    assert settings.admin_url is not None
    url = settings.admin_url.get_secret_value()
    with psycopg.connect(url) as connection:
        connection.execute(STORAGE_SCHEMA)
    folder = settings.home / "objects"
    folder.mkdir(parents=True)
    with SupabaseStorageServer(url, folder) as storage:
        changed = {
            "storage": "supabase",
            "supabase_url": storage.url,
            "supabase_service_role_key": SecretStr(storage.service_role_key),
        }
        resources = Resources(settings.model_copy(update=changed))
        yield resources
        resources.close()
