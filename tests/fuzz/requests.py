"""REST: whatever is asked, the answer is one of the endpoint's own, and no failure of it."""

from __future__ import annotations

import json
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote_to_bytes

import webob

from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard
from tests.rest.model import Model

TOKEN = "correct-horse-battery"
ANSWERS = {200, 204, 400, 401, 403, 404, 405, 421, 422}
_PATHS = (
    *("/v1.0/alg/sessions?protocol=ftp&limit=1", "/v1.0/alg/pinholes?state=open"),
    *("/v1.0/alg/bindings?host=192.168.10.2&limit=2&after=1", "/v1.0/alg/events?after=1&code=a"),
    *("/v1.0/alg/status", "/metrics", "/v1.0/alg/sessions?idle=5m&client=192.168.0.0/16"),
)


class Requests:
    """Input: a request as on the wire; the first byte says whether there is a token."""

    def __init__(self) -> None:
        self.model = Model()
        with TemporaryDirectory() as folder:
            file = Path(folder) / "token"
            file.write_text(TOKEN)
            guards = Guard("127.0.0.1", None), Guard("0.0.0.0", file)
        self.apis = tuple(Api(self.model, guard) for guard in guards)

    @staticmethod
    def seeds() -> list[bytes]:
        asked = [("GET", path) for path in _PATHS]
        asked += [("DELETE", "/v1.0/alg/sessions/1"), ("POST", "/v1.0/alg/config")]
        asked += [("DELETE", "/v1.0/alg/sessions/99999999999999999999"), ("BREW", "/x%ff")]
        fields = ("Host: localhost", f"Authorization: Bearer {TOKEN}", "Origin: http://[::1]:1")
        return [
            bytes([situation]) + "\r\n".join([f"{method} {path}", *fields, "", "body"]).encode()
            for method, path in asked
            for situation in range(2)
        ]

    def run(self, data: bytes) -> None:
        api = self.apis[data[0] % 2 if data else 0]
        request = webob.Request(_environ(data[1:]))
        allowed = api.refusal(request) is None
        response = api.answer(request)
        assert response.status_int in ANSWERS, response.status
        assert allowed or response.status_int in (401, 403, 421)
        if response.status_int != HTTPStatus.NO_CONTENT and request.method != "HEAD":
            kind = response.headers["Content-Type"]
            assert not kind.endswith("json") or json.loads(response.body) is not None
        for name, value in response.headerlist:
            assert not {"\r", "\n"} & {*name, *value}


def _environ(raw: bytes) -> dict[str, object]:
    """As Ryu's WSGI server makes it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition(" ")[0].partition("?")
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _unquoted(path),
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    for field in fields:
        name, _, value = field.partition(":")
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            environ[key] = value.strip()
        elif key.isidentifier():
            environ[f"HTTP_{key}"] = value.strip()
    return environ


def _unquoted(path: str) -> str:
    return unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
