"""An importer and a lead, each from an empty store to what they came for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen
from tests.integration.conversations import document

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

_HUGE_BYTES = 20_000_000
_TALKS = 60


def huge(path: Path) -> Path:
    """A file that no one should have to wait for: every conversation has a long pasted text in it."""
    pasted = "one more line of a long statement of account\n" * (_HUGE_BYTES // _TALKS // 45)
    with path.open("w") as out:
        for number in range(_TALKS):
            talk = document(f"huge-{number}")
            messages = [{"role": "user", "content": pasted}, {"role": "assistant", "content": f"Read, {number}."}]
            out.write(json.dumps({**talk, "messages": messages}) + "\n")
    return path


def upload(screen: Screen, *paths: Path) -> None:
    screen.page.locator("input[type=file]").set_input_files(paths)
    expect(screen.page.get_by_role("button", name=re.compile(f"^(Import|Look at) {len(paths)} file"))).to_be_enabled()
    screen.settle()


def test_an_importer_brings_a_huge_file_and_learns_what_became_of_it(
    empty_app: LocalApp, screen: Screen, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"a":\n oops')
    screen.open(f"{empty_app.address}/import")
    screen.sees("None yet.")
    screen.page.get_by_role("radio", name="Keep the stored one").click()
    screen.settle()
    upload(screen, huge(tmp_path / "huge.jsonl"), broken)
    screen.press("Import 2 files")
    # A worker has it: the screen follows without being asked to.
    screen.sees(f"{_TALKS} conversations stored · 1 file could not be read")
    assert empty_app.store.count() == (_TALKS, True)
    screen.sees("Could not be read")
    screen.shot("import-huge")
    screen.press("See what arrived")
    screen.sees(f"{_TALKS} conversations with this filter")
    screen.page.go_back()
    screen.sees("Recent imports")
    screen.press("Close")
    expect(screen.page.get_by_role("button", name="Close")).to_have_count(0)
    recent = screen.page.get_by_test_id("stDataFrame").last
    recent.scroll_into_view_if_needed()
    expect(recent.locator("canvas").first).to_be_visible()
    recent.click(position={"x": 16, "y": 50})
    screen.sees("2 files of this import")
    screen.press("See what arrived")
    screen.sees(f"{_TALKS} conversations with this filter")

    # The same id again with other turns: the importer says which of the two stays.
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document("huge-0", "what else?")))
    screen.open(f"{empty_app.address}/import")
    for policy, outcome, turns in (
        ("Keep the stored one", "Kept the stored one 1", 2),
        ("Take the new one", "Replaced 1", 4),
    ):
        screen.page.get_by_role("radio", name=policy).click()
        screen.settle()
        upload(screen, other)
        screen.press("Import 1 file")
        screen.sees(outcome)
        assert len(empty_app.store.get("huge-0").turns) == turns
    screen.press("See them in Browse")
    screen.sees(f"{_TALKS} conversations")


def test_a_lead_imports_decides_releases_and_verifies(empty_app: LocalApp, screen: Screen, tmp_path: Path) -> None:
    talks = tmp_path / "talks.jsonl"
    talks.write_text("".join(json.dumps(document(f"talk-{number}")) + "\n" for number in range(6)))
    screen.open(f"{empty_app.address}/import")
    upload(screen, talks)
    screen.press("Import 1 file")
    screen.sees("6 conversations stored.")
    screen.press("See them in Browse")
    screen.press("Select all 6")
    screen.press(re.compile("^Approve Shortcut"))
    screen.press("Approve 6", within=screen.page.get_by_role("dialog"))
    screen.sees("6 approved.")
    screen.open(f"{empty_app.address}/releases?status=Approved")
    screen.page.get_by_role("radio", name="Stop", exact=True).click()
    screen.settle()
    screen.page.get_by_role("textbox", name="Name").fill("first")
    screen.page.get_by_role("textbox", name="Name").press("Tab")
    screen.settle()
    screen.press("Release 6")
    screen.sees("6 conversations released.")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("button", name="Download").first.click()
    assert len(download.value.path().read_text().splitlines()) == 6
    screen.press("Close")
    screen.page.get_by_role("radio", name="History").click()
    screen.settle()
    screen.tick(0)
    screen.press("Verify")
    screen.sees("6 conversations as they went out.")
    screen.shot("release-verified")
    screen.press("Its conversations")
    screen.sees("6 conversations with this filter")
