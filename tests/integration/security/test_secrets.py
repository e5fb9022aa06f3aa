"""Secrets stay where they were set: whatever goes wrong, no answer, log line, error or row holds one."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import jwt
import psycopg
import pytest
from pydantic import SecretStr

from convstore.core import ConvStore, Resources
from convstore.database import Database
from convstore.doctor import examine
from convstore.errors import ConvstoreError, SettingsError
from convstore.settings import Settings
from convstore.worker import run_worker
from tests.acceptance.command_line import CommandLine
from tests.browser.serving import free_port, served
from tests.fixtures_database import Server
from tests.integration.api.serving import served_api
from tests.integration.conversations import conversation, document
from tests.supabase_storage.project import supabase_project

#: Stands in every secret, and nowhere else.
MARK = "hush"
NOBODY = "http://127.0.0.1:1"
SECRETS = {
    "supabase_url": NOBODY,
    "supabase_service_role_key": SecretStr(f"{MARK}.service.role"),
    "supabase_anon_key": SecretStr(f"{MARK}.anonymous"),
    "supabase_jwt_secret": SecretStr(f"{MARK}, thirty-two characters and more"),
}
ENVIRONMENT = {
    "SUPABASE_URL": NOBODY,
    "SUPABASE_SERVICE_ROLE_KEY": f"{MARK}.service.role",
    "SUPABASE_ANON_KEY": f"{MARK}.anonymous",
    "SUPABASE_JWT_SECRET": f"{MARK}, thirty-two characters and more",
    "CONVSTORE_LOG_LEVEL": "DEBUG",
    "CONVSTORE_LOG_FORMAT": "json",
    "CONVSTORE_STORAGE_TIMEOUT_S": "0.1",
}


def check_silent(said: object) -> None:
    """Fail where any part of a secret stands in what was said."""
    text = str(said)
    assert MARK not in text, re.findall(f".{{0,200}}{MARK}.{{0,60}}", text)


def words(error: BaseException) -> str:
    """All that an error could show, with what it came from."""
    chain, found = [], error
    while found is not None:
        chain.append(f"{found!r} {found} {getattr(found, 'facts', '')} {getattr(found, 'hint', '')}")
        found = found.__cause__  # type: ignore[assignment]
    return "\n".join(chain)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged where nobody asks for more than the product allows."""
    caplog.set_level(logging.DEBUG, "convstore")
    return caplog


@pytest.fixture(scope="module")
def asks_for_password(server: Server) -> Iterator[str]:
    """A login that the server asks for its password."""
    login = "asked_for_password"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute("SHOW convstore.data_directory").fetchone()
        assert row is not None
        rules = Path(unquote(row[0])) / "pg_hba.conf"
        before = rules.read_text("utf-8")
        rules.write_text(f"local all {login} scram-sha-256\n{before}", "utf-8")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'another one'")
        yield login
        connection.execute(f"DROP ROLE {login}")
        rules.write_text(before, "utf-8")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def refused_url(server: Server, database_name: str, asks_for_password: str) -> str:
    """An address with a wrong password."""
    return server.url(database_name, user=f"{asks_for_password}:{MARK}-database")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://app:p@{MARK}@db.example.org/convstore",
        f"postgresql://app:p@ss/{MARK}@db.example.org/convstore",
        f"postgresql://app:12/{MARK}@db.example.org/convstore",
        f"postgresql://app:{MARK}/1@db.example.org/convstore",
        f"postgresql://app:p%{MARK}@db.example.org/convstore",
        f"postgresql://app@db.example.org:{MARK}/convstore",
        f"postgresql://app@db.example.org/convstore?{MARK}=1",
        f"app:{MARK}@db.example.org/convstore",
        f"host=db.example.org password=two {MARK} user=app",
    ],
)
def test_address_that_would_be_misread_is_refused_unseen(address: str, tmp_path: Path) -> None:
    for name in ("database_url", "admin_url", "read_url"):
        sound = {"database_url": SecretStr("postgresql://app@127.0.0.1:1/convstore")}
        resources = Resources(Settings(home=tmp_path, **{**sound, name: SecretStr(address)}))  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match=f"^CONVSTORE_{name.upper()} is no address") as caught:
            _ = resources.database
        check_silent(words(caught.value))
        check_silent(examine(resources.settings))


def test_address_that_is_meant_so_is_taken(tmp_path: Path) -> None:
    for address in (
        "postgresql://app:p%40ss%2F%25@db.example.org:5432/convstore",
        "postgresql://app:p#ss@one.example.org:5432,two.example.org:5433/convstore?target_session_attrs=any",
        "postgresql:///convstore?host=/run/postgresql&user=app",
        "postgresql://postgres.abc:secret@aws-0-eu.pooler.supabase.com:6543/postgres",
        "postgresql://app:p?ss@db.example.org/convstore",
        "host=db.example.org port=5432 user=app password='p@ ss'",
    ):
        Resources(Settings(home=tmp_path, database_url=SecretStr(address))).database.close()


def test_wrong_password_and_no_server(
    refused_url: str, settings: Settings, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    for url in (refused_url, f"postgresql://app:{MARK}-database@127.0.0.1:1/convstore"):
        broken = Settings(home=tmp_path, database_url=SecretStr(url), read_url=SecretStr(url), **SECRETS)  # type: ignore[arg-type]
        resources = Resources(broken)
        check_silent(repr(broken))
        check_silent(broken.model_dump_json())
        for attempt in (ConvStore.for_operator, ConvStore.init):
            with pytest.raises(ConvstoreError) as caught:
                attempt(resources)
            check_silent(words(caught.value))
        with served_api(resources) as api, httpx.Client(base_url=api.address) as client:
            for path in ("/ready", "/health", "/api/conversations"):
                answer = client.get(path, headers={"Authorization": f"Bearer {MARK}.x.y"})
                check_silent([answer.text, answer.headers])
        check_silent(examine(broken))
        resources.close()
    check_silent(log.text)
    assert log.records


def test_commands(settings: Settings, refused_url: str, tmp_path: Path) -> None:
    run = CommandLine(settings)
    run.environment.update(ENVIRONMENT)
    path = conversation(tmp_path / "a.json", "a")
    for status, arguments, environment in (
        (3, ("list",), {"CONVSTORE_DATABASE_URL": refused_url}),
        (3, ("worker",), {"CONVSTORE_DATABASE_URL": refused_url}),
        (1, ("doctor", "--json"), {"CONVSTORE_ADMIN_URL": refused_url, "CONVSTORE_STORAGE": "supabase"}),
        (2, ("init",), {"CONVSTORE_ADMIN_URL": f"postgresql://app:p@{MARK}@db.example.org/x"}),
        (3, ("ingest", str(path), "--json"), {"CONVSTORE_STORAGE": "supabase"}),
        (2, ("list",), {"SUPABASE_SERVICE_ROLE_KEY": f"{MARK}\nbroken", "CONVSTORE_PORT": f"{MARK}"}),
        (3, ("backup", str(tmp_path)), {"CONVSTORE_ADMIN_URL": refused_url}),
    ):
        done = run(*arguments, **environment)
        check_silent(done)
        assert done.status == status, done


@contextmanager
def storage_that_refuses(settings: Settings) -> Iterator[Resources]:
    """A project whose storage does not take the key."""
    with supabase_project(settings) as project:
        wrong = jwt.encode({"role": "service_role", "hush": MARK}, f"{MARK}, not the secret of the project", "HS256")
        changed = {**SECRETS, "supabase_url": project.settings.supabase_url}
        changed["supabase_service_role_key"] = SecretStr(wrong)
        resources = Resources(project.settings.model_copy(update=changed))
        yield resources
        resources.close()


def rows(database: Database) -> str:
    """Everything that the database keeps of its own tables and of the queue."""
    with database.admin() as connection:
        names = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname IN ('public', 'procrastinate')"
        ).fetchall()
        return "\n".join(
            str(connection.execute(f"SELECT to_jsonb(t)::text FROM {name} AS t").fetchall()) for (name,) in names
        )


def test_storage_that_refuses_and_jobs_that_fail(
    settings: Settings, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    with storage_that_refuses(settings) as resources:
        key = SecretStr.get_secret_value(resources.settings.supabase_service_role_key)  # type: ignore[arg-type]
        store = ConvStore.for_operator(resources)
        said: list[Any] = []
        try:
            said.append(store.ingest([conversation(tmp_path / "a.json", "a")]))
        except ConvstoreError as exc:
            said.append(words(exc))
        try:
            store.ingest_later({"b.json": json.dumps(document("b")).encode()})
        except ConvstoreError as exc:
            said.append(words(exc))
        jobs = [store.defer(task) for task in ("verify", "reconcile")]
        run_worker(resources, once=True)
        assert {store.job(one).status for one in jobs} & {"failed", "queued"}
        said += [store.job(one) for one in jobs]
        with served_api(resources) as api, httpx.Client(base_url=api.address) as client:
            answer = client.post("/api/conversations", json=document("c"))
            assert answer.status_code >= 400
            said += [answer.text, answer.headers]
        said += [rows(resources.database), log.text]
        for one in said:
            check_silent(one)
            assert key not in str(one)


def test_tokens_that_do_not_count(settings: Settings, log: pytest.LogCaptureFixture) -> None:
    changed = {**SECRETS, "auth": "supabase", "supabase_url": "https://project.example.org"}
    resources = Resources(settings.model_copy(update=changed))
    secret = SECRETS["supabase_jwt_secret"].get_secret_value()  # type: ignore[attr-defined]
    sound = {"iss": "https://project.example.org/auth/v1", "aud": "authenticated", "sub": "x", "exp": 1}
    tokens = [
        jwt.encode(sound, secret, "HS256"),
        jwt.encode({**sound, "exp": 1 << 40}, secret, "HS256"),
        jwt.encode(sound, f"{MARK}, somebody else's secret, as long", "HS256"),
        f"{MARK}.{MARK}.{MARK}",
        "x" * 5000,
    ]
    with served_api(resources) as api, httpx.Client(base_url=api.address) as client:
        for token in tokens:
            answer = client.get(f"/api/conversations?token={MARK}", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (401, 403, 422)
            for text in (answer.text, str(answer.headers)):
                check_silent(text)
                assert token not in text
    check_silent(log.text)
    assert not [token for token in tokens if token in log.text]
    check_silent(rows(resources.database))
    resources.close()


def test_app(refused_url: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    broken = settings.model_copy(update={"database_url": SecretStr(refused_url)})
    with served(broken, free_port(), provider=NOBODY, folder=tmp_path) as address, httpx.Client() as client:
        for path in ("/", "/health", "/ready", "/api/conversations", "/auth/login", "/oauth2callback?code=1&state=2"):
            answer = client.get(address + path, headers={"Authorization": f"Bearer {MARK}.x.y"})
            check_silent([answer.text, answer.headers])
            assert "known to the provider" not in answer.text
    said = (tmp_path / "app.log").read_text("utf-8")
    assert said
    for secret in (MARK, "known to the provider", "c" * 48):
        assert secret not in unquote(said)
