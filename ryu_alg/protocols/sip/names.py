"""Header names: which are short for which, and which hold addresses that are rewritten."""

from __future__ import annotations

COMPACT = {
    b"a": b"accept-contact",
    b"b": b"referred-by",
    b"c": b"content-type",
    b"d": b"request-disposition",
    b"e": b"content-encoding",
    b"f": b"from",
    b"i": b"call-id",
    b"j": b"reject-contact",
    b"k": b"supported",
    b"l": b"content-length",
    b"m": b"contact",
    b"n": b"identity-info",
    b"o": b"event",
    b"r": b"refer-to",
    b"s": b"subject",
    b"t": b"to",
    b"u": b"allow-events",
    b"v": b"via",
    b"x": b"session-expires",
    b"y": b"identity",
}
"""Compact forms (RFC 3261 section 7.3.3 and the registry of header fields)."""

CONTENT_LENGTH = frozenset({b"content-length", b"l"})

ROUTING = (b"contact", b"route", b"record-route", b"path", b"service-route")
"""Where requests will be sent: a message in which one of these cannot be read is refused."""

REFERRING = (b"refer-to", b"referred-by", b"p-asserted-identity", b"p-preferred-identity")
"""Who is meant. Like `ROUTING`, but nothing is sent there before somebody else says so."""

INFORMATIVE = (b"remote-party-id", b"diversion", b"history-info", b"reply-to")
"""Who was meant. What cannot be read there passes as it is."""

LEADING = frozenset({b"route", b"service-route", b"refer-to"})
"""Where the sender wants something to go: unlike in the others, its own address there is not a
statement about itself."""

SINGLE = (b"from", b"to", b"call-id", b"cseq", b"max-forwards", b"content-length", b"content-type")
"""Headers of which a message has at most one."""


def long_form(name: bytes) -> bytes:
    """The name that a header is known by; `name` is in lower case."""
    return COMPACT.get(name, name)
