"""Every screen: of a full store, of an empty one, of one that does not answer."""

from __future__ import annotations

import pytest

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.settings import Settings
from tests.app.conftest import Opener
from tests.app.reading_app import labels, words_of

SCREENS = ("home", "browse", "releases", "import")


@pytest.mark.parametrize("screen", SCREENS)
def test_a_full_store_shows_without_a_fault(demo_store: ConvStore, open_screen: Opener, screen: str) -> None:
    app = open_screen(demo_store.settings, screen)
    assert not app.exception
    assert not app.error
    assert len(app.header) == 1


@pytest.mark.parametrize("screen", SCREENS)
def test_an_empty_store_says_what_to_do(store: ConvStore, open_screen: Opener, screen: str) -> None:
    app = open_screen(store.settings, screen)
    assert not app.exception
    assert not app.error
    if screen == "import":
        assert "None yet" in words_of(app)
    else:
        assert "No conversations yet" in words_of(app)
        assert "Import files" in labels(app)


@pytest.mark.parametrize("screen", [*SCREENS, "conversation"])
def test_a_store_that_does_not_answer_says_so(absent_store: Settings, open_screen: Opener, screen: str) -> None:
    app = open_screen(absent_store, screen)
    assert not app.exception
    (error,) = app.error
    assert "ERR_DB_UNAVAILABLE" in error.value
    assert "id " in error.value
    assert "Try again" in labels(app)


def test_a_store_of_another_version_says_what_to_do(store: ConvStore, open_screen: Opener) -> None:
    with store.database.admin() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    app = open_screen(store.settings)
    assert not app.exception
    (error,) = app.error
    assert "at version 0000" in error.value
    assert "convstore init" in error.value


def test_home_counts_what_the_store_counts(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings)
    for status in ("pending_review", "needs_revision", "approved", "rejected", "archived"):
        count, _ = demo_store.count(Filter(statuses=(status,)))
        assert f"{count:,}" in [link.proto.label for link in app.get("page_link")]
    assert "Database answers" in words_of(app)
    assert "File store answers" in words_of(app)


def test_browse_shows_a_page_of_the_store(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse")
    page = demo_store.search()
    assert list(app.dataframe[0].value["Name"]) == [row.conversation_name for row in page.items]
    assert f"1 to {len(page.items)} of {page.total:,}" in words_of(app)


def test_filters_narrow_and_are_cleared(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse")
    app.multiselect(key="persona").set_value([next(iter(demo_store.scaffolding()["personas"]))]).run()
    app.pills(key="status").set_value(["approved"]).run()
    persona = next(iter(demo_store.scaffolding()["personas"]))
    expected, _ = demo_store.count(Filter(personas=(persona,), statuses=("approved",)))
    assert f"{expected} conversations with this filter" in words_of(app)
    app.button(key="clear-filters").click().run()
    assert "no filter" in words_of(app)


def test_no_match_offers_the_way_out(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse", source=["no such file"])
    assert "No conversation matches" in words_of(app)
    app.button(key="clear-here").click().run()
    assert "no filter" in words_of(app)


def test_the_order_is_the_databases(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse")
    app.selectbox(key="sort").set_value("By name").run()
    page = demo_store.search(sort="name", order="asc")
    assert list(app.dataframe[0].value["Name"]) == [row.conversation_name for row in page.items]


def test_pages_go_forth_and_back(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse")
    app.button(key="page-next").click().run()
    assert "26 to 50 of 240" in words_of(app)
    app.button(key="page-last").click().run()
    assert "226 to 240 of 240" in words_of(app)
    app.button(key="page-previous").click().run()
    assert "201 to 225 of 240" in words_of(app)
    app.button(key="page-first").click().run()
    assert "1 to 25 of 240" in words_of(app)


def test_a_strange_cursor_starts_at_the_beginning(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "browse", at="no cursor")
    assert not app.error
    assert "1 to 25 of 240" in words_of(app)


def test_a_database_lost_meanwhile_keeps_the_filters(
    demo_store: ConvStore, open_screen: Opener, server: object
) -> None:
    app = open_screen(demo_store.settings, "browse")
    with demo_store.database.admin_engine().connect() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    server.drop(name)  # type: ignore[attr-defined]
    app.selectbox(key="sort").set_value("Weakest first").run()
    (error,) = app.error
    assert "Your filters are kept." in error.value
