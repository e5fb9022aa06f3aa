"""Processes that are killed, files that lie, and machines that lack something."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from convstore.database.embedded import open_server, stop_server
from convstore.errors import DatabaseUnavailableError
from tests.integration.embedded.processes import Client, keeper_of, postmaster_of, processes_of, wait_until

WRITE = "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n"
READ = "SELECT n FROM kept"


def write(home: Path) -> None:
    with open_server(home) as server, psycopg.connect(server.admin_url) as connection:
        connection.execute(WRITE)


def read(home: Path) -> object:
    with open_server(home) as server, psycopg.connect(server.admin_url) as connection:
        row = connection.execute(READ).fetchone()
    return row and row[0]


def test_killed_user_leaves_a_server_that_stops_by_itself(home: Path) -> None:
    write(home)
    stop_server(home)
    client = Client(home, READ)
    assert client.said()["answer"] == [[7]]
    client.kill()
    assert processes_of(home)
    assert wait_until(lambda: not processes_of(home))
    assert read(home) == 7


def test_user_killed_while_it_starts_the_server_is_no_harm(empty_home: Path) -> None:
    for delay_s in (0.8, 1.6):
        client = Client(empty_home)
        time.sleep(delay_s)
        client.kill()
    write(empty_home)
    stop_server(empty_home)
    assert read(empty_home) == 7
    assert not list((empty_home / "postgres").glob("new-*"))


@pytest.mark.parametrize("busy", [False, True])
def test_killed_postmaster_is_replaced_with_data_intact(home: Path, busy: bool) -> None:
    write(home)
    with open_server(home) as server:
        killed = postmaster_of(home)
        connection = psycopg.connect(server.admin_url)
        if busy:  # a process of the old server, in the middle of something, holds on to its memory
            connection.execute("UPDATE kept SET n = 8")
        os.kill(killed, signal.SIGKILL)
        assert read(home) == 7
        assert postmaster_of(home) != killed
        connection.close()


def test_killed_keeper_takes_the_server_along_and_the_next_start_works(home: Path) -> None:
    write(home)
    with open_server(home):
        postmaster = postmaster_of(home)
        os.kill(keeper_of(home), signal.SIGKILL)
        assert wait_until(lambda: not Path("/proc", str(postmaster)).exists())
        assert read(home) == 7
        assert postmaster_of(home) != postmaster


def test_everything_killed_at_once(home: Path) -> None:
    write(home)
    client = Client(home)
    client.said()
    for process in [keeper_of(home), *processes_of(home)]:
        os.kill(process, signal.SIGKILL)
    client.kill()
    assert read(home) == 7


def test_pid_file_that_names_a_living_stranger_is_not_believed(home: Path) -> None:
    write(home)
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    before = pid_file.read_text().splitlines()
    owner = pid_file.stat()
    stop_server(home)
    with subprocess.Popen(
        ["sleep", "60"], user=owner.st_uid, cwd="/"
    ) as stranger:  # same account: PostgreSQL believes it
        pid_file.write_text("\n".join([str(stranger.pid), *before[1:], ""]))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        try:
            assert read(home) == 7
            stop_server(home)
            assert stranger.poll() is None, "the stranger was ended"
        finally:
            stranger.kill()


def test_server_started_by_hand_is_left_alone(home: Path) -> None:
    data = home / "postgres" / "data"
    with open_server(home):
        command = Path("/proc", str(postmaster_of(home)), "cmdline").read_bytes().split(b"\0")[0]
        owner = data.stat()
    stop_server(home)
    folder = os.open(data, os.O_RDONLY)
    sockets = tempfile.mkdtemp()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    by_hand = subprocess.Popen(
        [
            command,
            "-D",
            f"/proc/self/fd/{folder}",
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={sockets}",
        ],
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[] if os.geteuid() == 0 else None,
        pass_fds=[folder],
        cwd="/",
        stderr=subprocess.DEVNULL,
    )
    os.close(folder)
    with by_hand:
        try:
            pid_file = data / "postmaster.pid"
            assert wait_until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
            with pytest.raises(DatabaseUnavailableError, match="not started by convstore"):
                open_server(home)
            assert by_hand.poll() is None
            assert pid_file.exists()
        finally:
            by_hand.send_signal(signal.SIGINT)
    Path(sockets).rmdir()


def test_data_of_another_version_is_refused_with_both_named(home: Path) -> None:
    (home / "postgres" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(DatabaseUnavailableError, match=r"made by PostgreSQL 14;.* are PostgreSQL \d+") as refused:
        open_server(home)
    assert "CONVSTORE_PG_BIN" in refused.value.hint
    assert not refused.value.retryable


def test_damaged_data_directory_is_reported_with_the_servers_words(home: Path) -> None:
    (home / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseUnavailableError, match="could not find the database system"):
        open_server(home)


@pytest.mark.parametrize("home", [Path("/dev/null/home"), Path("/proc/convstore")])
def test_home_that_cannot_be_made_is_reported(home: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match=str(home)) as refused:
        open_server(home)
    assert "CONVSTORE_HOME" in refused.value.hint


def test_missing_programs_are_reported_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="initdb and postgres are not in") as refused:
        open_server(tmp_path / "home", pg_bin=tmp_path)
    assert "CONVSTORE_PG_BIN" in refused.value.hint
    assert not (tmp_path / "home" / "postgres" / "data").exists()


def test_failed_initdb_leaves_nothing_and_the_next_try_works(empty_home: Path) -> None:
    broken = empty_home.parent / "bin"
    broken.mkdir(parents=True)
    for name, words in {
        "postgres": "echo 'postgres (PostgreSQL) 18.0'",
        "initdb": "echo 'No space left on device' >&2; exit 1",
    }.items():
        (broken / name).write_text(f"#!/bin/sh\n{words}\n")
        (broken / name).chmod(0o755)
    for folder in (broken, *list(broken.parents)[:2]):
        folder.chmod(0o755)
    with pytest.raises(DatabaseUnavailableError, match=r"No space left on device|cannot be run"):
        open_server(empty_home, pg_bin=broken)
    assert not [entry for entry in (empty_home / "postgres").iterdir() if entry.is_dir()]
    open_server(empty_home).close()
