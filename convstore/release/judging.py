"""Decides about each conversation by the lint's findings, and counts what it decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from convstore.errors import InvalidInputError
from convstore.release.formats import TRAINER_FORMATS
from convstore.release.lint import LintIssue, check_row, check_set
from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.weights import weigh

__all__ = ["Judge", "LintMode", "default_lint"]

LintMode = Literal["fail", "drop", "keep"]

#: How many faults a report names one by one, and of those that stop nobody how many a rule.
_NAMED = 20
_EXAMPLES_A_RULE = 3
#: How many faults the message of an error names.
_SAID = 5


def default_lint(format_name: str) -> LintMode:
    """Trainers refuse a whole file for one row, so their formats drop; archives keep everything."""
    return "drop" if format_name in TRAINER_FORMATS else "keep"


class Judge:
    """The lint of one release. Its counts cover every conversation that it was asked about."""

    def __init__(self, format_name: str, options: ReleaseOptions, mode: LintMode) -> None:
        self._format = format_name
        self._options = options
        self.mode = mode
        self.failed = 0
        self._rules: Counter[tuple[str, str]] = Counter()
        self._stopped: list[dict[str, Any]] = []
        self._warned: list[dict[str, Any]] = []
        self._fixes: dict[str, str] = {}
        self.trailing_user = 0
        self.learned_replies = 0

    def refused(self, row: ReleaseRow) -> str | None:
        """The rule that keeps a conversation out; None if it may go."""
        found = check_row(self._format, row, self._options)
        if not found:
            return None
        worst: LintIssue | None = None
        for rule, issue in {issue.rule: issue for issue in found}.items():
            self._rules[rule, issue.severity] += 1
            self._fixes.setdefault(rule, issue.fix)
            stops = issue.severity == "blocking" or (issue.severity == "error" and self.mode != "keep")
            if stops and (worst is None or (issue.severity, worst.severity) == ("blocking", "error")):
                worst = issue
            elif not stops and self._rules[rule, issue.severity] <= _EXAMPLES_A_RULE:
                self._warned.append(_example(row, issue))
        if worst is None:
            return None
        self.failed += 1
        if len(self._stopped) < _NAMED:
            self._stopped.append(_example(row, worst))
        return worst.rule

    def passed(self, row: ReleaseRow) -> None:
        """Count a conversation that goes out."""
        if self._format not in TRAINER_FORMATS:
            return
        self.learned_replies += weigh(self._format, row, self._options).learned_replies
        if row.columns.roles[-1] == "user" and not self._options.keep_trailing_user:
            self.trailing_user += 1

    def check_failed(self, passed: int) -> None:
        """Refuse the whole release if the lint is to stop at faults and there were some."""
        if self.mode != "fail" or not self.failed:
            return
        said = [f"{one['conversation_id']}{_place(one)} ({one['rule']})" for one in self._stopped[:_SAID]]
        fixes = dict.fromkeys(one["fix"] for one in self._stopped)
        raise InvalidInputError(
            f"{self.failed:,} of {self.failed + passed:,} conversations would be refused by a trainer of "
            f"{self._format}: {'; '.join(said)}{'; …' if self.failed > _SAID else ''}",
            hint=" ".join(fixes) + " Or have the lint drop what a trainer refuses.",
            facts={"passed": passed, "failed": self.failed, "rules": self._by_rule(), "first": self._stopped},
            code="ERR_LINT",
        )

    def report(self, *, passed: int, rows: int) -> dict[str, Any]:
        """The counts as the release keeps them."""
        notes = [{"rule": i.rule, "what": i.what, "fix": i.fix} for i in check_set(self._format, rows)]
        return {
            "mode": self.mode,
            "passed": passed,
            "failed": self.failed,
            "rules": self._by_rule(),
            "first": [*self._stopped, *self._warned],
            "whole_file": notes,
            "trailing_user_dropped": self.trailing_user,
            "learned_replies": self.learned_replies,
        }

    def _by_rule(self) -> list[dict[str, Any]]:
        return [
            {"rule": rule, "severity": severity, "conversations": count, "fix": self._fixes[rule]}
            for (rule, severity), count in sorted(self._rules.items())
        ]


def _example(row: ReleaseRow, issue: LintIssue) -> dict[str, Any]:
    return {
        "conversation_id": row.conversation.conversation_id,
        "rule": issue.rule,
        "severity": issue.severity,
        "turn_number": issue.turn_number,
        "what": issue.what,
        "fix": issue.fix,
    }


def _place(example: Mapping[str, Any]) -> str:
    return "" if example["turn_number"] is None else f", message {example['turn_number']}"
