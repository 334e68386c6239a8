"""The gateway's own responses, and why they are given."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.protocols.rtsp.messages import Message

_PHRASES = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    461: "Unsupported Transport",
    463: "Destination Prohibited",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A message does not pass."""

    status: int
    """That the client reads."""
    code: str
    """Of the Report."""
    detail: str
    """Fit to be shown."""


def respond(to: Message, status: int) -> bytes:
    """A response to a request, or in place of one that was to be refused."""
    if status == 463 and to.version != b"RTSP/2.0":
        status = 403  # RFC 2326 does not know 463.
    lines = [b"%s %d %s" % (to.version, status, _PHRASES[status].encode("ascii"))]
    cseq = to.cseq
    if cseq is not None:
        lines.append(b"CSeq: %d" % cseq)
    return b"\r\n".join((*lines, b"", b""))
