from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from convstore.errors import InvalidInputError
from convstore.saol.advice import advise
from convstore.saol.characters import Sanitizer, check_characters
from convstore.saol.expected import normal_type
from convstore.saol.results import Result, operation, plain
from convstore.saol.values import as_json


def test_json_keeps_every_digit() -> None:
    value = {
        "a": Decimal("1.10"),
        "b": 0.1,
        "c": 2**70,
        "d": [UUID(int=1), datetime(2026, 1, 2, tzinfo=UTC), None, True],
    }
    assert as_json(value) == (
        '{"a":1.10,"b":0.1,"c":1180591620717411303424,'
        '"d":["00000000-0000-0000-0000-000000000001","2026-01-02T00:00:00+00:00",null,true]}'
    )


def test_a_value_without_a_form_in_json_is_a_clear_error() -> None:
    with pytest.raises(InvalidInputError, match="object"):
        as_json({"a": object()})


@pytest.mark.parametrize(
    ("value", "code"),
    [({"a": ["x\0"]}, "ERR_CHAR_CONTROL"), ({"\ud800": 1}, "ERR_CHAR_INVALID_UTF8"), ("\0", "ERR_CHAR_CONTROL")],
)
def test_characters_that_no_row_can_hold_are_found_at_any_depth(value: object, code: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        check_characters(value)
    assert raised.value.code == code


def test_sanitising_removes_and_counts_them_and_nothing_else() -> None:
    sanitizer = Sanitizer(remove=True, normalization="none")
    assert sanitizer.clean({"a\0": ["\ud800x\0y\udfff", "'\"\\\n\t\x07😀"]}) == {"a": ["xy", "'\"\\\n\t\x07😀"]}
    assert sanitizer.removed == 4


@pytest.mark.parametrize(("form", "expected"), [("NFC", "é①"), ("NFKC", "é1"), ("none", "e\u0301①")])
def test_normalisation_is_what_was_asked_for(form: str, expected: str) -> None:
    assert Sanitizer(remove=False, normalization=form).clean("e\u0301①") == expected  # type: ignore[arg-type]


def test_a_result_is_json_and_never_loses_a_digit() -> None:
    document = plain({"a": Decimal("0.1"), "b": Decimal("0.12345678901234567890"), "c": float("nan"), "d": b"\x00\xff"})
    assert json.loads(json.dumps(document)) == {"a": 0.1, "b": "0.12345678901234567890", "c": "nan", "d": "\\x00ff"}


def test_a_bug_raises_and_an_expected_failure_does_not() -> None:
    @operation(Result)
    def refused() -> Result:
        raise InvalidInputError("no", code="ERR_SOMETHING_NEW", hint="Do this.")

    @operation(Result)
    def broken() -> Result:
        raise ZeroDivisionError

    result = refused()
    assert (result.success, result.code, result.summary) == (False, "ERR_SOMETHING_NEW", "no")
    assert result.next_actions[0].description == "Do this."
    with pytest.raises(ZeroDivisionError):
        broken()


def test_every_code_has_a_next_action_with_an_example() -> None:
    from convstore.database.translation import RULES

    for code in {rule.code for rule in RULES.values()} | {"ERR_UNHEARD_OF"}:
        action = advise(code)[0]
        assert action.action
        assert action.example
        assert action.description


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("VARCHAR(100)", "character varying(100)"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("NUMERIC(3, 2)", "numeric(3,2)"),
        ("TEXT[]", "text[]"),
        ("int", "integer"),
        ("timestamp(3) with time zone", "timestamp(3) with time zone"),
        ("double  precision", "double precision"),
    ],
)
def test_types_are_compared_as_the_server_writes_them(name: str, normal: str) -> None:
    assert normal_type(name) == normal
