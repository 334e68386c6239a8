"""What the engine shows of itself: snapshots to read, never a handle to change anything.

Durations are seconds up to the moment of the snapshot, byte counts are payload bytes of the
control conversation unless they say data. No secret ever gets in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ryu_alg.inspection import Endpoint, Network, Realm, Transport


class SessionState(Enum):
    """How far a control conversation is."""

    OPENING = "opening"
    """The client's SYN was seen, the handshake is not complete."""
    INSPECTED = "inspected"
    OPAQUE = "opaque"
    """Passed on unread, for good."""
    CLOSING = "closing"
    """At least one end has finished."""


class PinholeState(Enum):
    """How far an expectation is."""

    ARMED = "armed"
    """Announced by one side; nothing is open yet."""
    OPENING = "opening"
    """Accepted by the other side; the switch has not confirmed it yet."""
    OPEN = "open"
    USED = "used"
    """The data connection came: nothing more is let in."""


class BindingKind(Enum):
    """Which partition of the public ports a binding is from."""

    CONTROL = "control"
    DATA = "data"
    LISTENING = "listening"
    """From the data partition as well: an inside host waits for anybody there."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """One control conversation over TCP, or all UDP control traffic of one inside host.

    Over UDP, the client is the inside host, at the endpoint with the latest traffic (port 0 where
    only data is left), and the server the other end of the latest datagram.
    """

    id: int
    protocol: str
    client: Endpoint
    client_seen: Endpoint
    """The client as the server sees it."""
    server: Endpoint
    server_seen: Endpoint
    """The server as the client sees it."""
    state: SessionState
    age: float
    idle: float
    """Since the last control segment from either end."""
    to_server_bytes: int
    to_client_bytes: int
    to_server_shift: int
    """How many bytes more than came have left, because of rewriting."""
    to_client_shift: int
    pinholes: tuple[int, ...]
    """Ids of its expectations that are not over."""
    data_packets: int
    data_bytes: int
    """Of its data connections, both ways, as far as the switch has reported them."""
    transport: Transport = Transport.TCP
    user: str | None = None
    """As given to the protocol; None where it has no such thing, or it was not given yet."""


@dataclass(frozen=True, slots=True)
class PinholeView:
    """One expected data connection, or UDP data that may pass both ways."""

    id: int
    session: int
    protocol: str
    transport: Transport
    peers: tuple[Network, ...]
    """Who may connect."""
    realm: Realm
    """Where they connect from."""
    seen: Endpoint
    """Where they connect to."""
    listener: Endpoint
    """Where that really is."""
    state: PinholeState
    age: float
    expires_in: float | None
    """None when only the end of its session ends it."""
    remote: Endpoint | None = None
    """The other end, where it has told its port; of UDP data, which goes both ways."""
    binding: int | None = None
    """The binding that admits it, where one does."""


@dataclass(frozen=True, slots=True)
class BindingView:
    """A public endpoint that stands for an inside one; of a listening one without NAT, the same."""

    transport: Transport
    inside: Endpoint
    public: Endpoint
    kind: BindingKind
    session: int
    """Of a listening one, the session that asked for it last; it may be over."""
    age: float
    listener: int | None = None
    """Of a listening one: the id in the cookies of its flows."""
    number: int = 0
    """Rises with each; above 0 in all that are shown."""


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened and is worth showing."""

    id: int
    """Rises by one per event."""
    time: float
    """Unix time."""
    code: str
    """Stable, lower case, dotted: `ftp.port.foreign_address`."""
    detail: str
    session: int | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class StatusView:
    """The gateway as a whole. The counters count from the start of the process."""

    version: str
    uptime: float
    datapath_id: int
    connected: bool
    """Whether the switch is connected, and its pipeline installed."""
    config_path: str
    config_sha256: str
    """Of the configuration in force, in hexadecimal."""
    sessions: Mapping[str, int]
    """How many there are now, by protocol."""
    pinholes: Mapping[PinholeState, int]
    bindings: Mapping[BindingKind, int]
    punts: Mapping[str, int]
    """Control packets from the switch, by protocol; `icmp` and `other` too."""
    packet_outs: int
    events: Mapping[str, int]
    """How often each event happened, by its code."""
    data_packets: int
    data_bytes: int
    """Of data connections, as far as the switch has reported them."""


@dataclass(frozen=True, slots=True)
class PublishedView:
    """An inside server that a protocol inspects for whoever connects from outside."""

    transport: Transport
    public: Endpoint
    inside: Endpoint


@dataclass(frozen=True, slots=True)
class ProtocolView:
    """Where a protocol is inspected, by the configuration in force: nowhere else."""

    name: str
    transports: tuple[Transport, ...]
    clients: tuple[str, ...]
    """Inside networks whose hosts are inspected as clients, of servers outside and inside."""
    servers: tuple[Network, ...]
    """Prefixes of these servers."""
    ports: tuple[int, ...]
    """Ports of these servers."""
    sizes: bool
    """UDP datagrams to other ports are looked at, too, by their size."""
    published: tuple[PublishedView, ...]
    on_fault: str
    policy: Mapping[str, Any]
    """Options that are other than by default, fit for JSON."""
