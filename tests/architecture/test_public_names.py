"""What `import convstore` promises."""

from __future__ import annotations

import subprocess
import sys

import pytest

import convstore


def test_public_names_are_sorted_and_unique() -> None:
    assert convstore.__all__ == sorted(set(convstore.__all__))


@pytest.mark.parametrize("name", convstore.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(convstore, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = convstore.Nothing  # type: ignore[attr-defined]  # on purpose: the name does not exist


def test_importing_the_package_loads_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import convstore; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "convstore" in loaded
    assert loaded <= set(sys.stdlib_module_names) | {"convstore"}
