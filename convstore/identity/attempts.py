"""Guessing passwords gets slow: wrong ones are counted in the database, where every process sees them.

Counted per e-mail and address together, so that a stranger's guesses do not lock somebody out at once, and with more
patience per e-mail and per address alone, against guesses from many places and for many people.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Connection, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from convstore.database import Database, system_context
from convstore.database.tables import sign_in_attempts
from convstore.errors import SignInError

__all__ = ["begin_attempt", "forgive"]

a = sign_in_attempts.c

#: Wrong passwords before the first wait, by what they are counted for.
_FREE_BOTH, _FREE_EMAIL, _FREE_ADDRESS = 5, 20, 50
_LONGEST_WAIT_S = 900
_FORGOTTEN_AFTER = timedelta(hours=24)


def begin_attempt(database: Database, *, email: str, address: str) -> None:
    """Count an attempt before the password is looked at, so that many at once are counted too.

    Raises
    ------
    SignInError
        There were too many; facts say how long to wait. Attempts made while waiting do not count.
    """
    with database.transaction(system_context()) as connection:
        connection.execute(delete(sign_in_attempts).where(a.last_at < func.now() - _FORGOTTEN_AFTER))
        # In the order of the keys, so that two attempts never wait for each other in a circle.
        for key, free in sorted(_keys(email, address).items()):
            _count(connection, key, free)


def forgive(database: Database, *, email: str, address: str) -> None:
    """The password was right: forget the pair, and take this attempt back from the two alone."""
    pair = _key("both", email, address)
    with database.transaction(system_context()) as connection:
        connection.execute(delete(sign_in_attempts).where(a.key == pair))
        connection.execute(
            update(sign_in_attempts)
            .where(a.key.in_(sorted(_keys(email, address))), a.failures > 0)
            .values(failures=a.failures - 1)
        )


def _count(connection: Connection, key: str, free: int) -> None:
    over = func.least(sign_in_attempts.c.failures - free, 30)
    wait_s = case((a.failures < free, 0), else_=func.least(func.power(2, over), _LONGEST_WAIT_S))
    ready_at = a.last_at + wait_s * text("interval '1 second'")
    statement = (
        insert(sign_in_attempts)
        .values(key=key, failures=1, last_at=func.clock_timestamp())
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"failures": a.failures + 1, "last_at": func.clock_timestamp()},
            where=ready_at <= func.clock_timestamp(),
        )
        .returning(a.key)
    )
    if connection.execute(statement).first() is not None:
        return
    left = connection.execute(
        select(func.ceil(func.extract("epoch", ready_at - func.clock_timestamp()))).where(a.key == key)
    ).scalar_one()
    seconds = max(1, int(left))
    raise SignInError(
        "too many wrong passwords",
        hint=f"Try again in {seconds} seconds.",
        code="ERR_SIGN_IN_SLOW",
        facts={"wait_s": seconds},
        retryable=True,
    )


def _keys(email: str, address: str) -> dict[str, int]:
    return {
        _key("both", email, address): _FREE_BOTH,
        _key("email", email): _FREE_EMAIL,
        _key("address", address): _FREE_ADDRESS,
    }


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
