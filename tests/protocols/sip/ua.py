"""Requests and responses as a user agent writes them."""

from __future__ import annotations

from ryu_alg.protocols.sip.message import Message, parse
from tests.protocols.sip.messages import message, request


def sdp(address: str, port: int, *attributes: str) -> bytes:
    """A description of one audio stream."""
    family = "IP6" if ":" in address else "IP4"
    lines = [
        "v=0",
        f"o=- 1 1 IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        *attributes,
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


SDP_TYPE = "Content-Type: application/sdp"


def invite(
    *extra: str, body: bytes = b"", cseq: int = 1, branch: str = "z9hG4bK-i1", **parts: str
) -> bytes:
    """An INVITE of alice at 192.168.10.2."""
    parts.setdefault("via", f"SIP/2.0/UDP 192.168.10.2:5060;branch={branch};rport")
    contact = parts.pop("contact", "<sip:alice@192.168.10.2:5060>")
    headers = [f"Contact: {contact}", *extra, *([SDP_TYPE] if body else [])]
    uri = parts.pop("uri", "sip:bob@example.com")
    method = parts.pop("method", "INVITE")
    return request(method, uri, *headers, body=body, cseq=cseq, **parts)  # type: ignore[arg-type]


def respond(
    asked: bytes, status: int, *extra: str, tag: str | None = "b1", body: bytes = b""
) -> bytes:
    """The response of whoever got `asked`: the topmost Via stamped as a proxy would."""
    found = parse(asked)
    assert isinstance(found, Message), found
    headers = []
    for name in (b"via", b"from", b"to", b"call-id", b"cseq"):
        for item in found.fields[name]:
            value = asked.lstrip(b"\r\n")[item.value_start : item.value_end].decode()
            if name == b"to" and tag and ";tag=" not in value:
                value += f";tag={tag}"
            headers.append(f"{name.decode().title()}: {value}")
    if body:
        headers.append(SDP_TYPE)
    return message(f"SIP/2.0 {status} Whatever", [*headers, *extra], body)
