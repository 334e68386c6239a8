"""Requests that a client makes of its own INVITE, for the next hop: ACK and CANCEL."""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.protocols.sip.message import Message, RequestLine, parse
from ryu_alg.protocols.sip.responses import Header, compose


def acknowledgement(invite: bytes, response: Message) -> bytes:
    """The ACK to a final response that is not 2xx (RFC 3261 section 17.1.1.3)."""
    to = response.raw[slice(*response.recipient.span)]
    return _of(invite, "ACK", to, ())


def cancellation(invite: bytes, further: Sequence[Header] = ()) -> bytes:
    """The CANCEL of an INVITE that has been sent (section 9.1); `further`: why (RFC 3326)."""
    return _of(invite, "CANCEL", None, further)


def _of(invite: bytes, method: str, to: bytes | None, further: Sequence[Header]) -> bytes:
    """`invite` is what this gateway composed: it reads back."""
    request = parse(invite)
    assert isinstance(request, Message)
    assert isinstance(request.line, RequestLine)
    uri = request.raw[slice(*request.line.uri.span)]
    headers: list[Header] = [
        (b"Via", request.raw[slice(*request.vias[0].span)]),
        (b"Max-Forwards", b"70"),
        *((b"Route", _text(request, span)) for span in _spans(request, b"route")),
        (b"From", request.raw[slice(*request.sender.span)]),
        (b"To", to or request.raw[slice(*request.recipient.span)]),
        (b"Call-ID", request.call_id),
        (b"CSeq", b"%d %s" % (request.cseq.number, method.encode())),
        *further,
    ]
    return compose(b"%s %s SIP/2.0" % (method.encode(), uri), headers)


def _spans(request: Message, name: bytes) -> list[tuple[int, int]]:
    return [(field.value_start, field.value_end) for field in request.fields.get(name, ())]


def _text(request: Message, span: tuple[int, int]) -> bytes:
    return request.raw[slice(*span)]
