"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

import webob

from ryu_alg.rest.views import Json

CONFIGURATION_REFUSED = "urn:ryu-alg:problem:configuration-refused"


class ProblemError(Exception):
    """Ends the handling of a request with a problem instead of an answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str = "about:blank",
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Json] | None = None,
    ) -> None:
        """`kind` is the problem's type, a URI; `members` are further members of its body."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.title = title or status.phrase
        self.headers = headers or {}
        self.members = members or {}

    def response(self, request: webob.Request) -> webob.Response:
        """The answer to `request`."""
        body: dict[str, Json] = {
            "type": self.kind,
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
            "instance": quote(path_of(request), encoding="latin-1"),
            **self.members,
        }
        return webob.Response(
            body=json.dumps(body).encode() + b"\n",
            status=self.status.value,
            headerlist=[
                ("Content-Type", "application/problem+json"),
                *self.headers.items(),
            ],
        )


def path_of(request: webob.Request) -> str:
    """What was asked for, unquoted; webob's own `path` raises on what is not UTF-8."""
    path: str = request.environ.get("PATH_INFO", "")
    return path
