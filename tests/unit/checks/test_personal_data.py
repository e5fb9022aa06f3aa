"""Addresses, phone numbers, accounts and cards: found at their place, and figures that only look like them left alone.

All of them are invented: numbers of documentation, of check-sum examples or of fiction.
"""

import pytest

from convstore.checks import CHECKS, CheckInput
from convstore.model import Turn

CHECK = CHECKS["personal_data"]


def found(text: str, language: str = "en") -> list[tuple[str, str]]:
    """The kinds and the exact texts that were found."""
    turn = Turn(turn_number=1, role="user", content=text)
    findings = CHECK.findings(CheckInput(turns=(turn,), language=language))
    return [(finding.explanation, text[slice(*finding.span)]) for finding in findings if finding.span]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to jana.novak@mail-host.cz, please.", "e-mail", "jana.novak@mail-host.cz"),
        ("(omar+list@sub.firm.co.uk)", "e-mail", "omar+list@sub.firm.co.uk"),
        ("Mail me: a_b@firm.io.", "e-mail", "a_b@firm.io"),
        ("Call (415) 555-2671 after six.", "phone", "(415) 555-2671"),
        ("Call 415-555-2671.", "phone", "415-555-2671"),
        ("It is 415.555.2671, any time", "phone", "415.555.2671"),
        ("My number: +44 20 7946 0958", "phone", "+44 20 7946 0958"),
        ("tel:+14155552671", "phone", "+14155552671"),
        ("+1 (415) 555-2671 or mail", "phone", "+1 (415) 555-2671"),
        ("1-415-555-2671", "phone", "1-415-555-2671"),
        ("Pay to DE89 3704 0044 0532 0130 00 BANK today", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("IBAN GB82WEST12345698765432.", "IBAN", "GB82WEST12345698765432"),
        ("My card is 4539 1488 0343 6467, valid", "card", "4539 1488 0343 6467"),
        ("5425233430109903", "card", "5425233430109903"),
        ("3782-822463-10005", "card", "3782-822463-10005"),
    ],
)
def test_found_at_its_place(text: str, kind: str, value: str) -> None:
    ((explanation, place),) = found(text)
    assert kind in explanation
    assert place == value
    assert value not in explanation


@pytest.mark.parametrize(
    "text",
    [
        "Somebody@example.com and jo@mail.example are documentation",
        "Meet me @ the cafe, follow @jana on the net",
        "user@localhost, a@b",
        "On 2024-03-14 10:30 and on 03/14/2024 or 14.03.2024",
        "from 2024-03-14 to 2024-04-15",
        "between $1,250,000.00 and $1,500,000.00",
        "about 250,000-300,000 a year, 15,000-20,000 at least",
        "it went 100 200 300 400 500 in five steps",
        "pi is 3.14159265358979 and the host is 192.168.100.200",
        "version 10.12.2024.3001 of the tool",
        "order 4155552671, account 1234567890",
        "ISBN 978-3-16-148410-0",
        "a number of fiction: 415-555-0134",
        "the hotline is 1-800-273-8255",
        "in the range 2015 2016 2017 2018",
        "DE89 3704 0044 0532 0130 01 fails its check sum",
        "4539 1488 0343 6468 fails its check sum",
        "the test card 4111 1111 1111 1111",
        "a long id 9999999999999999",
        "401k, 529 and 1040 forms; 36 months at 5.25%",
    ],
)
def test_figures_that_only_look_like_it_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_national_number_is_read_in_the_country_of_the_language() -> None:
    assert found("Ruf an: 030 901820", "de") == [("A phone number.", "030 901820")]
    assert found("Ruf an: 030 901820", "en") == []


def test_an_account_is_no_phone_number_as_well() -> None:
    text = "DE89 3704 0044 0532 0130 00, +44 20 7946 0958, x@firm.io and 4539148803436467"
    assert [kind for kind, _ in found(text)] == [
        "An e-mail address.", "A bank account (IBAN).", "A payment card.", "A phone number.",
    ]  # fmt: skip
