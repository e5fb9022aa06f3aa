"""How the bucket should be set up, and what differs in one that was made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convstore.files.store import ALLOWED_CONTENT_TYPES, MAX_OBJECT_BYTES, StoreFact

if TYPE_CHECKING:
    from storage3.types import BaseBucket, CreateOrUpdateBucketOptions

__all__ = ["bucket_options", "compare_bucket"]

SETTINGS_PAGE = "the bucket's settings in Supabase"


def bucket_options() -> CreateOrUpdateBucketOptions:
    """What a new bucket is made with: private, and closed to what convstore does not store."""
    return {
        "public": False,
        "file_size_limit": MAX_OBJECT_BYTES,
        "allowed_mime_types": list(ALLOWED_CONTENT_TYPES),
    }


def compare_bucket(bucket: BaseBucket) -> tuple[StoreFact, ...]:
    """One fact for each of privacy, size limit and MIME types."""
    return _privacy(bucket), _size_limit(bucket), _mime_types(bucket)


def _privacy(bucket: BaseBucket) -> StoreFact:
    if bucket.public:
        return StoreFact(
            "storage privacy",
            "fail",
            f"bucket {bucket.id} is public: anyone can read conversations",
            f"Turn off 'Public bucket' in {SETTINGS_PAGE}.",
        )
    return StoreFact("storage privacy", "ok", f"bucket {bucket.id} is private")


def _size_limit(bucket: BaseBucket) -> StoreFact:
    limit = bucket.file_size_limit
    if limit == MAX_OBJECT_BYTES:
        return StoreFact("storage size limit", "ok", f"{limit:,} bytes an object")
    fact = "no limit" if limit is None else f"{limit:,} bytes an object"
    # A smaller limit makes uploads fail that convstore believes in; a larger one only lets others store more.
    too_small = limit is not None and limit < MAX_OBJECT_BYTES
    return StoreFact(
        "storage size limit",
        "fail" if too_small else "warn",
        fact,
        f"Set {MAX_OBJECT_BYTES:,} bytes in {SETTINGS_PAGE}.",
    )


def _mime_types(bucket: BaseBucket) -> StoreFact:
    wanted, allowed = set(ALLOWED_CONTENT_TYPES), bucket.allowed_mime_types
    advice = f"Allow exactly {' and '.join(ALLOWED_CONTENT_TYPES)} in {SETTINGS_PAGE}."
    if not allowed:
        return StoreFact("storage MIME types", "warn", "every MIME type is allowed", advice)
    if missing := sorted(wanted - set(allowed)):
        return StoreFact("storage MIME types", "fail", f"not allowed: {', '.join(missing)}", advice)
    if extra := sorted(set(allowed) - wanted):
        return StoreFact("storage MIME types", "warn", f"also allowed: {', '.join(extra)}", advice)
    return StoreFact("storage MIME types", "ok", ", ".join(sorted(allowed)))
