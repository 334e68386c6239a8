"""What the engine wants done outside: plain data, carried out by the openflow layer in order."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Address, Endpoint, Network, Realm, Transport


@dataclass(frozen=True, slots=True)
class DestinationNat:
    """The connection goes to `endpoint` instead of where the connecting side sent it.

    Of a range of ports, `endpoint` is the first, and each port leads to its equal."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class SourceNat:
    """The connection seems to come from `address`, a port from `low` to `high`."""

    address: Address
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Pinhole:
    """The one data connection that the switch shall let through."""

    id: int
    mark: int
    """The session's conntrack mark, 32 bits, never 0."""
    transport: Transport
    peers: tuple[Network, ...]
    """Who may connect."""
    seen: Endpoint
    """Where they connect to, before translation."""
    connecting_realm: Realm
    translate: DestinationNat | SourceNat | None
    idle: int
    """Seconds without a first packet."""
    hard: int
    """Seconds in all."""
    last_port: int | None = None
    """Of a range of ports for any number of connections, open until it is closed: `idle` and
    `hard` do not count for it, and translation keeps the port. None: one port, one connection."""

    def __str__(self) -> str:
        peers = ",".join(
            str(peer.network_address) if peer.num_addresses == 1 else str(peer)
            for peer in self.peers
        )
        text = f"{self.transport.name.lower()} {peers} -> {self.seen}"
        if self.last_port is not None:
            text += f"-{self.last_port}"
        match self.translate:
            case DestinationNat(endpoint):
                return f"{text} to {endpoint}"
            case SourceNat(address, low, high):
                return f"{text} from {address}:{low}-{high}"
            case None:
                return text


@dataclass(frozen=True, slots=True)
class MediaPath:
    """Where UDP data of one binding's port may go, both ways."""

    inside: Endpoint
    """With port 0: whatever port its host sends from. Nobody outside can be first then."""
    public: Endpoint
    """What stands for `inside` outside; the same without NAT."""
    remote: Endpoint
    """From its address any port is let in; to it `inside` sends as `public`."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What of an inside endpoint's UDP traffic is punted because of its size."""

    sizes: tuple[int, int]
    """The first and the last, in bytes of payload."""
    asking_mark: int
    """The conntrack mark of exchanges whose next datagram from outside is punted, 32 bits."""


@dataclass(frozen=True, slots=True)
class FiveTuple:
    """The ends of a packet as it looks on the wire. Addresses are packed."""

    src: bytes
    sport: int
    dst: bytes
    dport: int


@dataclass(frozen=True, slots=True)
class OffloadPath:
    """Packets of one direction: recognised as `arriving`, rewritten to `leaving`."""

    realm: Realm
    """Where they come from."""
    arriving: FiveTuple
    leaving: FiveTuple


@dataclass(slots=True)  # each packet is one; one that is frozen takes twice as long to make
class Emit:
    """Send this control segment on its way."""

    segment: Segment


@dataclass(slots=True)
class EmitDatagram:
    """Send this control datagram on its way, in fragments if it must be."""

    datagram: Datagram


@dataclass(frozen=True, slots=True)
class PassDatagram:
    """Send a datagram on that was punted because of its size, as if it had not been."""

    datagram: Datagram
    realm: Realm
    """Where it came from."""
    answered: bool
    """The next one from outside of the same exchange is punted, whatever its size."""


@dataclass(frozen=True, slots=True)
class EmitIcmpError:
    """Send the ICMP error of the event on, with these addresses and this quoted packet."""

    src: bytes
    dst: bytes
    quoted: FiveTuple
    quoted_sequence: int


@dataclass(frozen=True, slots=True)
class Ordinary:
    """The packet of the event is nobody's control segment: treat it as ordinary traffic."""


@dataclass(frozen=True, slots=True)
class OpenPinhole:
    """Install the flows of a pinhole."""

    pinhole: Pinhole


@dataclass(frozen=True, slots=True)
class ClosePinhole:
    """Remove the flows of a pinhole. Connections that it let through go on."""

    id: int


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Let UDP data through on exactly these paths; what this id had open before is closed.

    Connections that inside endpoints of the paths began before, as ordinary traffic, are
    forgotten, and so are those of paths that are not here any more."""

    id: int
    """Of the binding."""
    mark: int
    """The conntrack mark of its data, 32 bits, never 0."""
    paths: tuple[MediaPath, ...]


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Undo `OpenMedia`, and stop counting: no data of these endpoints passes any more."""

    id: int
    mark: int
    paths: tuple[MediaPath, ...]
    """All that were open."""


@dataclass(frozen=True, slots=True)
class OpenListener:
    """From now on, what an inside endpoint sends by UDP leaves from its public one, and this is
    what else it may; what this id had open before and has not any more is closed.

    Data that is established goes on in any case.
    """

    id: int
    inside: Endpoint
    public: Endpoint
    """The same as `inside` without NAT."""
    admits: bool
    """Anybody outside may connect by TCP, and begin to send by UDP."""
    tcp_mark: int
    """The conntrack mark of its data, 32 bits, never 0."""
    udp_mark: int
    watched: Watched | None


@dataclass(frozen=True, slots=True)
class CloseListener:
    """Undo `OpenListener`."""

    id: int


@dataclass(frozen=True, slots=True)
class CountData:
    """Count the data connections with this mark until none moved for `idle` seconds.

    After the end of one (FIN, RST) it may be sooner. Again for the same mark: as if new, but
    what was counted stays."""

    mark: int
    idle: int
    version: int
    """4 or 6: of the connections' IP."""
    transport: Transport = Transport.TCP


@dataclass(frozen=True, slots=True)
class CutData:
    """Drop the data connections with this mark, until none has tried to move for `idle` seconds."""

    mark: int
    idle: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """Answer with `BarrierDone(token)` when the switch has done all the above."""

    token: int


@dataclass(frozen=True, slots=True)
class Offload:
    """Hand the session to the switch, until nothing moved for `idle` seconds."""

    id: int
    paths: tuple[OffloadPath, OffloadPath]
    idle: int


@dataclass(frozen=True, slots=True)
class EndOffload:
    """Undo `Offload`: the session's packets are punted again."""

    id: int


@dataclass(frozen=True, slots=True)
class KeepPunting:
    """Punt the packets of this TCP session, though the static flows may not do so any more."""

    id: int
    arriving: tuple[tuple[Realm, FiveTuple], tuple[Realm, FiveTuple]]


@dataclass(frozen=True, slots=True)
class StopPunting:
    """Undo `KeepPunting`."""

    id: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Something happened that is worth showing. `detail` holds no secret."""

    code: str
    detail: str
    session: int | None = None
    protocol: str | None = None


Command = (
    Emit
    | EmitDatagram
    | PassDatagram
    | EmitIcmpError
    | Ordinary
    | OpenPinhole
    | ClosePinhole
    | OpenMedia
    | CloseMedia
    | OpenListener
    | CloseListener
    | CountData
    | CutData
    | Barrier
    | Offload
    | EndOffload
    | KeepPunting
    | StopPunting
    | Publish
)
