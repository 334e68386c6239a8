"""Names of XML elements: a namespace and a local name."""

from __future__ import annotations

from typing import NamedTuple

CLIENT = "jabber:client"
STREAMS = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
SASL2 = "urn:xmpp:sasl:2"
COMPRESSION_FEATURE = "http://jabber.org/features/compress"
COMPRESSION = "http://jabber.org/protocol/compress"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
BYTESTREAMS = "http://jabber.org/protocol/bytestreams"
JINGLE = "urn:xmpp:jingle:1"
JINGLE_SOCKS5 = "urn:xmpp:jingle:transports:s5b:1"


class Name(NamedTuple):
    """The expanded name of an element (Namespaces in XML 1.0, section 2.1)."""

    namespace: str
    local: str


STREAM = Name(STREAMS, "stream")
FEATURES = Name(STREAMS, "features")
IQ = Name(CLIENT, "iq")
STARTTLS = Name(TLS, "starttls")
STARTTLS_REQUIRED = Name(TLS, "required")
TLS_PROCEED = Name(TLS, "proceed")
TLS_FAILURE = Name(TLS, "failure")
COMPRESSION_OFFER = Name(COMPRESSION_FEATURE, "compression")
COMPRESS = Name(COMPRESSION, "compress")
COMPRESSED = Name(COMPRESSION, "compressed")
COMPRESSION_FAILURE = Name(COMPRESSION, "failure")
AUTHENTICATIONS = frozenset({Name(SASL, "auth"), Name(SASL2, "authenticate")})
SUCCESSES = frozenset({Name(SASL, "success"), Name(SASL2, "success")})
"""How a client asks to be let in, and learns that it is (RFC 6120 section 6.4, XEP-0388)."""
BYTESTREAM_QUERY = Name(BYTESTREAMS, "query")
STREAMHOST = Name(BYTESTREAMS, "streamhost")
JINGLE_ACTION = Name(JINGLE, "jingle")
JINGLE_CONTENT = Name(JINGLE, "content")
JINGLE_TRANSPORT = Name(JINGLE_SOCKS5, "transport")
CANDIDATE = Name(JINGLE_SOCKS5, "candidate")
CANDIDATE_USED = Name(JINGLE_SOCKS5, "candidate-used")
CANDIDATE_ERROR = Name(JINGLE_SOCKS5, "candidate-error")
