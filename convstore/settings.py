"""All settings, read once from the environment. No other module reads it."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from convstore.errors import SettingsError

__all__ = ["Settings"]

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """What the environment says, checked. Every field is a documented variable: `CONVSTORE_` + its name."""

    model_config = SettingsConfigDict(
        env_prefix="CONVSTORE_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    home: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("convstore"),
        description="Folder of the embedded database and of files kept on disk.",
    )
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 15 or later that serves the application; without it the embedded server is used."
    )
    admin_url: SecretStr | None = Field(
        None, description="The same database with rights to change the schema, for `init` and maintenance."
    )
    read_url: SecretStr | None = Field(None, description="A read replica for charts and statistics.")
    pg_bin: Path | None = Field(None, description="Folder of PostgreSQL's programs for the embedded server.")
    pool_size: int = Field(10, ge=1, le=200, description="Connections kept by one process.")
    statement_timeout_s: float = Field(60.0, gt=0, description="Longest time one statement of a page may take.")

    workspace: str = Field("default", description="Slug of the workspace that commands act in.")
    auth: Literal["local", "oidc", "supabase"] = Field("local", description="How people sign in.")

    oidc_issuer: str | None = Field(
        None, description="The only OpenID Connect issuer whose tokens count, exactly as its tokens name it."
    )
    oidc_audience: str | None = Field(
        None, description="Audience of its tokens: the client id of `.streamlit/secrets.toml`, or the API's own."
    )
    oidc_jwks_url: str | None = Field(
        None, description="Address of its keys, if the issuer's discovery document does not name it."
    )

    storage: Literal["file", "supabase"] = Field("file", description="Where conversation files are kept.")
    storage_bucket: str = Field("conversation-files", description="Bucket in Supabase Storage.")
    storage_timeout_s: float = Field(30.0, gt=0, description="Longest time one request to the file store may take.")
    supabase_url: str | None = Field(
        None, validation_alias="SUPABASE_URL", description="Address of the Supabase project."
    )
    supabase_service_role_key: SecretStr | None = Field(
        None, validation_alias="SUPABASE_SERVICE_ROLE_KEY", description="Key of the service role."
    )
    supabase_anon_key: SecretStr | None = Field(
        None, validation_alias="SUPABASE_ANON_KEY", description="Public key of the project."
    )
    supabase_jwt_secret: SecretStr | None = Field(
        None, validation_alias="SUPABASE_JWT_SECRET", description="Secret of tokens signed with HS256."
    )

    max_file_bytes: int = Field(256 * MEBIBYTE, gt=0, description="Largest file that is read by an import.")
    max_upload_bytes: int = Field(64 * MEBIBYTE, gt=0, description="Largest body that the HTTP API accepts.")
    cache_seconds: int = Field(
        300, ge=0, le=300, description="How long pages, counts and signed addresses are kept; five minutes at most."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="Least level that is logged."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How log lines look: for people, or one JSON object a line."
    )
    address: str = Field("127.0.0.1", description="Address that the app listens on.")
    port: int = Field(8501, ge=1, le=65535, description="Port that the app listens on.")
    allowed_hosts: str = Field(
        "", description="Host names the app answers to, comma separated; empty: its own address only."
    )

    @field_validator("home", "pg_bin", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("database_url", "admin_url", "read_url", mode="after")
    @classmethod
    def _one_line(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else _stripped(value)

    @field_validator("supabase_service_role_key", "supabase_anon_key", "supabase_jwt_secret", mode="after")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        found = None if value is None else _stripped(value)
        if found is not None and not found.get_secret_value().isascii():
            raise ValueError("has a character that no key has; copy it again")
        return found

    @field_validator("supabase_url", mode="after")
    @classmethod
    def _without_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that the app answers to."""
        given = tuple(name.strip() for name in self.allowed_hosts.split(",") if name.strip())
        return given or tuple(dict.fromkeys((self.address, "localhost")))

    @property
    def embedded(self) -> bool:
        """True if the product runs its own PostgreSQL."""
        return self.database_url is None

    @classmethod
    def load(cls) -> Settings:
        """Read the environment.

        Raises
        ------
        SettingsError
            Names every variable that is wrong and why; never shows a value.
        """
        try:
            return cls()
        except ValidationError as exc:
            wrong = [(_variable(str(error["loc"][0])), error["msg"]) for error in exc.errors()]
            raise SettingsError(
                "; ".join(f"{name}: {why}" for name, why in wrong),
                hint="Correct or unset these environment variables.",
                facts={"variables": [name for name, _ in wrong]},
            ) from None

    def environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a process that is to have the same ones."""
        own = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            secret = value.get_secret_value() if isinstance(value, SecretStr) else value
            own[_variable(_location(name))] = "" if secret is None else str(secret)
        return {**os.environ, **own}


def _stripped(secret: SecretStr) -> SecretStr:
    """The secret without the line break that copying adds; inside, one would end a header, and the error show it."""
    text = secret.get_secret_value().strip()
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("has a line break or another control character in it; copy it again")
    return SecretStr(text)


def _location(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else name


def _variable(location: str) -> str:
    return location if location.startswith("SUPABASE_") else f"CONVSTORE_{location.upper()}"
