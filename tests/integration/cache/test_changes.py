"""What is kept ends with a write, whoever writes and whatever happens to the connection that hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from convstore.core import ConvStore, Resources
from convstore.database import Database, system_context
from convstore.database.changes import ChangeListener
from convstore.model import Filter
from convstore.settings import Settings
from tests.integration.search.statements import insert_rows, watched

_WITHIN_S = 2.0


def holds_within(seconds: float, check: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def elsewhere(settings: Settings, store: ConvStore) -> Iterator[ConvStore]:
    """The same store as another process has it: its own connections and its own cache."""
    insert_rows(store, 20)
    resources = Resources(settings)
    yield ConvStore.for_operator(resources)
    resources.close()


def names(store: ConvStore) -> set[str]:
    return {row.conversation_name for row in store.search(limit=100).items}


def test_a_write_elsewhere_ends_what_is_kept_here(store: ConvStore, elsewhere: ConvStore) -> None:
    first = store.search(limit=100).items[0]
    with watched() as seen:
        store.search(limit=100)
    assert seen == []
    elsewhere.edit(first.conversation_id, name="Renamed elsewhere")
    assert holds_within(_WITHIN_S, lambda: "Renamed elsewhere" in names(store))


def test_a_write_here_ends_it_at_once(store: ConvStore, elsewhere: ConvStore) -> None:
    first = elsewhere.search(limit=100).items[0]
    elsewhere.edit(first.conversation_id, name="Renamed here")
    assert "Renamed here" in names(elsewhere)


def test_own_writes_are_not_heard_again(elsewhere: ConvStore) -> None:
    first = elsewhere.search(limit=100).items[0]
    elsewhere.edit(first.conversation_id, name="Renamed here")
    elsewhere.search(limit=100)
    time.sleep(0.3)
    with watched() as seen:
        elsewhere.search(limit=100)
    assert seen == []


def test_a_lost_connection_is_made_again(store: ConvStore, elsewhere: ConvStore) -> None:
    first = store.search(limit=100).items[0]
    with store.database.admin() as connection:
        ended = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'convstore changes' AND datname = current_database()"
        ).fetchone()
    assert ended is not None
    assert ended[0] >= 1
    elsewhere.edit(first.conversation_id, name="Renamed meanwhile")
    assert holds_within(_WITHIN_S + 1, lambda: "Renamed meanwhile" in names(store))


def test_a_pooler_is_asked(store: ConvStore, database: Database) -> None:
    """Where nothing can be heard, a probe finds the same."""
    insert_rows(store, 3)
    heard = threading.Event()
    listener = ChangeListener(database.url, heard.set, is_own=lambda _pid: False, polls=True)
    try:
        heard.clear()
        store.edit(store.search().items[0].conversation_id, name="Renamed")
        assert heard.wait(_WITHIN_S)
        heard.clear()
        assert not heard.wait(1.5)
    finally:
        listener.close()


def test_nobody_is_served_what_another_person_may_see(store: ConvStore) -> None:
    """Somebody who belongs to no workspace asks the same question of the same cache."""
    insert_rows(store, 3)
    assert len(store.search(Filter()).items) == 3
    with store.database.transaction(system_context()) as connection:
        stranger = connection.exec_driver_sql(
            "INSERT INTO profiles (issuer, subject, name) VALUES ('test', 'stranger', 'Stranger') RETURNING id"
        ).scalar_one()
    uninvited = ConvStore(store.resources, replace(store.actor, user_id=stranger))
    assert uninvited.search(Filter()).items == ()
    assert len(store.search(Filter()).items) == 3


def test_the_next_page_is_there_when_somebody_turns_to_it(elsewhere: ConvStore) -> None:
    page = elsewhere.search(limit=5)
    elsewhere.prefetch(page, limit=5)
    elsewhere.resources.ahead.close()
    with watched() as seen:
        following = elsewhere.search(limit=5, cursor=page.next)
    assert seen == []
    assert following.first == 6
