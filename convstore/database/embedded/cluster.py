"""Makes a data directory, checks the version of an existing one, and says what a server on it is started with.

Run by root, the programs belong to an account that may not enter root's folders. They are handed the data
directory as an open descriptor and know it as `/proc/self/fd/N`, which needs no right on the folders above: so the
data stays below CONVSTORE_HOME wherever that is. This module must not know about locks or users.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from convstore.database.embedded.programs import Account, Programs, run_as
from convstore.errors import DatabaseUnavailableError

__all__ = ["SUPERUSER", "check_version", "identity_of", "make_cluster", "path_for", "remove_drafts", "server_settings"]

SUPERUSER = "postgres"
DRAFT_PREFIX = "new-"
BUILTIN_LOCALES_SINCE = 17
MEBIBYTE = 1024 * 1024


def identity_of(data: Path) -> str:
    """How a server names its data directory to clients: run by root, PostgreSQL itself knows a descriptor only."""
    return quote(os.fsencode(data))


def path_for(account: Account | None, directory: Path, descriptor: int) -> str:
    """The directory, by the name under which the account reaches it."""
    return str(directory) if account is None else f"/proc/self/fd/{descriptor}"


def check_version(data: Path, programs: Programs) -> None:
    """Refuse a data directory of another major version."""
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(programs.major):
        raise DatabaseUnavailableError(
            f"The embedded database in {data} was made by PostgreSQL {made_by}; the programs in {programs.folder} "
            f"are PostgreSQL {programs.major}.",
            hint=f"Set CONVSTORE_PG_BIN to the programs of PostgreSQL {made_by}; to change over, dump the database "
            "with them and restore it into a new CONVSTORE_HOME.",
            facts={"data_directory": str(data), "made_by": made_by, "programs": programs.major},
            retryable=False,
        )


def remove_drafts(data: Path) -> None:
    """Clear away what calls of `make_cluster` left that were killed."""
    for draft in data.parent.glob(f"{DRAFT_PREFIX}*"):
        shutil.rmtree(draft, ignore_errors=True)


def make_cluster(data: Path, programs: Programs, account: Account | None) -> None:
    """Make the data directory beside its place and rename it: it is there whole or not at all."""
    draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=data.parent))
    try:
        if account is not None:
            os.chown(draft, account.uid, account.gid)
        descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _initdb(path_for(account, draft, descriptor), descriptor, programs, account)
        finally:
            os.close(descriptor)
        draft.rename(data)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    parent = os.open(data.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _initdb(directory: str, descriptor: int, programs: Programs, account: Account | None) -> None:
    locale = ["--locale=C"]
    if programs.major >= BUILTIN_LOCALES_SINCE:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = run_as(
        account,
        [
            programs.folder / "initdb",
            f"--pgdata={directory}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--auth=trust",  # the socket's folder is the guard
            "--data-checksums",
            "--no-instructions",
            *locale,
        ],
        [descriptor],
    )
    if made.returncode != 0:
        said = " ".join((made.stderr or made.stdout).split())
        raise DatabaseUnavailableError(
            f"initdb could not make the embedded database: {said[-600:]}",
            hint="Check that CONVSTORE_HOME is writable and has 100 MB of space left.",
            facts={"programs": str(programs.folder)},
        )


def server_settings(data: Path, socket_directory: Path) -> dict[str, str]:
    """What the server is started with, over what its configuration file says.

    Nothing trades safety for speed: a crash of any process or of the machine loses no committed transaction.
    """
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    buffers_mib = max(32, min(256, memory_bytes // 16 // MEBIBYTE))
    quoted_directory = str(socket_directory).replace('"', '""')
    return {
        "convstore.data_directory": identity_of(data),
        "unix_socket_directories": f'"{quoted_directory}"',
        "listen_addresses": "",
        "port": "5432",
        "max_connections": "200",
        "shared_buffers": f"{buffers_mib}MB",
        "random_page_cost": "1.1",  # disks without a moving head; the default reads whole tables where an index answers
        "max_wal_size": "1GB",
        "wal_level": "minimal",  # no replica and no archive: bulk loads write less
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] %a: ",  # the application's name carries the request that a statement belongs to
        # Errors of statements go to who made them: their words carry conversation text, which has no place in a log.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
