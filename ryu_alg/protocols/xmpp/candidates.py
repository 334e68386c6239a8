"""Where a stanza says that somebody listens: XEP-0065 (SOCKS5 bytestreams), XEP-0260 (Jingle)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from ryu_alg.inspection import Address, Endpoint
from ryu_alg.inspection.edits import Edit
from ryu_alg.protocols.xmpp import names
from ryu_alg.protocols.xmpp.elements import Element, attribute_span

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAX_PORT = 65535
_UDP = "udp"


def offered(stanza: Element) -> Iterator[Element]:
    """The candidates of an IQ set: elements with a `host` and a `port`.

    Those of bytestreams over UDP, which nobody has, are none.
    """
    for query in stanza.named(names.BYTESTREAM_QUERY):
        if query.attributes.get("mode") != _UDP:
            yield from query.named(names.STREAMHOST)
    for transport in transports(stanza):
        if transport.attributes.get("mode") != _UDP:
            yield from transport.named(names.CANDIDATE)


def transports(stanza: Element) -> Iterator[Element]:
    """The SOCKS5 transports of a Jingle action."""
    for action in stanza.named(names.JINGLE_ACTION):
        for content in action.named(names.JINGLE_CONTENT):
            yield from content.named(names.JINGLE_TRANSPORT)


def host_of(candidate: Element) -> Address | None:
    """The address that a candidate names; None if it is a host name."""
    text = candidate.attributes.get("host", "").strip()
    try:
        return ip_address(text)
    except ValueError:
        return None


def port_of(candidate: Element) -> int | None:
    """The port that a candidate names, if it can be read."""
    text = candidate.attributes.get("port", "")
    return int(text) if _PORT.fullmatch(text) and 0 < int(text) <= _MAX_PORT else None


def moved(raw: bytes, candidate: Element, endpoint: Endpoint) -> tuple[Edit, ...]:
    """The edits of `raw` after which a candidate, which has both, names this endpoint."""
    texts = {b"host": str(endpoint.address).encode(), b"port": b"%d" % endpoint.port}
    spans = ((attribute_span(raw, candidate, name), text) for name, text in texts.items())
    edits = ((span, text) for span, text in spans if span is not None)
    return tuple((span, text) for span, text in edits if raw[slice(*span)] != text)
