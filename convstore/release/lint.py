"""What a trainer will refuse, said before anything is written.

The rules are the trainers' published ones. What to do with a finding is the caller's decision, except that a
`blocking` one can't be written at all. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.samples import Sample, samples
from convstore.release.weights import FLAGGED, learned

__all__ = ["LintIssue", "check_row", "check_set"]

_ALTERNATING = frozenset({"prompt-completion", "sharegpt", "alpaca", "anthropic"})
_EXCHANGES_ONLY = frozenset({"prompt-completion", "alpaca"})
_TRAINERS = frozenset({"messages", "prompt-completion", "sharegpt", "alpaca", "axolotl", "anthropic"})
_LEAST_ROWS: Mapping[str, tuple[int, str]] = {"messages": (10, "OpenAI"), "anthropic": (32, "Amazon Bedrock")}


class LintIssue(NamedTuple):
    """A rule that a conversation breaks.

    `blocking` can't be written; `error` would be refused by the trainer; `warning` is accepted and worth knowing.
    `turn_number` is None where the whole conversation is meant.
    """

    rule: str
    severity: Literal["blocking", "error", "warning"]
    turn_number: int | None
    what: str
    fix: str


def check_row(format_name: str, row: ReleaseRow, options: ReleaseOptions) -> list[LintIssue]:
    """What is wrong with a conversation for a format; empty if nothing is."""
    issues = list(_check_texts(row)) if row.has_blank else []
    if format_name not in _TRAINERS:
        return issues + (list(_check_v5(row)) if format_name == "brightrun-v5" else [])
    if not issues and _is_plain(row, options):
        return issues
    shaped = samples(row, options)
    if "assistant" not in row.columns.roles:
        return [*issues, _NO_REPLY._replace(severity="error" if shaped else "blocking")]
    if not any(any(sample.trained) for sample in shaped):
        severity: Literal["blocking", "error"] = "error" if shaped else "blocking"
        issues.append(_NOTHING_TO_TRAIN._replace(severity=severity))
    found: dict[LintIssue, None] = {}
    for sample in shaped:
        for check in _SAMPLE_CHECKS:
            found |= dict.fromkeys(check(format_name, sample, row, options))
    return issues + list(found)


def _is_plain(row: ReleaseRow, options: ReleaseOptions) -> bool:
    """Whether no check can find anything: question and reply in turns, whole, all trained. Most are like that."""
    if options.rows != "conversation" or not options.alpaca_history or row.excluded_turns:
        return False
    roles = list(row.columns.roles)
    if len(roles) % 2 and not options.keep_trailing_user and roles[-1] == "user":
        roles.pop()
    return bool(roles) and roles == ["user", "assistant"] * (len(roles) // 2)


def check_set(format_name: str, rows: int) -> list[LintIssue]:
    """What is wrong with a whole file of `rows` rows."""
    least, trainer = _LEAST_ROWS.get(format_name, (0, ""))
    if rows >= least:
        return []
    what = f"{trainer} wants at least {least} rows in a file; there are {rows}."
    return [LintIssue("few-rows", "warning", None, what, "Widen the filter.")]


_NO_REPLY = LintIssue("no-reply", "blocking", None, "There is no reply to learn from.", "Leave the conversation out.")
_NOTHING_TO_TRAIN = LintIssue(
    "nothing-to-train", "error", None, "Every reply is kept out of training.", "Leave the conversation out."
)


def _check_texts(row: ReleaseRow) -> Iterator[LintIssue]:
    for number, text in zip(row.columns.numbers, row.columns.contents, strict=True):
        if not text or text.isspace():
            fix = "Leave the conversation out, or correct its source and import it again."
            yield LintIssue("empty-message", "blocking", number, "The message has no text.", fix)


def _check_v5(row: ReleaseRow) -> Iterator[LintIssue]:
    numbers, roles = row.columns.numbers, row.columns.roles
    for i, role in enumerate(roles):
        if role != ("user", "assistant")[i % 2]:
            what = "User and assistant do not take turns; an import of this format takes that for granted."
            fix = "Use brightrun-v4, which holds everything."
            yield LintIssue("role-order", "warning", numbers[i], what, fix)
            break
    if roles and roles[-1] != "assistant":
        yield LintIssue(
            "trailing-user-lost",
            "warning",
            numbers[-1],
            "The format has a row for each reply; messages after the last reply can't be held.",
            "Use brightrun-v4, which holds everything.",
        )


def _check_roles(format_name: str, sample: Sample, row: ReleaseRow, options: ReleaseOptions) -> Iterator[LintIssue]:
    for number, role in zip(sample.numbers, sample.roles, strict=True):
        if role not in ("user", "assistant"):
            what = f"{role!r} is no role that trainers know."
            yield LintIssue("unknown-role", "error", number, what, "Use user and assistant.")
    severity: Literal["error", "warning"] = "error" if format_name in _ALTERNATING else "warning"
    expected = "user"
    for number, role in zip(sample.numbers, sample.roles, strict=True):
        if role != expected:
            what = f"A {expected} message was due, this is from {role}."
            fix = "Leave the conversation out, or correct its source so that user and assistant take turns."
            yield LintIssue("role-order", severity, number, what, fix)
            return
        expected = "assistant" if expected == "user" else "user"


def _check_end(format_name: str, sample: Sample, row: ReleaseRow, options: ReleaseOptions) -> Iterator[LintIssue]:
    if sample.roles[-1] == "assistant":
        return
    # Who asks to keep it has decided for the formats that can spell it; the others have no place for it.
    severity: Literal["blocking", "error", "warning"] = "warning"
    if format_name in _EXCHANGES_ONLY:
        severity = "blocking" if format_name == "alpaca" else "error"
    what = "The conversation ends without a reply."
    yield LintIssue(
        "trailing-user",
        severity,
        sample.numbers[-1],
        what,
        "Let the last user message go: it is not kept unless asked for.",
    )


def _check_exclusions(
    format_name: str, sample: Sample, row: ReleaseRow, options: ReleaseOptions
) -> Iterator[LintIssue]:
    if not row.excluded_turns:
        return
    for number, is_learned in zip(sample.numbers, learned(format_name, sample, options), strict=True):
        if is_learned and number in row.excluded_turns:
            yield LintIssue(
                "exclusion-not-carried",
                "error",
                number,
                f"The reply is kept out of training, which {format_name} can't say.",
                "Use messages or axolotl, or one row a reply in prompt-completion.",
            )


def _check_context(format_name: str, sample: Sample, row: ReleaseRow, options: ReleaseOptions) -> Iterator[LintIssue]:
    if format_name == "alpaca" and not options.alpaca_history and len(sample.roles) > 2:
        what = "Only the last exchange is written; what came before is lost."
        yield LintIssue("context-lost", "warning", None, what, "Keep the history, or use another format.")
    if options.rows != "conversation" and format_name not in FLAGGED and sum(learned(format_name, sample, options)) > 1:
        what = "Earlier replies are learned again in each row that repeats them."
        yield LintIssue("replies-repeated", "warning", None, what, "Use messages, axolotl or prompt-completion.")


_SampleCheck = Callable[[str, Sample, ReleaseRow, ReleaseOptions], Iterator[LintIssue]]
_SAMPLE_CHECKS: tuple[_SampleCheck, ...] = (_check_roles, _check_end, _check_exclusions, _check_context)
