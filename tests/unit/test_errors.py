"""The tree of errors: what programs rely on."""

from __future__ import annotations

import pytest

from convstore import errors
from convstore.errors import ConvstoreError

TREE = [getattr(errors, name) for name in errors.__all__]
STATUS = {"UsageError": 2, "SettingsError": 2, "UnavailableError": 3}


@pytest.mark.parametrize("error", TREE)
def test_every_error_has_a_code_and_an_exit_status(error: type[ConvstoreError]) -> None:
    expected = next((STATUS[base.__name__] for base in error.__mro__ if base.__name__ in STATUS), 1)
    assert error.exit_status == expected
    assert error.code.startswith("ERR_")
    assert error.code == error.code.upper()
    assert error.__doc__
    assert error.__name__ in (errors.__doc__ or "")
    assert error.retryable == issubclass(error, errors.UnavailableError)


def test_an_error_as_it_is_shown() -> None:
    error = errors.ConflictError("taken", hint="Take another.", facts={"name": "x"}, code="ERR_TAKEN", retryable=True)
    assert error.as_dict() == {
        "code": "ERR_TAKEN",
        "message": "taken",
        "hint": "Take another.",
        "retryable": True,
        "facts": {"name": "x"},
    }
    assert str(error) == "taken"
    assert errors.ConflictError("again").code == "ERR_CONFLICT"
