"""E-mail addresses, phone numbers, bank accounts and payment cards in the text.

Numbers are believed only where something confirms them: a numbering plan (phone), a check sum (IBAN, card).
The hit says what kind it is and where, never the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from convstore.checks.contract import Check, CheckInput, Hit, Measured

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["CHECK"]

_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9][\w.%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![\w-])"
)
#: RFC 2606: names that belong to nobody.
_RESERVED_DOMAIN = re.compile(r"(?:@|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)\Z", re.IGNORECASE)

#: Cheap to look for, and part of every phone number and card, or of every account.
_NUMBER_RUN = re.compile(r"\d[\d .()-]{8,}")
_IBAN_START = re.compile(r"[A-Z][A-Z]\d\d")
#: Groups of digits, always parted by something, so that no number can be read in two ways.
_PHONE = re.compile(
    r"(?<![\w.,$€£+(/-])(?:\+\d{9,15}|\+?\(?\d{1,9}(?:(?:[ .-]{1,2}\(?|\)[ .-]?)\d{1,9}){1,6})(?![\w%]|[.,]\d|-\d)"
)
_DIGITS = re.compile(r"\d+")
_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 9, 15
#: 555-0100 to 555-0199 are kept for fiction in North America.
_FICTION = re.compile(r"555\D?01\d\d\Z")
#: Where a number without a country code is taken to belong.
_REGION = {"en": "US", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pt": "BR", "pl": "PL"}

_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CARD = re.compile(r"(?<![\w.,+-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?!\w|[.,-]\d)")
#: Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay: first digits and length.
_CARD_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|62\d{14,17}"
)


def _hits(conversation: CheckInput) -> Iterator[Hit]:
    region = _REGION.get(conversation.language)
    for turn in conversation.turns:
        text = turn.content
        if "@" in text:
            for span in _emails(text):
                yield Hit("An e-mail address.", turn.turn_number, span)
        accounts = [*_ibans(text)] if _IBAN_START.search(text) else []
        has_long_number = _has_long_number(text)
        cards = [*_cards(text)] if has_long_number else []
        for span in accounts:
            yield Hit("A bank account (IBAN).", turn.turn_number, span)
        for span in cards:
            yield Hit("A payment card.", turn.turn_number, span)
        if has_long_number:
            for low, high in _phones(text, region):
                # The inside of an account or a card may read like a phone number.
                if not any(start < high and low < end for start, end in accounts + cards):
                    yield Hit("A phone number.", turn.turn_number, (low, high))


def _has_long_number(text: str) -> bool:
    return any(sum(map(str.isdigit, run)) >= _MIN_PHONE_DIGITS for run in _NUMBER_RUN.findall(text))


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        if not _RESERVED_DOMAIN.search(match.group()):
            yield match.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        # A word in capitals after the number may look like its last group: drop groups until the check sum agrees.
        candidate = match.group()
        while len(candidate) >= 15:
            if _stdnum("iban").is_valid(candidate):
                yield match.start(), match.start() + len(candidate)
                break
            candidate = candidate.rpartition(" ")[0]


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _CARD_ISSUER.fullmatch(digits) and len(set(digits)) > 2 and _stdnum("luhn").is_valid(digits):
            yield match.span()


def _phones(text: str, region: str | None) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        number = match.group()
        groups = _DIGITS.findall(number)
        if _MIN_PHONE_DIGITS <= sum(map(len, groups)) <= _MAX_PHONE_DIGITS and not _FICTION.search(number):
            international = number.startswith("+")
            if (international or region) and _is_phone_number(number, groups, None if international else region):
                yield match.span()


def _is_phone_number(number: str, groups: list[str], region: str | None) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    # Free-phone numbers are those of hotlines and companies.
    if phonenumbers.number_type(parsed) in (
        phonenumbers.PhoneNumberType.UNKNOWN,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    ):
        return False
    if region is None:
        return True
    # Without a country code, only the spacing that the country uses tells a phone number from other figures.
    usual = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    country_code = [str(parsed.country_code)]
    return _DIGITS.findall(usual) in (groups, groups[1:] if groups[:1] == country_code else groups)


@cache
def _stdnum(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(f"stdnum.{name}")


CHECK = Check(
    code="personal_data",
    label="Personal data",
    severity="warning",
    version=1,
    explanation="An e-mail address, a phone number, a bank account or a payment card stands in the text.",
    hits=_hits,
    measured=Measured(),
)
