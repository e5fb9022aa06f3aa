"""A sign-in service on a loopback port that answers as Supabase's does."""

from __future__ import annotations

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import jwt

__all__ = ["SupabaseAuthServer"]


class SupabaseAuthServer:
    """People with passwords; `url` is what SUPABASE_URL would be. `expires_in_s` is the life of new tokens."""

    secret = "a secret of at least thirty-two characters"

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.expires_in_s = 3600
        self.is_down = False
        self.passwords_tried = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                address = urlsplit(self.path)
                status, answer = outer.answer(address.path, parse_qs(address.query), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, email: str, password: str, *, confirmed: bool = True) -> str:
        """A new user; the id."""
        user_id = str(uuid4())
        self.users[email] = {"id": user_id, "password": password, "confirmed": confirmed}
        return user_id

    def answer(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.is_down:
            return 503, {"msg": "down"}
        if path == "/auth/v1/logout":
            return 200, {}
        if query["grant_type"] == ["refresh_token"]:
            email = self.refresh_tokens.pop(body["refresh_token"], None)
            if email is None:
                return 400, {"code": 400, "error_code": "refresh_token_not_found", "msg": "Invalid Refresh Token"}
            return 200, self._session(email)
        self.passwords_tried += 1
        user = self.users.get(body["email"])
        if user is None or user["password"] != body["password"]:
            return 400, {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        return 200, self._session(body["email"])

    def _session(self, email: str) -> dict[str, Any]:
        user, now = self.users[email], int(time.time())
        refresh_token = secrets.token_hex(8)
        self.refresh_tokens[refresh_token] = email
        claims = {
            "iss": f"{self.url}/auth/v1", "aud": "authenticated", "role": "authenticated", "sub": user["id"],
            "email": email, "iat": now, "exp": now + self.expires_in_s, "user_metadata": {"email_verified": True},
        }  # fmt: skip
        stamp = "2026-01-01T00:00:00Z"
        return {
            "access_token": jwt.encode(claims, self.secret, "HS256"),
            "token_type": "bearer",
            "expires_in": self.expires_in_s,
            "expires_at": now + self.expires_in_s,
            "refresh_token": refresh_token,
            "user": {
                "id": user["id"], "aud": "authenticated", "role": "authenticated", "email": email, "created_at": stamp,
                "email_confirmed_at": stamp if user["confirmed"] else None, "app_metadata": {}, "user_metadata": {},
            },
        }  # fmt: skip
