"""How long things are kept and what they take: expiry and the trash, the archive, space and its limit."""

from convstore.retention.archive import ARCHIVE_DAYS, ArchiveReport, archive_old, restore_archived
from convstore.retention.expiring import RetentionReport, apply_retention
from convstore.retention.policies import RETAINED, list_policies, set_policy
from convstore.retention.space import (
    SpaceGuard,
    StorageUse,
    get_storage_use,
    list_storage_history,
    note_storage_use,
    set_quota,
    size_in_words,
)
from convstore.retention.unclaimed import RETRY_DAYS

__all__ = [
    "ARCHIVE_DAYS",
    "RETAINED",
    "RETRY_DAYS",
    "ArchiveReport",
    "RetentionReport",
    "SpaceGuard",
    "StorageUse",
    "apply_retention",
    "archive_old",
    "get_storage_use",
    "list_policies",
    "list_storage_history",
    "note_storage_use",
    "restore_archived",
    "set_policy",
    "set_quota",
    "size_in_words",
]
