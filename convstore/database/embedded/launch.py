"""Starts a server: makes its data directory if there is none, then leaves both to a keeper.

The caller holds `start.lock` and hands over `server.lock`. Must not know who uses the server.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from convstore.database.embedded import keeper
from convstore.database.embedded.cluster import check_version, make_cluster, path_for, remove_drafts, server_settings
from convstore.database.embedded.places import SOCKET_NAME, Places, make_socket_directory
from convstore.database.embedded.programs import ENVIRONMENT, Account, Programs, find_account, get_programs
from convstore.errors import DatabaseUnavailableError

__all__ = ["launch"]

LINGER_S = 3.0
START_TIMEOUT_S = 120.0
LOG_TAIL_BYTES = 1000


def launch(places: Places, pg_bin: Path | None, server_lock: int) -> None:
    """Start a server and return when it is ready."""
    account = find_account(places.data)
    programs = get_programs(pg_bin, account)
    remove_drafts(places.data)
    if not places.data.exists():
        make_cluster(places.data, programs, account)
    check_version(places.data, programs)
    places.stop_request.unlink(missing_ok=True)
    log = os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    data = os.open(places.data, os.O_RDONLY | os.O_DIRECTORY)
    report, report_end = os.pipe()
    try:
        said_before = os.fstat(log).st_size
        order = _order(places, programs, account, data, server_lock, report_end)
        subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[data, server_lock, report_end],
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            check=True,
        )
        os.close(report_end)
        report_end = -1  # the keeper's end is the last: its death ends the wait
        if not select.select([report], [], [], START_TIMEOUT_S)[0] or os.read(report, 16) != b"ready":
            raise _did_not_start(places, said_before)
    finally:
        for descriptor in (log, data, report, report_end):
            if descriptor >= 0:
                os.close(descriptor)


def _order(
    places: Places, programs: Programs, account: Account | None, data: int, server_lock: int, report_end: int
) -> dict[str, object]:
    """What the keeper is to do, with descriptors by their numbers."""
    socket_directory = make_socket_directory((account.uid, account.gid) if account else None)
    places.replace_socket_directory(socket_directory)
    settings = server_settings(places.data, socket_directory)
    return {
        "command": [
            str(programs.folder / "postgres"),
            "-D",
            path_for(account, places.data, data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        "owner": (account.uid, account.gid) if account else None,
        "data": str(places.data),
        "log": str(places.log),
        "socket": str(socket_directory / SOCKET_NAME),
        "users_lock": str(places.users_lock),
        "stop_request": str(places.stop_request),
        "data_descriptor": data,
        "lock_descriptor": server_lock,
        "report_descriptor": report_end,
        "linger_s": LINGER_S,
    }


def _did_not_start(places: Places, said_before: int) -> DatabaseUnavailableError:
    said = places.log.read_bytes()[said_before:][-LOG_TAIL_BYTES:].decode(errors="replace")
    return DatabaseUnavailableError(
        f"The embedded database did not start: {' / '.join(said.splitlines()) or 'it said nothing.'}",
        hint=f"Read {places.log}, and check that the disk of {places.home} has space left.",
        facts={"data_directory": str(places.data)},
    )
