"""Asks a running gateway over its REST endpoint. Standard library only."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ryu_alg.rest import BASE

TIMEOUT = 10.0
"""Seconds without a byte from the gateway."""

Item = dict[str, Any]


class GatewayError(Exception):
    """The gateway could not be asked. The message is one line, and says what to do."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Gateway:
    """A gateway's REST endpoint."""

    def __init__(self, url: str, token_file: Path | None) -> None:
        """Raises GatewayError."""
        if not _is_http(url):
            raise GatewayError(f"{url} is no address of a gateway; http://127.0.0.1:8080 is one")
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if token_file is not None:
            try:
                token = token_file.read_text("ascii").partition("\n")[0].strip()
            except OSError as error:
                raise GatewayError(f"token file {token_file}: {error.strerror}") from error
            except UnicodeDecodeError as error:
                raise GatewayError(f"token file {token_file}: not ASCII") from error
            if len(token.split()) != 1:
                raise GatewayError(f"token file {token_file}: its first line has to be one word")
            self._headers["Authorization"] = f"Bearer {token}"
        # Straight to the gateway: a proxy of the environment is for the Internet.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def items(self, name: str, after: int = 0) -> Iterator[Item]:
        """All of the list `name` with keys above `after`, page by page."""
        path = f"{BASE}/{name}" + (f"?after={after}" if after else "")
        while path:
            page = self._get(path)
            try:
                yield from page[name]
                path = page["next"] or ""
            except (KeyError, TypeError) as error:
                raise self._stranger() from error

    def status(self) -> Item:
        """The gateway as a whole."""
        return self._get(f"{BASE}/status")

    def _get(self, path: str) -> Item:
        request = urllib.request.Request(self._url + path, headers=self._headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                body = json.load(response)
        except HTTPError as error:
            raise self._refused(error) from error
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            why = getattr(reason, "strerror", None) or reason
            raise GatewayError(
                f"no gateway answers at {self._url}: {why}; "
                "is `ryu-alg run` running, and is it this --url?"
            ) from error
        except (ValueError, HTTPException) as error:
            raise self._stranger() from error
        if not isinstance(body, dict):
            raise self._stranger()
        return body

    def _refused(self, error: HTTPError) -> GatewayError:
        with error:
            if error.code == HTTPStatus.UNAUTHORIZED:
                wrong = "does not accept this token" if self._has_token else "wants a token"
                return GatewayError(f"the gateway at {self._url} {wrong}: name its --token-file")
            if error.headers.get_content_type() != "application/problem+json":
                return self._stranger()
            try:
                detail = json.load(error)["detail"]
            except (ValueError, KeyError, TypeError, OSError):
                return self._stranger()
        return GatewayError(f"the gateway at {self._url} answers {error.code}: {detail!s}")

    @property
    def _has_token(self) -> bool:
        return "Authorization" in self._headers

    def _stranger(self) -> GatewayError:
        return GatewayError(f"what answers at {self._url} is not a ryu_alg gateway; see --url")
