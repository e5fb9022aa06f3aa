"""A store saved in one place and brought back in another: Supabase Storage, a disk, an older or newer PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from convstore import schema
from convstore.backup import back_up, restore
from convstore.core import ConvStore, Resources
from convstore.database.embedded import open_server
from convstore.errors import ConflictError
from convstore.model import Filter
from convstore.settings import Settings
from convstore.storage_setup import check_storage_policies, prepare_storage
from tests.fixtures_database import Server
from tests.integration.conversations import conversation, folder_of
from tests.supabase_storage.project import supabase_project

NewSettings = Callable[[], Settings]
OpenResources = Callable[[Settings], Resources]

PROGRAMS_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def project(server: Server, database_name: str, tmp_path: Path) -> Iterator[Resources]:
    """A project that is set up, with three conversations, one of them released, one in the trash."""
    with supabase_project(server.settings(database_name, tmp_path / "project")) as resources:
        prepare_storage(resources.database, resources.files)
        fill(resources, tmp_path)
        yield resources


def fill(resources: Resources, folder: Path) -> None:
    store = ConvStore.for_operator(resources)
    store.ingest([folder_of(folder / "in", count=3)])
    store.export("messages", folder / "out.jsonl", Filter(ids=("talk-0",)), name="first")
    store.delete(["talk-2"])


def check(resources: Resources) -> None:
    """What `fill` made is there, whole, and can be worked with."""
    store = ConvStore.for_operator(resources)
    assert sorted(row.conversation_id for row in store.search().items) == ["talk-0", "talk-1"]
    assert store.verify().is_clean
    assert store.reconcile().is_clean
    assert store.verify_release("first").is_clean
    store.restore(["talk-2"])
    assert store.document("talk-2")


def test_project_to_project(project: Resources, new_settings: NewSettings, tmp_path: Path) -> None:
    saved = back_up(project.database, project.files, tmp_path / "backup.tar")
    assert saved.is_complete
    assert saved.manifest.files == len(project.files.list()) == 3
    with supabase_project(new_settings()) as other:
        restore(other.database, other.files, saved.path)
        # Bucket and policies come with it.
        policies = check_storage_policies(other.database, other.files)
        assert policies is not None
        assert policies.status == "ok"
        check(other)


def test_project_is_replaced_on_request_only(project: Resources, tmp_path: Path) -> None:
    saved = back_up(project.database, project.files, tmp_path / "backup.tar")
    store = ConvStore.for_operator(project)
    store.delete(["talk-1"], hard=True, confirm=True)
    store.ingest([conversation(tmp_path / "later.json", "later")])
    with pytest.raises(ConflictError, match="not empty"):
        restore(project.database, project.files, saved.path)
    assert restore(project.database, project.files, saved.path, replace=True).removed_files == 1
    check(project)


def test_project_to_disk_and_back(
    project: Resources, new_settings: NewSettings, open_resources: OpenResources, tmp_path: Path
) -> None:
    saved = back_up(project.database, project.files, tmp_path / "backup.tar")
    on_disk = open_resources(new_settings())
    restore(on_disk.database, on_disk.files, saved.path)
    again = back_up(on_disk.database, on_disk.files, tmp_path / "again.tar")
    with supabase_project(new_settings()) as other:
        restore(other.database, other.files, again.path)
        check(other)
    check(on_disk)


@pytest.mark.skipif(not (PROGRAMS_15 / "initdb").exists(), reason="PostgreSQL 15 is not installed")
def test_from_the_oldest_server_to_the_newest_and_back(
    new_settings: NewSettings, open_resources: OpenResources, tmp_path: Path
) -> None:
    with open_server(tmp_path / "home-15", pg_bin=PROGRAMS_15) as server:
        settings = Settings(
            database_url=SecretStr(server.app_url), admin_url=SecretStr(server.admin_url), home=tmp_path / "files-15"
        )
        oldest = Resources(settings)
        schema.upgrade(oldest.database)
        schema.seed(oldest.database, admin_email=None, local_name="Jana")
        fill(oldest, tmp_path)
        saved = back_up(oldest.database, oldest.files, tmp_path / "15.tar", pg_bin=PROGRAMS_15)
        assert saved.manifest.postgres // 10_000 == 15

        newest = open_resources(new_settings())
        restore(newest.database, newest.files, saved.path)
        back = back_up(newest.database, newest.files, tmp_path / "newest.tar")
        assert back.manifest.postgres // 10_000 > 15
        assert back.manifest.tables == saved.manifest.tables
        restore(oldest.database, oldest.files, back.path, replace=True)
        check(oldest)
        check(newest)
        oldest.close()
