"""What one side of a call says about its streams, as far as it matters to what may flow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.inspection.sdp import Attribute, Description, Media

_SHORT = 32
"""Bytes of what a stream says that is shared."""
MAX_PORTS = 16
"""Of one stream (m=video 49170/8 has eight pairs)."""

_SENDS = {b"sendrecv": True, b"sendonly": True, b"recvonly": False, b"inactive": False}
_RECEIVES = {b"sendrecv": True, b"sendonly": False, b"recvonly": True, b"inactive": False}


class Kind(Enum):
    """How a stream is carried."""

    RTP = "rtp"
    """Over UDP, with RTCP beside it (RFC 3550)."""
    DATAGRAMS = "datagrams"
    """Over UDP, on one port: fax (udptl), BFCP, data channels."""
    CONNECTION = "connection"
    """One TCP connection that one side begins (RFC 4145): MSRP, BFCP, fax."""
    OTHER = "other"
    """Nothing can be opened for it."""

    __hash__ = object.__hash__

    @property
    def transport(self) -> Transport:
        """What it needs ports of."""
        return Transport.TCP if self is Kind.CONNECTION else Transport.UDP


@dataclass(frozen=True, slots=True)
class Stream:
    """One m= line."""

    kind: Kind
    live: bool
    """Not rejected."""
    mid: bytes | None
    """Its name in groups (RFC 5888)."""
    sends: bool
    receives: bool
    mux: bool
    """RTCP may share RTP's port (RFC 5761)."""
    ice: bool
    setup: bytes
    """Who connects (RFC 4145), in lower case; empty: nothing is said."""
    session: bytes = b""
    """Of MSRP: another one is another connection."""

    def shared(self) -> Stream:
        """The same one for all that are equal: there are few that differ."""
        return _shared(self) if len(self.mid or b"") + len(self.setup) <= _SHORT else self


@lru_cache(maxsize=256)
def _shared(stream: Stream) -> Stream:
    return stream


@dataclass(frozen=True, slots=True)
class InsideStream:
    """A stream as the inside described it."""

    said: Stream
    binding: int | None
    """The public ports that stand for its own; None if none do."""
    ports: int = 0
    """How many of the binding's it uses: what RTP and RTCP share is one."""


@dataclass(frozen=True, slots=True)
class OutsideStream:
    """A stream as the outside described it."""

    said: Stream
    remotes: tuple[Endpoint | None, ...]
    """Where its ports are (RTP, RTCP, the next RTP, ...); None: nothing is to be opened for that
    one."""
    candidates: tuple[tuple[int, Endpoint], ...] = ()
    """Other places that may be tried (ICE), by component."""
    direct: tuple[tuple[Endpoint, Endpoint], ...] = ()
    """What was rewritten for two inside hosts to talk directly: (inside, public)."""


class Sided(Protocol):
    """A stream as either side described it."""

    @property
    def said(self) -> Stream: ...


S = TypeVar("S", bound=Sided)


@dataclass(frozen=True, slots=True)
class Side(Generic[S]):
    """All streams, as one side described them."""

    streams: tuple[S, ...]
    bundles: tuple[tuple[bytes, ...], ...]
    """The names of those that want to share one transport (RFC 8843)."""


Inside = Side[InsideStream]
Outside = Side[OutsideStream]


def read_stream(description: Description, media: Media) -> Stream:
    """What an m= line says, by itself and by what holds for the whole session."""
    direction = _direction(description, media)
    setup = media.attribute(b"setup") or next(description.named(b"setup"), None)
    mid = media.attribute(b"mid")
    bundle_only = media.attribute(b"bundle-only") is not None
    return Stream(
        kind=_kind(media, setup),
        live=media.port != 0 or bundle_only,
        mid=mid.value if mid else None,
        sends=_SENDS[direction],
        receives=_RECEIVES[direction],
        mux=media.attribute(b"rtcp-mux") is not None,
        ice=media.attribute(b"candidate") is not None,
        setup=setup.value.strip().lower() if setup else b"",
    ).shared()


def bundles(description: Description) -> tuple[tuple[bytes, ...], ...]:
    """The groups of streams that want to share one transport."""
    groups = (attribute.value.split() for attribute in description.named(b"group"))
    return tuple(tuple(group[1:]) for group in groups if group[:1] == [b"BUNDLE"])


def _direction(description: Description, media: Media) -> bytes:
    for attributes in (media.attributes, description.attributes):
        for attribute in attributes:
            if attribute.name in _SENDS:
                return attribute.name
    return b"sendrecv"


def _kind(media: Media, setup: Attribute | None) -> Kind:
    protocol = media.protocol
    if protocol.startswith((b"RTP/", b"UDP/TLS/RTP/")):
        return Kind.RTP
    if protocol.startswith((b"UDP", b"DTLS/")):
        return Kind.DATAGRAMS
    if protocol in (b"TCP/MSRP", b"TCP/TLS/MSRP"):
        return Kind.CONNECTION
    # Who would connect is not said otherwise.
    if protocol.split(b"/")[0] == b"TCP" and setup is not None:
        return Kind.CONNECTION
    return Kind.OTHER
