"""Who may ask: anybody on this machine, or whoever shows the token (RFC 6750)."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import webob

from ryu_alg.rest.problems import ProblemError

TOKEN_BYTES_MIN = 16


class TokenError(Exception):
    """There is no usable token, and there has to be one. The message is one line."""


class Guard:
    """Lets requests pass, or raises the problem that they are answered with.

    Without a token, only this machine may ask, whatever the server really listens on. And only
    under names of this machine, both as the host and as the origin of a request: a web page in a
    local browser can reach 127.0.0.1 too, by DNS rebinding or simply by posting a form.
    """

    def __init__(self, bind: str, token_file: Path | None) -> None:
        """`bind` is the address listened on. Raises TokenError."""
        self._token = None if token_file is None else _read_token(token_file)
        if self._token is None and not _is_loopback(bind):
            raise TokenError(
                f"the REST endpoint is bound to {bind}, not to this machine only: "
                "rest.token_file is required"
            )

    def check(self, request: webob.Request) -> None:
        """Raises ProblemError."""
        if self._token is None:
            _require_local(request)
        else:
            _require_token(request, self._token)


def _read_token(path: Path) -> bytes:
    try:
        token = path.read_bytes().partition(b"\n")[0].strip()
    except OSError as error:
        raise TokenError(f"token file {path}: {error.strerror}") from error
    if len(token) < TOKEN_BYTES_MIN or not token.isascii() or len(token.split()) != 1:
        raise TokenError(
            f"token file {path}: its first line has to be one word of at least "
            f"{TOKEN_BYTES_MIN} ASCII characters"
        )
    return token


def _require_token(request: webob.Request, token: bytes) -> None:
    header = request.headers.get("Authorization", "")
    scheme, _, shown = header.partition(" ")
    if scheme.lower() != "bearer":
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "A bearer token is required.",
            headers={"WWW-Authenticate": 'Bearer realm="ryu_alg"'},
        )
    # WSGI hands header bytes over as Latin-1.
    if not hmac.compare_digest(shown.strip().encode("latin-1", "replace"), token):
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "The bearer token is not the right one.",
            headers={"WWW-Authenticate": 'Bearer realm="ryu_alg", error="invalid_token"'},
        )


def _require_local(request: webob.Request) -> None:
    if not _is_loopback(request.environ.get("REMOTE_ADDR", "localhost")):
        raise ProblemError(HTTPStatus.FORBIDDEN, "Without a token only this machine may ask.")
    if not _is_loopback(_host("//" + request.environ.get("HTTP_HOST", "localhost"))):
        raise ProblemError(
            HTTPStatus.MISDIRECTED_REQUEST,
            "Without a token this endpoint answers only as localhost.",
        )
    origin = request.headers.get("Origin")
    foreign = origin is not None and not _is_loopback(_host(origin))
    # Browsers leave out the origin of what only reads (Fetch Metadata tells it all the same).
    if foreign or request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site":
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "Without a token, pages from elsewhere may not ask."
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
