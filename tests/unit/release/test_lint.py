"""Lint and weights: every rule fires where it should and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convstore.release.formats import ARCHIVAL_FORMATS, TRAINER_FORMATS, writer_for
from convstore.release.lint import check_row, check_set
from convstore.release.rows import ReleaseOptions
from convstore.release.weights import weigh
from tests.unit.release.made import MakeRow
from tests.unit.release.validators import STRICT


def rules(format_name: str, row: Any, **options: Any) -> list[tuple[str, str, int | None]]:
    issues = check_row(format_name, row, ReleaseOptions(**options))
    return [(issue.rule, issue.severity, issue.turn_number) for issue in issues]


@pytest.mark.parametrize("format_name", TRAINER_FORMATS + ARCHIVAL_FORMATS)
def test_a_sound_conversation_has_no_issue(format_name: str, make_row: MakeRow) -> None:
    assert rules(format_name, make_row()) == []


@pytest.mark.parametrize("format_name", TRAINER_FORMATS)
@pytest.mark.parametrize("roles", ["uau", "u", "uuaa", "auau", "xaua", "uaua", "a", "uua"])
def test_what_passes_is_accepted_by_the_trainer(
    format_name: str, roles: str, tmp_path: Path, make_row: MakeRow
) -> None:
    row = make_row(roles=roles)
    severities = {severity for _, severity, _ in rules(format_name, row)}
    writer = writer_for(format_name, tmp_path / "out")
    receipt = writer.write(row)
    writer.finish()
    if "blocking" in severities:
        assert receipt.rows == 0
    elif "error" not in severities:
        STRICT[format_name](json.loads((tmp_path / "out").read_text("utf-8")))


@pytest.mark.parametrize("format_name", TRAINER_FORMATS)
def test_a_conversation_without_a_reply_is_blocked(format_name: str, make_row: MakeRow) -> None:
    assert rules(format_name, make_row(roles="u")) == [("no-reply", "blocking", None)]


def test_blank_text_is_blocked_everywhere(make_row: MakeRow) -> None:
    row = make_row(roles="ua", texts=("Hello", ""))
    assert ("empty-message", "blocking", 2) in rules("messages", row)
    assert rules("parquet", row) == [("empty-message", "blocking", 2)]


def test_order_of_roles_matters_where_trainers_demand_it(make_row: MakeRow) -> None:
    row = make_row(roles="uuaa")
    assert rules("anthropic", row) == [("role-order", "error", 2)]
    assert rules("messages", row) == [("role-order", "warning", 2)]


def test_a_kept_trailing_user_message_is_known(make_row: MakeRow) -> None:
    row = make_row(roles="uau")
    assert rules("messages", row) == []
    assert rules("messages", row, keep_trailing_user=True) == [("trailing-user", "warning", 3)]
    assert rules("prompt-completion", row, keep_trailing_user=True) == [("trailing-user", "error", 3)]
    assert rules("alpaca", row, keep_trailing_user=True) == [("trailing-user", "blocking", 3)]
    assert rules("brightrun-v5", row) == [("trailing-user-lost", "warning", 3)]


def test_an_exclusion_that_a_format_can_not_say_is_an_error(make_row: MakeRow) -> None:
    row = make_row(excluded=(2,))
    assert rules("messages", row) == rules("prompt-completion", row) == []
    for format_name in ("sharegpt", "alpaca", "anthropic"):
        assert rules(format_name, row) == [("exclusion-not-carried", "error", 2)]
    assert ("nothing-to-train", "error", None) in rules("messages", make_row(excluded=(2, 4)))
    assert rules("messages", make_row(excluded=(2, 4)), rows="turn") == [("nothing-to-train", "blocking", None)]


def test_alpaca_without_history_warns_of_lost_context(make_row: MakeRow) -> None:
    assert rules("alpaca", make_row(), alpaca_history=False) == [("context-lost", "warning", None)]
    assert rules("alpaca", make_row(roles="ua"), alpaca_history=False) == []


def test_small_sets_are_warned_of() -> None:
    assert [issue.rule for issue in check_set("messages", 9)] == ["few-rows"]
    assert check_set("messages", 10) == check_set("alpaca", 1) == []


def test_weights_say_how_often_replies_are_learned(make_row: MakeRow) -> None:
    row = make_row(roles="uauaua", excluded=(2,))
    assert weigh("messages", row, ReleaseOptions()) == (1, 2)
    assert weigh("messages", row, ReleaseOptions(rows="turn")) == (2, 2)
    assert weigh("prompt-completion", row, ReleaseOptions()) == (1, 1)
    assert weigh("sharegpt", make_row(roles="uauaua"), ReleaseOptions(rows="turn")) == (3, 6)
    assert weigh("sharegpt", make_row(roles="uauaua"), ReleaseOptions(rows="last")) == (1, 3)
    assert weigh("alpaca", make_row(roles="uauaua"), ReleaseOptions()) == (1, 3)
    assert weigh("alpaca", make_row(roles="uauaua"), ReleaseOptions(alpaca_history=False)) == (1, 1)
