"""A storage server on a loopback port that answers as Supabase's does, its policies evaluated by the real database."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Annotated, Any, Self

import uvicorn
from fastapi import APIRouter, FastAPI, File, Header, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from tests.supabase_storage.faults import Faults
from tests.supabase_storage.objects import Claims, Objects
from tests.supabase_storage.replies import StorageError, invalid_request, no_bucket
from tests.supabase_storage.tokens import check_signed_path, make_token, read_caller, sign_path

Authorization = Annotated[str, Header()]
Upsert = Annotated[str, Header(alias="x-upsert")]


class SupabaseStorageServer:
    """The server in a thread; `url` is what SUPABASE_URL would be.

    Parameters
    ----------
    database_url
        A database with the schema of `schema.py`, for a user who may become the three roles.
    folder
        Where objects' bytes go.
    """

    def __init__(self, database_url: str, folder: Path, *, secret: str = "a secret of thirty-two characters") -> None:
        self.secret = secret
        self.objects = Objects(database_url, folder)
        app = FastAPI()
        app.include_router(_routes(self.objects, secret), prefix="/storage/v1")

        @app.exception_handler(StorageError)
        async def handled(_: Request, exc: StorageError) -> JSONResponse:
            return exc.response()

        self.faults = Faults(app)
        config = uvicorn.Config(self.faults, host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none")
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, name="supabase-storage", daemon=True)
        self._thread.start()
        while not self._uvicorn.started:
            if not self._thread.is_alive():
                raise RuntimeError("the storage server did not start")
            time.sleep(0.005)
        port = self._uvicorn.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    @property
    def service_role_key(self) -> str:
        return make_token(self.secret, "service_role")

    @property
    def anon_key(self) -> str:
        return make_token(self.secret, "anon")

    def user_token(self, user_id: object, *, expires_in_s: float = 3600) -> str:
        return make_token(self.secret, "authenticated", user_id, expires_in_s=expires_in_s)

    def close(self) -> None:
        self._uvicorn.should_exit = True
        self._uvicorn.force_exit = True
        self._thread.join()
        self.objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _routes(objects: Objects, secret: str) -> APIRouter:
    router = APIRouter()
    _add_bucket_routes(router, objects, secret)
    _add_collection_routes(router, objects, secret)
    _add_object_routes(router, objects, secret)
    return router


def _add_bucket_routes(router: APIRouter, objects: Objects, secret: str) -> None:
    @router.post("/bucket")
    def create(body: dict[str, Any], authorization: Authorization) -> dict[str, str]:
        objects.create_bucket(body, read_caller(secret, authorization, is_read=False))
        return {"name": body["id"]}

    @router.get("/bucket/{bucket}")
    def get(bucket: str, authorization: Authorization) -> dict[str, Any]:
        return objects.bucket(bucket, read_caller(secret, authorization, is_read=False))


def _add_collection_routes(router: APIRouter, objects: Objects, secret: str) -> None:
    def caller(authorization: str) -> Claims:
        return read_caller(secret, authorization, is_read=False)

    @router.post("/object/list/{bucket}")
    def list_folder(bucket: str, body: dict[str, Any], authorization: Authorization) -> list[dict[str, Any]]:
        return objects.list_folder(bucket, body, caller(authorization))

    @router.post("/object/move")
    def move(body: dict[str, str], authorization: Authorization) -> dict[str, str]:
        objects.move(body["bucketId"], body["sourceKey"], body["destinationKey"], caller(authorization))
        return {"message": "Successfully moved"}

    @router.post("/object/copy")
    def copy(body: dict[str, str], authorization: Authorization) -> dict[str, str]:
        bucket, target = body["bucketId"], body["destinationKey"]
        object_id = objects.copy(bucket, body["sourceKey"], target, caller(authorization))
        return {"Key": f"{bucket}/{target}", "Id": str(object_id)}

    @router.delete("/object/{bucket}")
    def remove(bucket: str, body: dict[str, list[str]], authorization: Authorization) -> list[dict[str, Any]]:
        return objects.remove(bucket, body["prefixes"], caller(authorization))

    @router.post("/object/sign/{bucket}/{name:path}")
    def sign(bucket: str, name: str, body: dict[str, Any], authorization: Authorization) -> dict[str, str]:
        if int(body["expiresIn"]) < 1:
            raise invalid_request("body/expiresIn must be >= 1")
        objects.find(bucket, name, caller(authorization))
        token = sign_path(secret, f"{bucket}/{name}", int(body["expiresIn"]))
        return {"signedURL": f"/object/sign/{bucket}/{name}?token={token}"}


def _add_object_routes(router: APIRouter, objects: Objects, secret: str) -> None:
    @router.get("/object/sign/{bucket}/{name:path}")
    def read_signed(bucket: str, name: str, token: str = "") -> Response:
        check_signed_path(secret, token, f"{bucket}/{name}")
        return _content(objects, objects.find(bucket, name, None))

    @router.get("/object/public/{bucket}/{name:path}")
    def read_public(bucket: str, name: str) -> Response:
        if not objects.bucket(bucket)["public"]:
            raise no_bucket()
        return _content(objects, objects.find(bucket, name, None))

    @router.get("/object/info/{bucket}/{name:path}")
    def info(bucket: str, name: str, authorization: Authorization) -> dict[str, Any]:
        row = objects.find(bucket, name, read_caller(secret, authorization, is_read=True))
        return {
            "id": row["id"],
            "name": row["name"],
            "version": row["version"],
            "size": row["metadata"]["size"],
            "content_type": row["metadata"]["mimetype"],
            "etag": row["metadata"]["eTag"],
            "last_modified": row["updated_at"],
            "created_at": row["created_at"],
            "metadata": row["user_metadata"],
        }

    @router.get("/object/{bucket}/{name:path}")
    def download(bucket: str, name: str, authorization: Authorization) -> Response:
        return _content(objects, objects.find(bucket, name, read_caller(secret, authorization, is_read=True)))

    @router.post("/object/{bucket}/{name:path}")
    def upload(
        bucket: str,
        name: str,
        authorization: Authorization,
        file: Annotated[UploadFile, File()],
        upsert: Upsert = "false",
    ) -> dict[str, str]:
        claims = read_caller(secret, authorization, is_read=False)
        object_id = objects.upload(bucket, name, file.file.read(), _mime(file), claims, upsert=upsert == "true")
        return {"Key": f"{bucket}/{name}", "Id": str(object_id)}

    @router.put("/object/{bucket}/{name:path}")
    def update(
        bucket: str, name: str, authorization: Authorization, file: Annotated[UploadFile, File()]
    ) -> dict[str, str]:
        claims = read_caller(secret, authorization, is_read=False)
        object_id = objects.upload(bucket, name, file.file.read(), _mime(file), claims, upsert=True, must_exist=True)
        return {"Key": f"{bucket}/{name}", "Id": str(object_id)}


def _mime(file: UploadFile) -> str:
    return file.content_type or "application/octet-stream"


def _content(objects: Objects, row: dict[str, Any]) -> Response:
    return Response(
        objects.read(row), media_type=row["metadata"]["mimetype"], headers={"etag": row["metadata"]["eTag"]}
    )
