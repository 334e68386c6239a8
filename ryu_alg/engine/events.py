"""What happens outside the engine and concerns it."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.engine.commands import FiveTuple
from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Realm, Transport


@dataclass(slots=True)  # each packet is one; one that is frozen takes five times as long to make
class SegmentArrived:
    """The switch punted a TCP segment whose checksum is right."""

    segment: Segment
    realm: Realm
    """Where it came from."""
    protocol: int
    """Index of the protocol that the punting flow names."""


@dataclass(slots=True)
class DatagramArrived:
    """The switch punted a UDP datagram, whole and with a right checksum."""

    datagram: Datagram
    realm: Realm
    """Where it came from."""
    protocol: int
    """Index of the protocol that the punting flow names."""


@dataclass(frozen=True, slots=True)
class SizedDatagramArrived:
    """The switch punted a UDP datagram to any port because of its size, or as the next one of an
    exchange. It may be translated already; from outside, it is."""

    datagram: Datagram
    realm: Realm
    """Where it came from."""
    protocol: int | None = None
    """Of the first one of an exchange: index of the protocol that the punting flow names."""
    listener: int | None = None
    """Otherwise: the id of the listening port."""


@dataclass(frozen=True, slots=True)
class IcmpErrorArrived:
    """The switch punted an ICMP error that belongs to no tracked connection."""

    realm: Realm
    source: bytes
    quoted: FiveTuple
    """The packet that the error is about, as it looked where the error was made."""
    quoted_sequence: int
    """Of a segment; of a datagram, 0."""
    mtu: int
    """Of "fragmentation needed" and "packet too big", in bytes; otherwise 0."""
    transport: Transport = Transport.TCP


@dataclass(frozen=True, slots=True)
class BarrierDone:
    """The switch has done everything before `Barrier(token)`."""

    token: int


@dataclass(frozen=True, slots=True)
class PinholeUsed:
    """The first packet of the expected connection came."""

    id: int


@dataclass(frozen=True, slots=True)
class PinholeExpired:
    """The switch removed a pinhole's flow because its time was up."""

    id: int


@dataclass(frozen=True, slots=True)
class DataCounted:
    """The data of a mark so far, as a flow counted it."""

    mark: int
    packets: int
    bytes: int
    idle: bool
    """The flow is gone: nothing moved for its idle time-out."""
    removed: bool = False
    """The flow is gone: it was removed, or another has replaced it."""


@dataclass(frozen=True, slots=True)
class OffloadEnded:
    """The switch removed a flow of a session that it had taken over."""

    id: int


@dataclass(frozen=True, slots=True)
class SessionUnwanted:
    """Somebody in charge wants a session and its data connections ended."""

    id: int


@dataclass(frozen=True, slots=True)
class PipelineInstalled:
    """All flows of the switch are being replaced: the commands say which are the engine's."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """The time that `next_timeout` named has come."""


Event = (
    SegmentArrived
    | DatagramArrived
    | SizedDatagramArrived
    | IcmpErrorArrived
    | BarrierDone
    | PinholeUsed
    | PinholeExpired
    | DataCounted
    | OffloadEnded
    | SessionUnwanted
    | PipelineInstalled
    | Timeout
)
