"""Every setting is a variable; a wrong one is named; no secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from convstore.errors import SettingsError
from convstore.settings import Settings

SECRETS = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]


def variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"CONVSTORE_{name.upper()}"


VALUES = {
    "home": "/srv/convstore",
    "pg_bin": "/usr/lib/postgresql/15/bin",
    "pool_size": "3",
    "statement_timeout_s": "2.5",
    "auth": "oidc",
    "storage": "supabase",
    "storage_timeout_s": "4",
    "supabase_url": "https://project.example.org/",
    "max_file_bytes": "1000",
    "max_upload_bytes": "1000",
    "cache_seconds": "0",
    "log_level": "DEBUG",
    "log_format": "json",
    "port": "9000",
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_read_from_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = Settings.model_fields[name]
    assert field.description
    default = field.get_default(call_default_factory=True, validated_data={})
    kind = str(field.annotation)
    value = VALUES.get(name) or ("7" if "int" in kind or "float" in kind else "something")
    monkeypatch.setenv(variable(name), value)
    assert getattr(Settings.load(), name) != default


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_an_unset_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = getattr(Settings.load(), name)
    monkeypatch.setenv(variable(name), "")
    assert getattr(Settings.load(), name) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "70000"), ("port", "hunter2"), ("auth", "hunter2"), ("pool_size", "0"), ("cache_seconds", "-1")],
)
def test_a_wrong_value_is_named_and_not_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    error = caught.value
    assert variable(name) in error.message
    assert error.facts["variables"] == [variable(name)]
    assert "hunter2" not in str(error.as_dict())
    assert error.exit_status == 2


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSTORE_PORT", "x")
    monkeypatch.setenv("CONVSTORE_AUTH", "x")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert caught.value.facts["variables"] == ["CONVSTORE_AUTH", "CONVSTORE_PORT"]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable(name), "postgresql://me:hunter2@host/db")
    settings = Settings.load()
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert "hunter2" in getattr(settings, name).get_secret_value()


def test_addresses_with_passwords_and_keys_are_secrets() -> None:
    assert set(SECRETS) >= {"database_url", "admin_url", "read_url", "supabase_service_role_key", "supabase_jwt_secret"}


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVSTORE_HOME", "here")
    assert Settings.load().home == tmp_path / "here"
    monkeypatch.setenv("CONVSTORE_HOME", "~/there")
    assert Settings.load().home == Path.home() / "there"


def test_without_a_database_the_server_is_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().embedded
    monkeypatch.setenv("CONVSTORE_DATABASE_URL", "postgresql://host/db")
    assert not Settings.load().embedded


def test_a_copied_secret_loses_its_line_break_and_a_broken_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(variable(name), " hunter2\n")
        assert getattr(Settings.load(), name).get_secret_value() == "hunter2"
        for broken in ("hunter2\r\nX-Other: 1", "hunter2\x7f") if "url" in name else ("hunter2\n2", "hunter2\u2026"):
            monkeypatch.setenv(variable(name), broken)
            with pytest.raises(SettingsError, match=variable(name)) as caught:
                Settings.load()
            assert "hunter2" not in f"{caught.value} {caught.value.as_dict()}"
        monkeypatch.delenv(variable(name))
