"""What a protocol implements and what it may ask for.

Over TCP: a `StreamInspector` for each connection, which asks a `StreamGateway`. Over UDP: a
`DatagramInspector` for each inside host, which asks a `DatagramGateway`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ryu_alg.inspection.effects import DatagramEffect, Effect
from ryu_alg.inspection.endpoints import (
    Address,
    Direction,
    Endpoint,
    Network,
    Party,
    Realm,
    Transport,
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Both ends of a control conversation, as they are and as the other end sees them."""

    client: Endpoint
    client_seen: Endpoint
    """The client as the server sees it; differs from `client` behind NAT."""
    server: Endpoint
    server_seen: Endpoint
    """The server as the client sees it; differs from `server` when published."""

    def actual(self, party: Party) -> Endpoint:
        """Where `party` really is."""
        return self.client if party is Party.CLIENT else self.server

    def seen(self, party: Party) -> Endpoint:
        """Where the other party believes `party` to be."""
        return self.client_seen if party is Party.CLIENT else self.server_seen


@dataclass(frozen=True, slots=True)
class Expectation:
    """A data connection that was announced. Armed only: `Open` opens its pinhole."""

    id: int
    transport: Transport
    listener: Endpoint
    """Where the data connection will really end."""
    announced: Endpoint
    """What the connecting side must be told; what the inspector writes into the message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The engine will not do it. Answer it in the protocol's own terms."""

    code: str
    """Of `expect` and `bind`: `port.privileged`, `port.denied`, `port.partition`, `quota.session`,
    `quota.host`, `quota.protocol`, `quota.all`, `ports.exhausted`. Of `bind` alone: `binding.size`,
    `binding.hosts`, `binding.outside`, `binding.public`. Of `signalling`: `signalling.foreign`,
    `port.privileged`, `port.denied`, `session.quota_host`, `session.ports_exhausted`. Of `listen`:
    `port.privileged`, `port.denied`, `quota.host`, `quota.protocol`, `quota.all`,
    `ports.exhausted`, `listener.foreign`, `listener.cause`, `listener.causes`."""
    detail: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Consecutive public ports that stand for ports of an inside host, for data.

    Nothing passes until an `Admit` names who may exchange data with it.
    """

    id: int
    transport: Transport
    inside: tuple[Endpoint, ...]
    public: tuple[Endpoint, ...]
    """What the other side must be told, in the order of `inside`; the same without NAT."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A public port, the same over TCP and UDP, that stands for an endpoint of an inside host where
    that waits for anybody.

    Nobody gets in until a `Listen` says so.
    """

    id: int
    inside: Endpoint
    public: Endpoint
    """What others must be told; the same as `inside` without NAT."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """UDP datagrams to any port, of a protocol whose servers are everywhere, that are inspected
    because of their size: a switch cannot look into them. The others stay in the switch.

    Each is a first and a last number of payload bytes.
    """

    first: tuple[int, int]
    """Of those that begin an exchange between an inside endpoint and an outside one."""
    later: tuple[int, int]
    """Of those that an inside endpoint sends once it is watched (`Watch`)."""
    opens: Callable[[bytes], bool]
    """Whether the payload of such a first one is of the protocol; one that is not passes on."""
    hosts: tuple[Network, ...]
    """Inside hosts that send them."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram of a control conversation, whichever way it goes."""

    origin: Realm
    """The realm of its sender."""
    inside: Endpoint
    """The inside host's own endpoint."""
    public: Endpoint
    """What stands for it outside; the same without NAT."""
    remote: Endpoint
    """The other end."""
    payload: bytes
    published: bool = False
    """Anybody outside may send to `inside`: a published service."""
    watched: bool = False
    """It is here because of its size, or as an answer that `Pass` waits for. Only `Pass` sends it
    on."""


class Gateway(Protocol):
    """What every inspector may ask."""

    @property
    def now(self) -> float:
        """Seconds of the engine's clock."""

    def realm_of(self, address: Address) -> Realm:
        """The realm that a host with this address is in. Public addresses are outside."""

    def public_of(self, host: Address) -> Address:
        """The address that stands for an inside host outside; its own without NAT."""

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        """The inside endpoint that a public endpoint stands for at present, whoever's it is."""

    def bind(
        self,
        inside: Sequence[Endpoint],
        *,
        transport: Transport = Transport.UDP,
        even: bool = False,
        public: Address | None = None,
        idle: int | None = None,
    ) -> Binding | Refusal:
        """Have public ports stand for endpoints of an inside host, until `Unbind`.

        The public ports are consecutive, with `even` from an even one on (RTP and RTCP, RFC
        3550 section 11), of the address `public`, or else of the one that stands for the host.
        Bound again, the same endpoints get another binding. Whether the host may be named is
        for the inspector to see to: its own, unless the configuration names another.

        Over UDP, an endpoint with port 0 is whatever port the host sends from: what it sends
        leaves from the public port, and is answered, but nobody outside can be first.

        `binding_idle` is called after `idle` seconds, if that is less than `timers.data_idle`.
        """

    def listen(self, inside: Endpoint, cause: bytes) -> Listener | Refusal:
        """Have a public port stand for an endpoint of this inside host where anybody is to be let
        in, on account of `cause`; only armed, until a `Listen` comes within a minute.

        All sessions of a protocol get the same public port for the same endpoint, for as long as
        it has a cause.
        """

    def listening(self, inside: Endpoint) -> Listener | None:
        """What stands for an endpoint of any inside host in this protocol, if it has a cause."""

    def held_until(self, listener: int, cause: bytes) -> float | None:
        """Until when, on the clock of `now`, a listener lets somebody in on account of `cause`;
        None: it does not, or is only armed."""

    def causes(self) -> Collection[bytes]:
        """On account of what endpoints of this inside host are let in to, or armed."""


class StreamGateway(Gateway, Protocol):
    """What an inspector may ask of the TCP session that it serves."""

    @property
    def conversation(self) -> Conversation:
        """The two hosts of this session. Addresses come from here, ports from the payload."""

    def expect(
        self,
        *,
        listener: Party,
        port: int,
        transport: Transport = Transport.TCP,
        third_party: Address | None = None,
        peers: Sequence[Network] = (),
        last_port: int | None = None,
        wait: int | None = None,
    ) -> Expectation | Refusal:
        """Arm an expectation: `listener` waits on `port` for the other party to connect.

        With `last_port`, on all ports up to it, for any number of connections as long as the
        session lasts: for sessions that cannot be read any more. Their numbers stay the same.

        `third_party` names another host that listens in `listener`'s stead (FXP), `peers`
        further networks that may connect besides the other party; the inspector's own
        policy must have allowed both.

        A pinhole that nobody uses closes as `timers` say, or after `wait` seconds where a
        person has to accept first.
        """


class DatagramGateway(Gateway, Protocol):
    """What an inspector may ask of the inside host that it serves."""

    @property
    def host(self) -> Address:
        """The inside host."""

    def signalling(self, inside: Endpoint) -> Endpoint | Refusal:
        """The public endpoint that stands for a control endpoint of this host.

        It is the same for every remote endpoint (RFC 4787 REQ-1), and stays for as long as
        datagrams come and go, or `Hold` says.
        """


class Timed(Protocol):
    """What inspectors of both transports may know of time. Here they want nothing of it."""

    def next_timeout(self) -> float | None:
        """When `wake` is to be called, on the clock of `Gateway.now`; asked after every call. A
        method of the class: that of an instance is not asked for."""
        return None

    def wake(self) -> Sequence[Any]:
        """The time has come; some time before does no harm. Returns effects."""
        return ()

    def binding_idle(self, binding: int) -> Sequence[Any]:
        """No data has moved through an admitted binding for `timers.data_idle` seconds (or
        those that it was bound with), or not since it was admitted. Returns effects; it stays
        open if they do not close it.

        Also with the id of a watched listener, when no UDP data has moved through it: it is not
        watched any more."""
        return ()


class StreamInspector(Timed, Protocol):
    """The protocol logic of one TCP control session.

    All its state is plain data in its attributes: a session can be saved and restored.
    """

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about `data`: every undecided byte of `direction`, in order.

        Called again with what is left when more bytes came, and whenever the other
        direction made progress: so holding a complete message back is deciding nothing.

        No more than 64 KiB (48 KiB, where the sender scales its window most) are ever held:
        whoever waits for the end of a longer message waits in vain, and should refuse it.
        """

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """`direction` has ended (FIN); `data`, what is left of it, is dropped afterwards
        unless the returned effects decide it."""


class DatagramInspector(Timed, Protocol):
    """The protocol logic of all UDP control traffic of one inside host.

    All its state is plain data in its attributes.
    """

    def inspect(self, datagram: Datagram) -> Sequence[DatagramEffect]:
        """Decide about a datagram: what the returned effects do not send is dropped.

        Outside datagrams are offered only if the host has sent to that address before, or the
        endpoint is published."""

    def keep_alive(self) -> Sequence[DatagramEffect]:
        """Data of this host moves, and its control traffic has been idle for
        `timers.keepalive_interval` seconds: refresh what middleboxes remember."""
        return ()


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """How a protocol registers, in the entry point group `ryu_alg.protocols`."""

    name: str
    summary: str
    ports: tuple[int, ...]
    """Default server ports."""
    options: type[Any]
    """A pydantic model."""
    stream: Callable[[Any, StreamGateway], StreamInspector] | None = None
    """Called with an instance of `options` and the session's gateway. None: not over TCP."""
    datagram: Callable[[Any, DatagramGateway], DatagramInspector] | None = None
    """Called with an instance of `options` and the host's gateway. None: not over UDP."""
    sizes: Callable[[Any], Sizes | None] | None = None
    """Called with an instance of `options`: which UDP datagrams to other ports are inspected."""

    @property
    def transports(self) -> tuple[Transport, ...]:
        """What it is spoken over."""
        return tuple(
            transport
            for transport, made in ((Transport.TCP, self.stream), (Transport.UDP, self.datagram))
            if made is not None
        )
