"""What holds of every check: its names, its versions, its silence on good text, and that no text breaks it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstore.checks import CHECKS, ArcPromise, CheckInput, SetContext, check_conversation
from convstore.checks.contract import MAX_FINDINGS
from convstore.model import Turn
from tests.unit.checks.labelled import FILLER, dialogue

FINDINGS_GUIDE = Path(__file__).parents[3] / "docs/findings.md"

#: Pieces that lead into every check, to be glued together at random.
FRAGMENTS = (
    "\\", "```", "`", '"', "'", "“", "[", "]", "{{", "}}", "${", "[Your Name]", "[object Object]", "TODO:", "@", ".",
    "a@b.org", "+44 20 7946 0958", "(415) 555-2671", "DE89 3704 0044 0532 0130 00", "4539 1488 0343 6467", "AKIA",
    "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----", "重要", "важно", "\u0130", "\ud800", "\x00", "é" * 70, "\n\n", " ",
    "the", "9" * 30, "1 " * 20, "- ", "…",
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
TURNS = st.lists(
    st.builds(
        Turn,
        turn_number=st.integers(1, 50),
        role=st.sampled_from(["user", "assistant", "system", "tool"]),
        content=TEXTS,
        detected_emotion=st.none() | TEXTS,
        emotional_intensity=st.none() | st.floats(0, 1),
    ),
    max_size=6,
).map(tuple)
CONTEXT = SetContext(conversations=10, gram_count=lambda _: 10, reply_chars_q1=100, reply_chars_q3=200)


@settings(max_examples=150, deadline=None)
@given(turns=TURNS, promise=TEXTS, language=st.sampled_from(["en", "de", "zh", "", "xx"]))
def test_any_text_is_survived_and_every_span_lies_inside_it(
    turns: tuple[Turn, ...], promise: str, language: str
) -> None:
    arc = ArcPromise.parse(promise) or ArcPromise(ending_emotion=promise)
    conversation = CheckInput(turns=turns, promise=arc, language=language, context=CONTEXT)
    findings = check_conversation(conversation)
    assert check_conversation(conversation) == findings
    lengths: dict[int | None, list[int]] = {}
    for turn in turns:
        lengths.setdefault(turn.turn_number, []).append(len(turn.content))
    for finding in findings:
        assert finding.turn_number in lengths
        if finding.span:
            start, end = finding.span
            assert 0 <= start < end <= max(lengths[finding.turn_number])


def test_a_good_conversation_has_no_findings() -> None:
    promise = ArcPromise.parse("shame_to_acceptance")
    assert check_conversation(CheckInput(turns=dialogue(FILLER[1], FILLER[0]), promise=promise)) == ()


def test_findings_come_in_the_order_of_the_text() -> None:
    turns = dialogue("Mail a@firm.io or TODO: b@firm.io", "It is not \\", "And [object Object]?")
    findings = check_conversation(CheckInput(turns=turns))
    assert [(finding.turn_number, finding.code) for finding in findings] == [
        (1, "personal_data"), (1, "placeholder"), (1, "personal_data"), (2, "length_outlier"), (2, "truncated_reply"),
        (3, "ends_on_user"), (3, "placeholder"),
    ]  # fmt: skip


def test_findings_carry_code_and_version_of_their_check() -> None:
    (finding,) = check_conversation(CheckInput(turns=dialogue("Mail a@firm.io", FILLER[0])))
    check = CHECKS[finding.code]
    assert (finding.check_version, finding.severity) == (check.version, "warning")


def test_one_check_reports_so_many_and_no_more() -> None:
    turns = dialogue("a@firm.io " * 1000, FILLER[0])
    assert len(CHECKS["personal_data"].findings(CheckInput(turns=turns))) == MAX_FINDINGS


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_can_be_shown(code: str) -> None:
    check = CHECKS[code]
    assert check.code == code
    assert 1 <= len(check.label.split()) <= 2
    assert check.label[0].isupper()
    assert check.explanation.endswith(".")
    assert check.severity in {"error", "warning", "notice"}
    assert check.version >= 1


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_states_its_false_alarms_where_the_guide_does(code: str) -> None:
    measured = CHECKS[code].measured
    assert measured is not None
    assert 0 <= measured.false_findings <= measured.findings
    (row,) = [line for line in FINDINGS_GUIDE.read_text().splitlines() if line.startswith(f"| `{code}` |")]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[4:9] == [
        str(measured.findings),
        str(measured.conversations),
        str(measured.false_findings),
        str(measured.false_conversations),
        f"{100 * measured.false_alarm_rate:.0f} %",
    ]


def test_labels_differ() -> None:
    assert len({check.label for check in CHECKS.values()}) == len(CHECKS)


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 100_000, "'" * 100_000, "“" * 100_000, "[" * 100_000, "{{" * 50_000, "1 " * 50_000, "1" * 100_000,
        "a@" * 50_000, "eyJ-" * 25_000, "(1)" * 33_000, "DE89 " * 20_000, "sk-" * 33_000, "`" * 100_001,
        "word " * 20_000,
    ],
    ids=lambda text: text[:5],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    conversation = CheckInput(turns=dialogue(text, text), context=CONTEXT)
    check_conversation(conversation)
    started = time.process_time()
    check_conversation(conversation)
    assert time.process_time() - started < 2.0


def test_heavy_libraries_wait_until_a_text_calls_for_them() -> None:
    program = (
        "import sys\n"
        "from convstore.checks import CheckInput, check_conversation\n"
        "from convstore.model import Turn\n"
        "turn = Turn(turn_number=1, role='user', content='What would you like to do with it in the spring?')\n"
        "check_conversation(CheckInput(turns=(turn,)))\n"
        "print(sorted({'phonenumbers', 'py3langid', 'stdnum', 'numpy', 'rensa'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
