"""The app without a browser: a run of its scripts against a real store."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from convstore.resources import HOME_SCRIPT, PAGES_FOLDER
from convstore.settings import Settings

Opener = Callable[..., AppTest]


@pytest.fixture
def open_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Opener]:
    """Open a screen of the store that these settings name, with parameters in its address."""
    # Every run of AppTest takes a script beside a `pages` folder for an app of Streamlit's first kind, as a server does
    # for its first request only. A script alone is run as every later request is.
    script = Path(shutil.copy(HOME_SCRIPT, tmp_path))
    st.config.set_option("server.address", "127.0.0.1")
    logging.getLogger("streamlit").setLevel(logging.ERROR)

    def open_screen(settings: Settings, screen: str = "home", **params: str | list[str]) -> AppTest:
        assert settings.database_url is not None
        monkeypatch.setenv("CONVSTORE_DATABASE_URL", settings.database_url.get_secret_value())
        monkeypatch.setenv("CONVSTORE_HOME", str(settings.home))
        app = AppTest.from_file(script, default_timeout=30)
        if screen != "home":
            app.switch_page(str(PAGES_FOLDER / f"{screen}.py"))
        for name, value in params.items():
            app.query_params[name] = value
        return app.run()

    yield open_screen
    st.cache_resource.clear()


@pytest.fixture
def absent_store(tmp_path: Path) -> Settings:
    """Settings of a store whose server does not answer."""
    return Settings(database_url="postgresql://convstore_app@127.0.0.1:1/none", home=tmp_path)
