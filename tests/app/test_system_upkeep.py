"""The parts of the System screen about jobs, storage and the audit, run as scripts against a real store."""

from __future__ import annotations

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.worker import run_worker
from tests.app.conftest import Opener
from tests.app.reading_app import words_of


def test_a_full_store_shows_every_part(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    assert not app.exception
    assert not app.error
    assert [tab.label for tab in app.tabs] == [
        ":blue[Members]", ":blue[Jobs]", ":blue[Storage]", ":blue[Audit]",
    ]  # fmt: skip
    assert "Nothing has run in the background yet" in words_of(app)
    assert len(app.dataframe) == 2, "space by kind, and the audit"


def test_a_check_is_asked_for_done_and_told_of(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    app.button(key="start-Compare").click().run()
    assert [(job.task, job.status) for job in demo_store.jobs()] == [("reconcile", "queued")]
    run_worker(demo_store.resources, once=True)
    app.run()
    words = words_of(app)
    assert "everything agreed" in words
    assert "succeeded" in words


def test_a_failed_job_says_why_and_is_retried(store: ConvStore, open_screen: Opener) -> None:
    job_id = store.defer("no such task")
    run_worker(store.resources, once=True)
    app = open_screen(store.settings, "system")
    assert "this worker knows no task" in words_of(app)
    app.button(key=f"retry-{job_id}").click().run()
    assert store.job(job_id).status == "queued"
    app.button(key=f"cancel-{job_id}").click().run()
    assert store.job(job_id).status == "cancelled"


def test_policies_are_saved_and_a_plan_is_shown(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    [rejected] = [field for field in app.number_input if field.label == "Rejected, days"]
    assert rejected.value == 30
    rejected.set_value(45)
    [save] = [button for button in app.button if button.label == "Save"]
    save.click().run()
    assert demo_store.retention_policies()["rejected"] == 45
    app.button(key="retention-plan").click().run()
    assert "Nothing has expired." in words_of(app)
    with demo_store.database.admin() as connection:
        connection.execute("UPDATE conversations SET expires_at = now() WHERE status = 'rejected'")
    app.button(key="retention-plan").click().run()
    rejected_count, _ = demo_store.count(Filter(statuses=("rejected",)))
    assert f"{rejected_count} trashed" in words_of(app)


def test_audit_is_filtered_and_paged(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    assert len(app.dataframe[-1].value) == 50
    newest = app.dataframe[-1].value.iloc[0].to_list()
    app.button(key="audit-older").click().run()
    assert app.dataframe[-1].value.iloc[0].to_list() != newest
    app.selectbox(key="audit-action").select("status").run()
    assert set(app.dataframe[-1].value["What"]) == {"Status"}
    assert "To review → Approved" in set(app.dataframe[-1].value["Change"])


def test_a_viewer_changes_nothing(demo_store: ConvStore, open_screen: Opener) -> None:
    with demo_store.database.admin() as connection:
        connection.execute("INSERT INTO profiles (issuer, subject, name, email) VALUES ('x', 'x', 'Ada', 'ada@x.org')")
        connection.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) SELECT %s, id, 'admin' FROM profiles"
            " WHERE email = 'ada@x.org'",
            [demo_store.actor.workspace_id],
        )
        connection.execute(
            "UPDATE workspace_members SET role = 'viewer' WHERE user_id = %s", [demo_store.actor.user_id]
        )
    app = open_screen(demo_store.settings, "system")
    assert not app.exception
    assert not [button for button in app.button if str(button.key).startswith("start-")]


def test_every_upkeep_runs_from_its_button(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    asked = [str(button.key) for button in app.button if str(button.key).startswith("start-")]
    assert len(asked) == 5
    for key in asked:
        app.button(key=key).click().run()
        assert not app.exception
        run_worker(demo_store.resources, once=True)
    assert sorted((job.task, job.status) for job in demo_store.jobs()) == [
        ("archive", "succeeded"),
        ("reconcile", "succeeded"),
        ("reconcile", "succeeded"),
        ("retention", "succeeded"),
        ("verify", "succeeded"),
    ]


def test_a_limit_is_set_and_taken_away(demo_store: ConvStore, open_screen: Opener) -> None:
    app = open_screen(demo_store.settings, "system")
    for megabytes, kept in ((200, 200_000_000), (0, None)):
        [field] = [field for field in app.number_input if field.label.startswith("Megabytes")]
        field.set_value(megabytes)
        [put] = [button for button in app.button if button.label == "Set"]
        put.click().run()
        assert demo_store.workspace().quota_bytes == kept
