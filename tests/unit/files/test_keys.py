"""Where objects lie."""

from __future__ import annotations

from uuid import UUID

from convstore.files import object_path
from convstore.files.keys import check_key


def test_a_path_names_owner_row_and_content() -> None:
    path = object_path(UUID(int=1), UUID(int=2), "0123456789abcdef" * 4)
    assert path == (
        "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002/0123456789ab/conversation.json.gz"
    )
    assert check_key(path) == path
