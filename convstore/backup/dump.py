"""pg_dump and pg_restore: the rows of a database as one file, and out of it again as COPY data.

pg_restore only unpacks; the rows are loaded over a connection of ours, in one transaction with everything else that a
restore does. Nothing of a dump is executed: it may fill tables that the caller names, and set their sequences.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from convstore.backup.manifest import DAMAGED
from convstore.errors import DatabaseError, InvalidInputError

__all__ = ["dump_tables", "load_tables"]

BLOCK_BYTES = 1 << 18
_COPY = re.compile(rb'COPY ([a-z_]+)\.([a-z_0-9]+) \(([a-z_0-9", ]+)\) FROM stdin;\n')
_SETVAL = re.compile(rb"SELECT pg_catalog\.setval\('([a-z_]+\.[a-z_0-9]+)', ([0-9]+), (true|false)\);\n")
_END = b"\\.\n"


def dump_tables(folder: Path, url: str, *, snapshot: str, tables: Sequence[str], target: IO[bytes]) -> None:
    """Write the rows of some tables as a transaction that exported its snapshot sees them.

    Parameters
    ----------
    folder
        Where pg_dump is.
    tables
        Names with their schema.

    Raises
    ------
    DatabaseError
        pg_dump failed; its own words are in the message.
    """
    with _without_password(url) as address:
        done = subprocess.run(
            [
                folder / "pg_dump",
                f"--dbname={address}",
                f"--snapshot={snapshot}",
                "--format=custom",
                "--data-only",
                "--encoding=UTF8",
                "--no-password",
                *(f"--table={name}" for name in tables),
            ],
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.PIPE,
            check=False,
        )
    if done.returncode != 0:
        raise _failed("pg_dump", done.stderr)


def load_tables(folder: Path, dump: IO[bytes], connection: psycopg.Connection, tables: Collection[str]) -> None:
    """Fill tables from a dump within the connection's transaction; only those named may be in it."""
    with subprocess.Popen(
        [folder / "pg_restore", "--data-only", "--file=-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        said: list[bytes] = []
        pumps = [
            threading.Thread(target=_pump, args=(dump, program.stdin)),
            threading.Thread(target=lambda stream: said.append(stream.read()), args=(program.stderr,)),
        ]
        for pump in pumps:
            pump.start()
        try:
            _load(program.stdout, connection, tables)
        except BaseException:
            program.kill()
            raise
        finally:
            for pump in pumps:
                pump.join()
    if program.returncode != 0:
        raise _failed("pg_restore", b"".join(said))


def _pump(source: IO[bytes], sink: IO[bytes]) -> None:
    # A program that ends early says why on its stderr.
    with suppress(BrokenPipeError), sink:
        while block := source.read(BLOCK_BYTES):
            sink.write(block)


def _load(script: IO[bytes], connection: psycopg.Connection, tables: Collection[str]) -> None:
    for line in script:
        if copying := _COPY.fullmatch(line):
            schema, table, columns = (part.decode() for part in copying.groups())
            _check_is_ours(f"{schema}.{table}", tables)
            names = [sql.Identifier(name.strip('"')) for name in columns.split(", ")]
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(schema, table), sql.SQL(", ").join(names)
            )
            with connection.cursor().copy(statement) as copy:
                for block in _blocks(script):
                    copy.write(block)
        elif setting := _SETVAL.fullmatch(line):
            name, value, is_called = (part.decode() for part in setting.groups())
            _check_is_ours(_owner_of(connection, name), tables)
            connection.execute("SELECT setval(%s::regclass, %s, %s)", [name, int(value), is_called == "true"])


def _blocks(script: IO[bytes]) -> Iterator[bytes]:
    """The rows of one COPY, some at a time."""
    lines: list[bytes] = []
    size = 0
    for line in script:
        if line == _END:
            break
        lines.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join(lines)


def _owner_of(connection: psycopg.Connection, sequence: str) -> str:
    row = connection.execute(
        """
        SELECT n.nspname || '.' || t.relname FROM pg_depend AS d JOIN pg_class AS t ON t.oid = d.refobjid
        JOIN pg_namespace AS n ON n.oid = t.relnamespace
        WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass(%s) AND d.deptype IN ('a', 'i')
        """,
        [sequence],
    ).fetchone()
    return sequence if row is None else str(row[0])


def _check_is_ours(name: str, tables: Collection[str]) -> None:
    if name not in tables:
        raise InvalidInputError(
            f"the dump would fill {name}, which is none of convstore's tables",
            hint="Use a backup that convstore made.",
            facts={"table": name},
            code=DAMAGED,
        )


@contextmanager
def _without_password(url: str) -> Iterator[str]:
    """The address with its password in a file: command lines are read by everybody on the machine."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    password = parts.pop("password", None)
    if password is None:
        yield make_conninfo(**parts)
        return
    with tempfile.NamedTemporaryFile("w", prefix="convstore-", encoding="utf-8") as file:  # has mode 0600
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield make_conninfo(**parts, passfile=file.name)


def _failed(program: str, said: bytes) -> DatabaseError:
    words = " ".join(said.decode("utf-8", "replace").split())
    return DatabaseError(f"{program} failed: {words[-600:]}", hint="Mend what it names, then try again.")
