"""Starting, joining and stopping the embedded server."""

import os
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, create_engine, make_url, text

from convstore.database.embedded import EmbeddedServer, open_server, stop_server
from tests.integration.embedded.processes import (
    Client,
    keeper_of,
    postmaster_of,
    processes_of,
    wait_until,
)


def ask(server: EmbeddedServer, sql: str) -> object:
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        row = cursor.fetchone() if cursor.description else None
    return row and row[0]


def test_first_start_makes_a_database_that_answers(empty_home: Path) -> None:
    with open_server(empty_home) as server:
        assert server.data_directory == empty_home / "postgres" / "data"
        assert ask(server, "SELECT current_database() || ' ' || current_user") == "convstore postgres"
        assert ask(server, "SELECT current_setting('server_version_num')::int / 10000") == server.version
        assert "convstore_app@" in server.app_url


def test_server_is_safe_private_and_the_same_everywhere(home: Path) -> None:
    expected = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "TimeZone": "UTC",
        "jit": "off",
    }
    with open_server(home) as server:
        assert {name: ask(server, f"SELECT current_setting('{name}')") for name in expected} == expected


def test_text_sorts_by_code_point_and_knows_letters_of_unicode(home: Path) -> None:
    with open_server(home) as server:
        assert ask(server, "SELECT 'a' > 'B' AND 'é' > 'z'") is True
        if server.version >= 17:
            assert ask(server, "SELECT upper('é')") == "É"


def test_socket_is_private_and_its_path_is_short(home: Path) -> None:
    with open_server(home) as server:
        folder = server.socket_directory.stat()
        assert folder.st_mode & 0o077 == 0
        assert len(os.fsencode(server.socket_directory / ".s.PGSQL.5432")) <= 107


def test_urls_are_understood_by_sqlalchemy_and_other_databases_have_one(home: Path) -> None:
    with open_server(home) as server:
        url: URL = make_url(server.admin_url_for("postgres")).set(drivername="postgresql+psycopg")
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT current_database()")).scalar_one() == "postgres"
        engine.dispose()


def test_second_opening_joins_the_same_server_quickly(home: Path) -> None:
    with open_server(home):
        first = postmaster_of(home)
        began = time.monotonic()
        with open_server(home) as server:
            ask(server, "SELECT 1")
        assert time.monotonic() - began < 1
        assert postmaster_of(home) == first


def test_opening_between_two_uses_finds_the_server_still_there(home: Path) -> None:
    open_server(home).close()
    first = postmaster_of(home)
    with open_server(home):
        assert postmaster_of(home) == first


def test_server_and_keeper_stop_after_the_last_use(home: Path) -> None:
    server = open_server(home)
    server.close()
    assert wait_until(lambda: not processes_of(home))
    assert not server.socket_directory.exists()


def test_closing_twice_releases_only_ones_own_use(home: Path) -> None:
    other = open_server(home)
    mine = open_server(home)
    mine.close()
    mine.close()
    time.sleep(4)  # longer than a server lingers
    assert ask(other, "SELECT 1") == 1
    other.close()


def test_full_stop_and_start_keep_the_data(home: Path) -> None:
    with open_server(home) as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS n")
        assert stop_server(home) is True
        assert not processes_of(home)
        assert stop_server(home) is False
    with open_server(home) as server:
        assert ask(server, "SELECT n FROM kept") == 7


def test_stopping_where_nothing_is_leaves_nothing(tmp_path: Path) -> None:
    assert stop_server(tmp_path / "none") is False
    assert not (tmp_path / "none").exists()


def test_many_processes_start_one_server_at_once(empty_home: Path) -> None:
    clients = [Client(empty_home, "SELECT count(*) FROM pg_database") for _ in range(4)]
    assert len({client.said()["url"] for client in clients}) == 1
    assert keeper_of(empty_home) in processes_of(empty_home)
    for client in clients:
        client.end()
        assert client.process.returncode == 0


def test_output_of_a_process_ends_with_the_process(home: Path) -> None:
    client = Client(home, stderr=subprocess.STDOUT)
    client.said()
    client.process.communicate(timeout=2)  # returns at the end of the output, which the server must not hold open
    assert processes_of(home), "the server went before the output: the test shows nothing"


def test_removed_home_takes_its_server_along(home: Path) -> None:
    server = open_server(home)
    postmaster = postmaster_of(home)
    (home / "postgres").rename(home / "elsewhere")
    assert wait_until(lambda: not Path("/proc", str(postmaster)).exists())
    server.close()
    (home / "elsewhere").rename(home / "postgres")


def test_lost_socket_folder_heals(home: Path) -> None:
    server = open_server(home)
    for entry in server.socket_directory.iterdir():
        entry.unlink()
    with open_server(home) as again:
        assert ask(again, "SELECT 1") == 1
        assert again.socket_directory != server.socket_directory
    server.close()


@pytest.mark.parametrize("name", ['it\'s "quoted", and spaced', "größe-資料-%41", "deep/" * 25 + "home", "a=b -c x=y"])
def test_home_may_have_any_name(stopped_home: Path, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", stopped_home, home], check=True)
    try:
        with open_server(home) as server, open_server(home) as joined:
            assert ask(joined, "SELECT 1") == 1
            assert joined.socket_directory == server.socket_directory
    finally:
        assert stop_server(home) is True


def test_log_tells_of_the_server_and_never_of_content(home: Path) -> None:
    with open_server(home) as server, pytest.raises(psycopg.errors.InvalidTextRepresentation):
        ask(server, "SELECT 'a private sentence'::int")
    log = (home / "postgres" / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "private sentence" not in log


def test_relative_home_is_the_same_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    with open_server(Path(home.name)) as server, open_server(home) as same:
        assert same.socket_directory == server.socket_directory
