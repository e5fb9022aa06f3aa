"""The System screen: who belongs here, and for admins how to change that."""

from __future__ import annotations

from convstore.core import ConvStore
from tests.app.conftest import Opener
from tests.app.reading_app import labels, words_of


def test_admin_sees_members_and_may_add(store: ConvStore, open_screen: Opener) -> None:
    store.add_member("ana@example.org", "lead")
    app = open_screen(store.settings, "system")
    assert not app.exception
    assert not app.error
    # Screens keep addresses from becoming links with a mark that nobody sees.
    assert "ana@example.org" in words_of(app).replace("\u2060", "")
    assert "has not signed in yet" in words_of(app)
    assert "Add" in labels(app)
