"""MSRP paths in descriptions: a=path (RFC 4975 section 8.2).

A path of one URI is the endpoint's own. In one of several, the last is its own, the first that of
a relay (RFC 4976), which the other side connects to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ryu_alg.inspection import Address, Endpoint
from ryu_alg.inspection.addresses import read_host
from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.sdp import Attribute, Malformed

MAX_URIS = 8
DEFAULT_PORT = 2855
_URI = re.compile(
    rb"msrps?://(?:[^\s@/]*@)?"
    rb"(?P<authority>(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._\-]{1,255})(?::(?P<port>[0-9]{1,5}))?)"
    rb"(?:/(?P<session>[^\s;/]*))?(?:;\S*)?",
    re.IGNORECASE,
)
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Uri:
    """One MSRP URI."""

    address: Address | None
    """None: a host name."""
    port: int
    authority: Span
    """Of host and port."""
    session: bytes


def read_path(attribute: Attribute) -> tuple[Uri, ...] | Malformed:
    """The URIs of an a=path; at least one."""
    found: list[Uri] = []
    position = attribute.span[0]
    for text in attribute.value.split(b" "):
        if text:
            match = _URI.fullmatch(text)
            if match is None or len(found) >= MAX_URIS:
                return Malformed("a=path has no MSRP URIs, or too many")
            port = int(match["port"]) if match["port"] else DEFAULT_PORT
            if port > _MAX_PORT:
                return Malformed("a=path has no port")
            span = (position + match.start("authority"), position + match.end("authority"))
            found.append(Uri(read_host(match["host"]), port, span, match["session"] or b""))
        position += len(text) + 1
    return tuple(found) or Malformed("a=path is empty")


def authority(endpoint: Endpoint) -> bytes:
    """Host and port as in a URI."""
    return str(endpoint).encode("ascii")
