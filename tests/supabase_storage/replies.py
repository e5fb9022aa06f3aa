"""Errors as the server sends them: HTTP 400, the true status as a string in the body."""

from __future__ import annotations

from fastapi.responses import JSONResponse


class StorageError(Exception):
    """A handled error of the storage server."""

    def __init__(self, status: int, error: str, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.code = status, error, message, code

    def response(self) -> JSONResponse:
        body = {"statusCode": str(self.status), "error": self.error, "message": self.message, "code": self.code}
        return JSONResponse(body, status_code=500 if self.status == 500 else 400)


def no_object() -> StorageError:
    return StorageError(404, "not_found", "Object not found", "NoSuchKey")


def no_bucket() -> StorageError:
    return StorageError(404, "Bucket not found", "Bucket not found", "NoSuchBucket")


def duplicate() -> StorageError:
    return StorageError(409, "Duplicate", "The resource already exists", "KeyAlreadyExists")


def unauthorized(message: str) -> StorageError:
    return StorageError(403, "Unauthorized", message, "AccessDenied")


def too_large() -> StorageError:
    return StorageError(413, "Payload too large", "The object exceeded the maximum allowed size", "EntityTooLarge")


def invalid_mime_type(mime: str) -> StorageError:
    return StorageError(415, "invalid_mime_type", f"mime type {mime} is not supported", "InvalidMimeType")


def invalid_key(key: str) -> StorageError:
    return StorageError(400, "InvalidKey", f"Invalid key: {key}", "InvalidKey")


def invalid_jwt(message: str) -> StorageError:
    return StorageError(400, "InvalidJWT", message, "InvalidJWT")


def invalid_signature() -> StorageError:
    return StorageError(400, "InvalidSignature", "The url do not match the signature", "InvalidSignature")


def invalid_request(message: str) -> StorageError:
    return StorageError(400, "Error", message, "InvalidRequest")


def database_error(message: str) -> StorageError:
    return StorageError(500, "DatabaseError", message, "DatabaseError")
