"""Decides about each conversation by the lint's findings, and counts what it decided."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from convstore.errors import InvalidInputError
from convstore.release.formats import TRAINER_FORMATS
from convstore.release.lint import LintIssue, check_row, check_set
from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.weights import weigh

__all__ = ["Judge", "LintMode", "default_lint"]

LintMode = Literal["fail", "drop", "keep"]

#: How many faults an error names one by one.
_NAMED = 20


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
        self._examples: list[dict[str, Any]] = []
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
        if worst is None:
            return None
        self.failed += 1
        if len(self._examples) < _NAMED:
            self._examples.append(
                {
                    "conversation_id": row.conversation.conversation_id,
                    "rule": worst.rule,
                    "turn_number": worst.turn_number,
                    "what": worst.what,
                    "fix": worst.fix,
                }
            )
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
        raise InvalidInputError(
            f"{self.failed} of {self.failed + passed} conversations would be refused by a trainer of {self._format}",
            hint="Leave them out with --lint drop, or correct them.",
            facts={"passed": passed, "failed": self.failed, "rules": self._by_rule(), "first": self._examples},
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
            "first": self._examples,
            "whole_file": notes,
            "trailing_user_dropped": self.trailing_user,
            "learned_replies": self.learned_replies,
        }

    def _by_rule(self) -> list[dict[str, Any]]:
        return [
            {"rule": rule, "severity": severity, "conversations": count, "fix": self._fixes[rule]}
            for (rule, severity), count in sorted(self._rules.items())
        ]
