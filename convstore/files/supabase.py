"""A file store in a bucket of Supabase Storage, reached with the key of the service role.

Who may read which object is decided by the rows before this is asked. Objects are never overwritten: an upload
whose answer got lost and is sent again meets its own object, finds the same bytes, and is done.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from io import FileIO
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from supabase import ClientOptions, SupabaseException, create_client

from convstore.errors import ConflictError, ConvstoreError, NotFoundError, SettingsError, StorageUnavailableError
from convstore.files.disk import translated
from convstore.files.keys import check_folder, check_key, names_below
from convstore.files.store import (
    CHUNK_BYTES,
    GZIP,
    MAX_LIST,
    FileStat,
    StoreFact,
    check_content_type,
    check_size,
    iter_batches,
    other_content,
)
from convstore.files.supabase_bucket import bucket_options, compare_bucket
from convstore.files.supabase_errors import call, storage_api_error, translate
from convstore.files.supabase_listing import Entry, iter_objects

if TYPE_CHECKING:
    from convstore.settings import Settings

__all__ = ["SupabaseStore"]

T = TypeVar("T")
#: Requests under way at once; the server is somebody else's too.
THREADS = 8
UPLOAD_ATTEMPTS = 3
#: The most keys that one removal may name.
REMOVE_KEYS = 1000
ADVICE = "Check that SUPABASE_SERVICE_ROLE_KEY is the service role's key."


class SupabaseStore:
    """Objects in one bucket of Supabase Storage."""

    def __init__(self, url: str, service_role_key: str, bucket: str, *, timeout_s: float) -> None:
        self.bucket = bucket
        self._timeout_s = timeout_s
        # HTTP/2 would send all threads' requests over one connection, whose loss fails them all.
        self._http = httpx.Client(
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=2 * THREADS, max_keepalive_connections=THREADS),
            follow_redirects=True,
        )
        options = ClientOptions(httpx_client=self._http, auto_refresh_token=False, persist_session=False)
        self._storage = create_client(url, service_role_key, options).storage
        self._objects = self._storage.from_(bucket)
        self._download_url = f"{url}/storage/v1/object/{bucket}/"
        self._headers = {"apikey": service_role_key, "Authorization": f"Bearer {service_role_key}"}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="convstore-storage")

    @classmethod
    def from_settings(cls, settings: Settings) -> SupabaseStore:
        """The store that the settings name; nothing is contacted yet."""
        url, key = settings.supabase_url, settings.supabase_service_role_key
        if url is None or key is None or not key.get_secret_value():
            missing = [name for name, value in (("SUPABASE_URL", url), ("SUPABASE_SERVICE_ROLE_KEY", key)) if not value]
            raise SettingsError(
                f"CONVSTORE_STORAGE=supabase needs {' and '.join(missing)}",
                hint="Both are on the API page of the project's settings in Supabase.",
                facts={"variables": missing},
            )
        try:
            return cls(url, key.get_secret_value(), settings.storage_bucket, timeout_s=settings.storage_timeout_s)
        except (SupabaseException, ValueError) as exc:
            raise SettingsError(
                f"SUPABASE_URL or SUPABASE_SERVICE_ROLE_KEY is malformed: {exc}",
                hint="The address looks like https://project.supabase.co.",
                facts={"variables": ["SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"]},
            ) from None

    def prepare(self) -> None:
        """Make the private bucket with its limits if there is none; one that is there stays as it is."""
        try:
            self._call(lambda: self._storage.get_bucket(self.bucket), self.bucket)
        except StorageUnavailableError as exc:
            if exc.facts.get("status") != 404:
                raise
        else:
            return
        try:
            self._call(lambda: self._storage.create_bucket(self.bucket, options=bucket_options()), self.bucket)
        except ConflictError:
            return  # somebody made it at the same moment; `check` compares it

    # Writing

    def put(self, path: str, data: bytes, *, content_type: str = GZIP) -> None:
        """Store an object; the same bytes again are fine, other bytes at the same path are a `ConflictError`."""
        check_key(path)
        check_content_type(path, content_type)
        check_size(path, len(data))
        self._upload(path, lambda: data, content_type, lambda: self.get(path) == data)

    def put_many(self, objects: Iterable[tuple[str, bytes]]) -> None:
        """Store gzip objects as one batch; if one fails, the others may or may not be there."""
        for batch in iter_batches(objects):
            uploads = [self._threads.submit(self.put, path, data) for path, data in batch]
            for upload in uploads:
                upload.result()

    def put_stream(self, path: str, source: BinaryIO, *, content_type: str = GZIP) -> int:
        """Store an object from a file object without holding it in memory; the number of bytes stored."""
        check_key(path)
        check_content_type(path, content_type)
        # A copy on disk, because an attempt that failed half way has eaten the source.
        with translated(path), tempfile.TemporaryFile() as spool:
            size = 0
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                check_size(path, size)
                spool.write(chunk)

            spool.flush()

            def rewound() -> FileIO:
                file = FileIO(spool.fileno(), closefd=False)
                file.seek(0)
                return file

            self._upload(path, rewound, content_type, lambda: _has_bytes(rewound(), self.open(path)))
        return size

    def _upload(
        self,
        path: str,
        content: Callable[[], bytes | FileIO],
        content_type: str,
        is_stored: Callable[[], bool],
    ) -> None:
        for attempt in range(UPLOAD_ATTEMPTS):
            try:
                self._call(lambda: self._objects.upload(path, content(), {"content-type": content_type}), path)
                return
            except ConflictError:
                try:
                    if is_stored():
                        return
                except NotFoundError:
                    if attempt < UPLOAD_ATTEMPTS - 1:
                        continue  # a delete took it between the two requests
                raise other_content(self.bucket, path) from None

    # Reading

    def get(self, path: str) -> bytes:
        """Read an object; `NotFoundError` if there is none."""
        check_key(path)
        return self._call(lambda: self._objects.download(path), path)

    def open(self, path: str) -> Iterator[bytes]:
        """Read an object in chunks; `NotFoundError` at once if there is none."""
        check_key(path)
        url = self._download_url + quote(path)

        def send() -> httpx.Response:
            response = self._http.send(self._http.build_request("GET", url, headers=self._headers), stream=True)
            if response.is_success:
                return response
            try:
                response.read()
                raise storage_api_error(response)
            finally:
                response.close()

        return self._iter_body(self._call(send, path), path)

    def _iter_body(self, response: httpx.Response, path: str) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes(CHUNK_BYTES)
        except httpx.HTTPError as exc:
            raise translate(exc, bucket=self.bucket, subject=path) from exc
        finally:
            response.close()

    def stat(self, path: str) -> FileStat | None:
        """What is known of an object; None if there is none."""
        check_key(path)
        try:
            info = self._call(lambda: self._objects.info(path), path)
        except NotFoundError:
            return None
        modified_at = datetime.fromisoformat(info.get("last_modified") or info["created_at"])
        return FileStat(path, int(info["size"]), modified_at)

    def list(self, prefix: str = "", *, after: str | None = None, limit: int = MAX_LIST) -> list[FileStat]:
        """One page of the objects under a folder in path order; see `FileStore.list`."""
        folder = check_folder(prefix)
        passed = names_below(folder, after) if after is not None else ()
        objects = iter_objects(self._fetch_entries, self._threads, folder, passed)
        return list(islice(objects, min(limit, MAX_LIST)))

    def _fetch_entries(self, folder: str, offset: int, limit: int) -> Sequence[Entry]:
        return self._call(lambda: self._objects.list(folder, {"limit": limit, "offset": offset}), folder or self.bucket)

    # Removing

    def delete(self, paths: Iterable[str]) -> int:
        """Remove objects; how many of them were there and are gone, as the server counts them."""
        gone = 0
        pending = iter([check_key(path) for path in paths])
        while keys := tuple(islice(pending, REMOVE_KEYS)):
            gone += len(self._call(partial(self._objects.remove, [*keys]), f"{len(keys)} objects"))
        return gone

    # Asking

    def signed_url(self, path: str, *, expires_s: int = 3600) -> str | None:
        """An address anyone may read the object from for a while. Never store it."""
        check_key(path)
        return self._call(lambda: self._objects.create_signed_url(path, expires_s), path)["signedURL"]

    def check(self) -> tuple[StoreFact, ...]:
        """Whether the bucket can be reached and written and is set up as it should be."""
        probe = f"convstore-check/{uuid4()}.json"
        try:
            bucket = self._call(lambda: self._storage.get_bucket(self.bucket), self.bucket)
            facts = compare_bucket(bucket)
            self.put(probe, b"{}", content_type="application/json")
            if self.delete([probe]) != 1:
                return (StoreFact("storage", "fail", "an object could be written, not removed", ADVICE),)
        except ConvstoreError as exc:
            return (StoreFact("storage", "fail", exc.message, exc.hint),)
        return (StoreFact("storage", "ok", f"bucket {self.bucket} can be written"), *facts)

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=True)
        self._http.close()

    def _call(self, send: Callable[[], T], subject: str) -> T:
        return call(send, bucket=self.bucket, subject=subject, timeout_s=self._timeout_s)


def _has_bytes(one: FileIO, chunks: Iterator[bytes]) -> bool:
    same = all(one.read(len(chunk)) == chunk for chunk in chunks)
    return same and not one.read(1)
