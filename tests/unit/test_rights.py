"""Each role reaches what the ones before it reach."""

from __future__ import annotations

from itertools import product
from typing import get_args
from uuid import UUID

import pytest

from convstore.errors import ForbiddenError
from convstore.model import Actor, Role
from convstore.rights import ROLES, is_at_least, require_role


def actor(role: Role) -> Actor:
    return Actor(user_id=UUID(int=1), workspace_id=UUID(int=2), workspace_slug="team", role=role, name="Rita")


def test_all_roles_in_their_order() -> None:
    assert ROLES == ("viewer", "reviewer", "lead", "admin")
    assert set(ROLES) == set(get_args(Role))


@pytest.mark.parametrize(("role", "least"), list(product(ROLES, ROLES)))
def test_rank(role: Role, least: Role) -> None:
    reaches = ROLES.index(role) >= ROLES.index(least)
    assert is_at_least(actor(role), least) is reaches
    if reaches:
        require_role(actor(role), least, "singing")
    else:
        with pytest.raises(ForbiddenError, match=f"singing takes the role {least}; Rita is {role} of team"):
            require_role(actor(role), least, "singing")
