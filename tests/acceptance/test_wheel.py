"""The wheel carries the whole product: installed into an empty environment it works from any folder."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, install, pip

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("convstore-*.whl")
    return built


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, tmp_path_factory.mktemp("installed"))


def test_wheel_carries_app_pages_migrations_and_theme(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    expected = {"Home.py", ".streamlit/config.toml", ".streamlit/secrets.toml.example"}
    for folder in ("pages", "db"):
        expected |= {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    assert {f"convstore/_app/{name}" for name in expected} <= carried
    assert "convstore/py.typed" in carried


def test_wheel_carries_nothing_else(wheel: Path) -> None:
    carried = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in carried} == {"convstore"}
    assert not [name for name in carried if name.endswith((".pyc", "/secrets.toml"))]


def test_package_comes_from_the_wheel(installation: Installation) -> None:
    where = installation.run(installation.python, "-c", "import convstore.resources as r; print(r.HOME_SCRIPT)")
    home = Path(where.strip())
    assert home.is_file()
    assert home.is_relative_to(installation.python.parents[1])


def test_a_new_store_is_made_and_healthy(installation: Installation) -> None:
    for printed in ("would be set up", "is set up", "already"):
        arguments = ("--dry-run",) if printed.startswith("would") else ()
        assert printed in installation.run(installation.convstore, "init", *arguments)
    checks = json.loads(installation.run(installation.convstore, "doctor", "--json"))["checks"]
    assert checks
    assert [check for check in checks if check["status"] == "fail"] == []
    listed = json.loads(installation.run(installation.convstore, "list", "--json"))
    assert listed["items"] == []


def test_app_runs_without_an_exception(installation: Installation) -> None:
    program = (
        "import os; from convstore.resources import APP_FOLDER; os.chdir(APP_FOLDER); "  # where its configuration is
        "from streamlit.testing.v1 import AppTest; from convstore.resources import HOME_SCRIPT; "
        "app = AppTest.from_file(HOME_SCRIPT, default_timeout=60).run(); "
        "print([each.message for each in app.exception], [each.value for each in app.error])"
    )
    assert installation.run(installation.python, "-c", program).splitlines()[-1] == "[] []"


def test_demo_answers_and_has_data(installation: Installation) -> None:
    with installation.running(installation.convstore, "demo") as app:
        assert installation.answer("/_stcore/health", app) == "ok"
        assert "<html" in installation.answer("/", app)
        listed = json.loads(installation.run(installation.convstore, "list", "--limit", "5", "--json"))
        assert len(listed["items"]) == 5
        # The whole demo set is in place before the app answers.
        assert listed["total"] >= 200
