"""A store and a workbench for LLM training conversations.

    from convstore import ConvStore, Filter

    with ConvStore.open() as store:
        page = store.search(Filter(statuses=["approved"], min_quality=4))

What `__all__` names is public and stays; everything else may move. Names are loaded at first use, so that
`import convstore` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convstore.core import ConvStore
    from convstore.errors import (
        ConflictError,
        ConvstoreError,
        DatabaseError,
        DatabaseUnavailableError,
        ForbiddenError,
        InvalidInputError,
        NotFoundError,
        QuotaError,
        RefusedError,
        SettingsError,
        StorageUnavailableError,
        UnavailableError,
        UsageError,
    )
    from convstore.model import (
        Actor,
        BatchOutcome,
        BatchResult,
        Conversation,
        ConversationDetail,
        Event,
        Filter,
        Finding,
        Page,
        Review,
        ScoreRange,
        Scores,
        Turn,
        UndoResult,
        turns_sha256,
    )
    from convstore.settings import Settings

    __version__: str

__all__ = [
    "Actor",
    "BatchOutcome",
    "BatchResult",
    "ConflictError",
    "ConvStore",
    "Conversation",
    "ConversationDetail",
    "ConvstoreError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "Event",
    "Filter",
    "Finding",
    "ForbiddenError",
    "InvalidInputError",
    "NotFoundError",
    "Page",
    "QuotaError",
    "RefusedError",
    "Review",
    "ScoreRange",
    "Scores",
    "Settings",
    "SettingsError",
    "StorageUnavailableError",
    "Turn",
    "UnavailableError",
    "UndoResult",
    "UsageError",
    "__version__",
    "turns_sha256",
]

_MODULES = {"ConvStore": "convstore.core", "Settings": "convstore.settings", "turns_sha256": "convstore.model"}


if not TYPE_CHECKING:  # a type checker sees the names above, and no others

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'convstore' has no attribute {name!r}")
        value: object
        if name == "__version__":
            value = import_module("importlib.metadata").version("convstore")
        else:
            default = "convstore.errors" if name.endswith("Error") else "convstore.model"
            value = getattr(import_module(_MODULES.get(name, default)), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
