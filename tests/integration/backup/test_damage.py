"""What a backup must not do: be there half, be read by others, be restored when it is not what was saved."""

from __future__ import annotations

import signal
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from convstore.backup import back_up, check_backup, restore
from convstore.backup.archive import DUMP, ArchiveWriter
from convstore.backup.dump import dump_tables
from convstore.core import ConvStore, Resources
from convstore.database.embedded.programs import get_client_programs
from convstore.errors import ConflictError, InvalidInputError, UsageError
from convstore.settings import Settings
from tests.acceptance.command_line import CommandLine
from tests.integration.conversations import folder_of


@pytest.fixture
def backup(store: ConvStore, tmp_path: Path) -> Path:
    store.ingest([folder_of(tmp_path / "in", count=5)])
    return back_up(store.database, store.files, tmp_path / "backup.tar").path


def flipped(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("part", ["conversation.json.gz", "database.dump", "manifest.json", "SHA256SUMS"])
def test_a_flipped_bit_is_found_and_named(backup: Path, part: str) -> None:
    with tarfile.open(backup) as archive:
        member = next(one for one in archive if one.name.endswith(part))
    flipped(backup, member.offset_data + member.size // 2)
    with pytest.raises(InvalidInputError) as caught:
        check_backup(backup)
    assert caught.value.code == "ERR_BACKUP_DAMAGED"
    # A wrong line in the list of hashes looks like a wrong part: which of the two it is, nobody can tell.
    if part != "SHA256SUMS":
        assert part in caught.value.message


def test_a_cut_one_is_found_wherever_it_is_cut(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    with tarfile.open(backup) as archive:
        places = [one.offset_data + one.size // 2 for one in archive] + [one.offset for one in archive]
    for place in sorted(places):
        cut = tmp_path / "cut.tar"
        cut.write_bytes(whole[:place])
        with pytest.raises(InvalidInputError) as caught:
            check_backup(cut)
        assert caught.value.code == "ERR_BACKUP_DAMAGED", place


def test_nothing_changes_when_it_is_refused(backup: Path, store: ConvStore, resources: Resources) -> None:
    flipped(backup, backup.stat().st_size // 2)
    with pytest.raises(InvalidInputError):
        restore(resources.database, resources.files, backup, replace=True)
    assert store.count() == (5, True)
    assert store.reconcile().is_clean


def test_a_dump_of_something_else_is_refused(backup: Path, resources: Resources, tmp_path: Path) -> None:
    manifest = check_backup(backup)
    with resources.database.admin() as connection:
        connection.execute("CREATE TABLE public.others (secret text)")
        connection.execute("INSERT INTO public.others VALUES ('x')")
    forged = tmp_path / "forged.tar"
    with (
        resources.database.admin() as connection,
        tempfile.TemporaryFile() as dump,
        forged.open("wb") as file,
    ):
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        programs = get_client_programs(None, oldest_major=connection.info.server_version // 10_000)
        url = resources.database.admin_url
        dump_tables(programs, url, snapshot=row[0], tables=["public.others"], target=dump)
        writer = ArchiveWriter(file)
        writer.add_file(DUMP, dump)
        object.__setattr__(manifest, "files", 0)
        writer.finish(manifest)
    with pytest.raises(InvalidInputError, match=r"public\.others"):
        restore(resources.database, resources.files, forged, replace=True)
    assert ConvStore.for_operator(resources).count() == (5, True)


def test_a_name_that_is_taken_or_nowhere(backup: Path, store: ConvStore, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="exists"):
        back_up(store.database, store.files, backup)
    with pytest.raises(UsageError, match="no folder"):
        back_up(store.database, store.files, tmp_path / "nowhere" / "x.tar")


def test_killed_in_the_middle(demo_store: ConvStore, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    convstore = CommandLine(demo_store.settings)
    with convstore.start("backup", str(folder)) as process:
        while not any(path.stat().st_size for path in folder.iterdir()) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in folder.iterdir() if path.suffix == ".tar"] == []
    report = back_up(demo_store.database, demo_store.files, folder)
    assert [*folder.iterdir()] == [report.path]


def test_the_password_is_on_no_command_line(store: ConvStore, settings: Settings, tmp_path: Path) -> None:
    real = get_client_programs(None, oldest_major=15)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_restore").symlink_to(real / "pg_restore")
    # The real program, looked at as everybody on the machine can.
    (programs / "pg_dump").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/seen\nexec {real}/pg_dump "$@"\n')
    (programs / "pg_dump").chmod(0o755)
    assert settings.admin_url is not None
    with_password = settings.admin_url.get_secret_value().replace("postgres@", "postgres:s3c%3Aret@")
    database = type(store.database)(store.database.url, admin_url=with_password)
    back_up(database, store.files, tmp_path / "backup.tar", pg_bin=programs)
    seen = (tmp_path / "seen").read_text()
    assert "--snapshot" in seen
    assert "s3c" not in seen
    database.close()


def test_commands(demo_store: ConvStore, new_settings: Callable[[], Settings], tmp_path: Path) -> None:
    convstore = CommandLine(demo_store.settings)
    done = convstore("backup", str(tmp_path / "store.tar"), "--json")
    assert done.status == 0
    saved = done.document
    assert {"path", "bytes", "created_at", "schema", "tables", "files", "file_bytes", "missing", "damaged"} <= set(
        saved
    )
    assert saved["tables"]["public.conversations"] == saved["files"] == 240
    assert convstore("backup", str(tmp_path / "store.tar"), "--json").status == 1
    assert convstore("restore", str(tmp_path / "store.tar"), "--json").status == 1
    assert convstore("restore", str(tmp_path / "other.tar"), "--json").status == 2
    assert convstore("restore", "nobody", "--replace", "--json").status == 2

    new = CommandLine(new_settings())
    assert "would be restored" in new("restore", str(tmp_path / "store.tar"), "--dry-run").out
    restored = new("restore", str(tmp_path / "store.tar"), "--json")
    assert (restored.status, restored.document["tables"]) == (0, saved["tables"])
    with (tmp_path / "store.tar").open("r+b") as file:
        file.truncate(5000)
    refused = new("restore", str(tmp_path / "store.tar"), "--replace", "--json")
    assert (refused.status, refused.document["error"]["code"]) == (1, "ERR_BACKUP_DAMAGED")
