"""The server's address within URLs: Content-Base, RTP-Info, a=control and their like.

Only what a server says is translated. What a client sends names the server as the client knows
it, and Digest authentication (RFC 7616) is computed over it.
"""

from __future__ import annotations

import re

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.addresses import read_host
from ryu_alg.inspection.edits import Edit

HEADERS = frozenset({b"content-base", b"content-location", b"location", b"rtp-info"})
"""Those that hold a server's URLs."""

_DEFAULT_PORT = 554
_AUTHORITY = re.compile(
    rb"(?i:rtspu?|rtsps)://(?:[^\s/@\"<>;,]{0,256}@)?"
    rb"((\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15})(?::([0-9]{1,5}))?)(?![0-9A-Za-z.:\-])"
)


def translated(raw: bytes, start: int, end: int, actual: Endpoint, seen: Endpoint) -> list[Edit]:
    """The edits that have URLs within raw[start:end] name `seen` in place of `actual`.

    A server that leaves its port out means itself all the same. Another port is another server.
    """
    if actual == seen:
        return []
    edits: list[Edit] = []
    for match in _AUTHORITY.finditer(raw, start, end):
        port = int(match[3]) if match[3] is not None else None
        if read_host(match[2]) != actual.address or port not in (None, actual.port):
            continue
        host = f"[{seen.address}]" if seen.address.version == 6 else str(seen.address)
        text = host if port is None and seen.port == _DEFAULT_PORT else f"{host}:{seen.port}"
        edits.append((match.span(1), text.encode("ascii")))
    return edits
