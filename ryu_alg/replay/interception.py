"""Which packets the switch would punt, as table 1 of the pipeline decides it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.engine.config import EngineConfig
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow.datagrams import DatagramProtocols
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.replay.vantage import View

_WELL_KNOWN = 1024
"""Ports below that are not those of nodes and peers (table 9)."""


@dataclass(slots=True)
class Interception:
    """The protocols of one gateway. Methods give a protocol's index, or None: not punted."""

    config: EngineConfig
    plan: PipelinePlan
    datagrams: DatagramProtocols = field(init=False)

    def __post_init__(self) -> None:
        self.datagrams = DatagramProtocols(self.plan)

    def of_segment(self, view: View) -> int | None:
        """The protocol of a TCP segment."""
        served = self._service(view.inside, Transport.TCP)
        if served is None and view.origin is Realm.INSIDE:
            served = self._service(view.remote, Transport.TCP)
        if served is not None:
            return served
        index = self._server(view.remote, Transport.TCP)
        if index is None and self.config.realm_of(view.remote.address) is Realm.INSIDE:
            index = self._server(view.inside, Transport.TCP)  # an answer to another inside host
        return index

    def of_datagram(self, view: View, public: Endpoint) -> int | None:
        """The protocol of a datagram whose inside endpoint is `public` to the other end.

        NO_PROTOCOL: only a session can say."""
        remote = view.remote.address.packed, view.remote.port
        if view.origin is Realm.INSIDE:
            inside = view.inside.address.packed, view.inside.port
            return self.datagrams.of(Realm.INSIDE, inside, remote)
        return self.datagrams.of(Realm.OUTSIDE, remote, (public.address.packed, public.port))

    def of_first_datagram(self, view: View, size: int) -> int | None:
        """The protocol that looks at a datagram to whatever port which begins an exchange, because
        its payload has this size, in bytes."""
        if view.origin is not Realm.INSIDE or view.remote.port < _WELL_KNOWN:
            return None
        for protocol in self.plan.protocols:
            shortest, longest = protocol.first_sizes or (1, 0)
            if (
                shortest <= size <= longest
                and any(view.inside.address in hosts for hosts in protocol.first_hosts)
                and any(view.remote.address in servers for servers in protocol.servers)
            ):
                return protocol.index
        return None

    def answers(self, view: View) -> bool:
        """Whether a datagram from outside is one that a protocol's server sends."""
        return self._server(view.remote, Transport.UDP) is not None

    def published(self, view: View) -> Endpoint | None:
        """The public endpoint of a published service of a protocol."""
        for service in self.plan.published:
            if (service.inside, service.transport) == (view.inside, view.transport):
                return None if service.protocol is None else service.public
        return None

    def _service(self, inside: Endpoint, transport: Transport) -> int | None:
        for service in self.plan.published:
            if (service.inside, service.transport) == (inside, transport):
                return service.protocol
        return None

    def _server(self, server: Endpoint, transport: Transport) -> int | None:
        for protocol in self.plan.protocols:
            if (
                protocol.transport is transport
                and server.port in protocol.ports
                and any(server.address in prefix for prefix in protocol.servers)
            ):
                return protocol.index
        return None
