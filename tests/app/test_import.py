"""The import screen and its background imports, run as a script against a real store."""

from __future__ import annotations

import json

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.worker import run_worker
from tests.app.conftest import Opener
from tests.app.reading_app import labels, words_of
from tests.integration.conversations import document

FILES = 30


def uploads(count: int = FILES) -> list[tuple[str, bytes, str]]:
    return [
        (f"talk-{number}.json", json.dumps(document(f"talk-{number}")).encode(), "application/json")
        for number in range(count)
    ]


def test_many_files_go_into_the_background_and_what_arrived_is_linked(store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(store.settings, "import")
    app.file_uploader[0].set_value([*uploads(), ("broken.json", b"{", "application/json")]).run()
    app.button(key="import").click().run()
    assert not app.exception
    assert f"{FILES + 1} files wait" in words_of(app)
    assert "No worker is running" in "".join(warning.value for warning in app.warning)
    [job] = store.jobs(task="ingest")
    assert (job.status, store.count()) == ("queued", (0, True))
    run_worker(store.resources, once=True)
    app.run()
    words = words_of(app)
    assert f"{FILES + 1} files imported" in words
    assert f"{FILES} conversations stored · 1 file could not be read" in words
    assert not app.warning
    [run] = store.imports()
    assert store.count(Filter(since=run.started_at, until=run.finished_at)) == (FILES, True)
    assert "See what arrived" in [link.proto.label for link in app.get("page_link")]
    app.button(key=f"close-{job.id}").click().run()
    assert f"{FILES + 1} files imported" not in words_of(app)


def test_few_files_are_imported_at_once(store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(store.settings, "import")
    app.file_uploader[0].set_value(uploads(2)).run()
    app.button(key="import").click().run()
    assert "2 conversations stored." in words_of(app)
    assert store.jobs(task="ingest") == ()


def test_an_import_is_cancelled_and_taken_up_again(store: ConvStore, open_screen: Opener) -> None:
    job_id = store.ingest_later({name: data for name, data, _ in uploads()})
    app = open_screen(store.settings, "import")
    app.button(key=f"cancel-{job_id}").click().run()
    assert store.job(job_id).status == "cancelled"
    words = words_of(app)
    assert f"{FILES} files cancelled" in words
    assert f"0 of {FILES} files are imported and stay. The others are kept for 30 days." in words
    assert "Go on" in labels(app)
    app.button(key=f"retry-{job_id}").click().run()
    run_worker(store.resources, once=True)
    assert store.count() == (FILES, True)


def test_an_import_that_failed_says_why_here_and_on_the_first_screen(store: ConvStore, open_screen: Opener) -> None:
    job_id = store.ingest_later({name: data for name, data, _ in uploads(3)})
    store.set_quota(1)
    run_worker(store.resources, once=True)
    assert store.job(job_id).status == "failed"
    app = open_screen(store.settings, "import")
    words = words_of(app)
    assert "3 files stopped" in words
    assert "The workspace is full" in words
    assert "Retry" in labels(app)
    home = words_of(open_screen(store.settings))
    assert "1 job failed" in home
    store.set_quota(None)
    app.button(key=f"retry-{job_id}").click().run()
    run_worker(store.resources, once=True)
    assert store.count() == (3, True)


def test_a_viewer_is_told_who_imports(store: ConvStore, open_screen: Opener) -> None:
    with store.database.admin() as connection:
        connection.execute("ALTER TABLE workspace_members DISABLE TRIGGER USER")
        connection.execute("UPDATE workspace_members SET role = 'viewer'")
    app = open_screen(store.settings, "import")
    assert not app.exception
    assert "Reviewers import." in app.info[0].value
    assert len(app.file_uploader) == 0
