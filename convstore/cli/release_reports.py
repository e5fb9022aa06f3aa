"""What people are told of a release: files, what was left out, what a trainer's rules found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convstore.cli.tables import console, plural

if TYPE_CHECKING:
    from convstore.release.reports import ReleaseReport

__all__ = ["LISTED", "print_left_out", "print_report", "print_summary"]

#: Items that are named one by one to people; `--json` names all.
LISTED = 20


def print_report(report: ReleaseReport) -> None:
    """What was written and what stayed behind."""
    for info in report.files:
        console().print(f"{info.path}: {plural(info.rows, 'row')}, {info.bytes:,} bytes")
    print_left_out([item.as_dict() for item in report.left_out])
    print_summary(report.summary)
    console().print(f"release {report.name or report.release}: {plural(report.conversations, 'conversation')}")


def print_left_out(items: Sequence[Mapping[str, str]]) -> None:
    """Conversations that stayed behind, and the rule of each."""
    if not items:
        return
    console().print(f"{plural(len(items), 'conversation')} left out:")
    for item in items[:LISTED]:
        console().print(f"  {item['conversation_id']}: {item['rule']}")
    if len(items) > LISTED:
        console().print(f"  first {LISTED} of {len(items):,}; --json lists all")


def print_summary(summary: Mapping[str, Any]) -> None:
    """What the trainer's rules found, how much is learned, and what stands in two splits."""
    lint = summary["lint"]
    for entry in lint["rules"]:
        what = f"{entry['rule']} ({entry['severity']})"
        console().print(f"{what}: {plural(entry['conversations'], 'conversation')}. {entry['fix']}")
    for note in lint["whole_file"]:
        console().print(f"{note['rule']}: {note['what']} {note['fix']}")
    if lint["trailing_user_dropped"]:
        count = plural(lint["trailing_user_dropped"], "last message")
        console().print(f"{count} that nobody answered left out (--keep-trailing-user keeps them)")
    if lint["learned_replies"]:
        console().print(f"{plural(lint['learned_replies'], 'reply', 'replies')} to learn in {summary['rows']:,} rows")
    leakage = summary["leakage"]
    if leakage is not None:
        what = plural(leakage["leaks_total"], "pair")
        console().print(f"{what} of conversations in two splits that share at least {leakage['threshold']:.0%} of text")
        for leak in leakage["leaks"][:LISTED]:
            console().print(f"  {leak['conversation_id']}, {leak['other_id']}: {leak['share']:.0%}")
