"""Where a capture was taken, and what its packets look like from inside.

A gateway sees each packet on the side it comes from; a capture has both ways of a conversation
on one side. So each packet is first brought into one form: the inside host's own endpoint, the
other end, and which of the two has sent it. In that form a packet of an inside host is what the
gateway gets; one of the other end still lacks the public endpoint that stands for the host, which
the engine has chosen meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from itertools import islice

from ryu_alg import packets
from ryu_alg.engine.config import EngineConfig
from ryu_alg.inspection import Address, Endpoint, Realm, Transport
from ryu_alg.openflow.plan import PipelinePlan

LOOKED_AT = 2000
"""Packets from which it is guessed where a capture was taken."""
_HOSTS_TRIED = 1024
_NO_MAC = bytes(12)
_ETHERTYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}


class At(StrEnum):
    """The side of the gateway that a capture was taken on."""

    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class View:
    """A packet as its inside host knows it."""

    transport: Transport
    origin: Realm
    """Of its sender."""
    inside: Endpoint
    """If both ends are inside: the sender."""
    remote: Endpoint

    @property
    def key(self) -> tuple[Transport, Endpoint, Endpoint]:
        """The same for all packets of a connection; see `inside` for two inside hosts."""
        return self.transport, self.inside, self.remote

    def __str__(self) -> str:
        ends = self.inside, self.remote
        sender, receiver = ends if self.origin is Realm.INSIDE else ends[::-1]
        return f"{self.transport.name.lower()} {sender} -> {receiver}"


def framed(ip: bytes) -> bytes:
    """An IP packet as a frame; its MAC addresses are 0."""
    return _NO_MAC + _ETHERTYPE[6 if ip and ip[0] >> 4 == 6 else 4] + ip


def guessed(captured: Iterable[bytes], config: EngineConfig) -> At:
    """The side whose addresses most of the first IP packets have."""
    votes: Counter[At] = Counter()
    for ip in islice(captured, LOOKED_AT):
        packet = packets.decode(framed(ip))
        if isinstance(packet, packets.Malformed):
            continue
        for packed in (packet.src, packet.dst):
            address = ip_address(packed)
            network = config.network_of(address)
            if network is not None:
                votes[At.INSIDE] += network.public_for(address) is not None
            else:
                votes[At.OUTSIDE] += address in config.public
    return At.OUTSIDE if votes[At.OUTSIDE] > votes[At.INSIDE] else At.INSIDE


@dataclass(slots=True)
class Vantage:
    """Packets as seen from one side of a gateway."""

    config: EngineConfig
    plan: PipelinePlan
    at: At
    _behind: dict[Address, Address | None] = field(default_factory=dict)

    def view(self, packet: packets.Packet) -> View | None:
        """None: no inside host has to do with it, or it is of the gateway's other side."""
        transport = Transport(packet.proto)
        source = Endpoint(ip_address(packet.src), packet.sport)
        target = Endpoint(ip_address(packet.dst), packet.dport)
        inside = self._inside(source, transport)
        if inside is not None:
            return View(transport, Realm.INSIDE, inside, target)
        inside = self._inside(target, transport)
        if inside is not None:
            return View(transport, Realm.OUTSIDE, inside, source)
        return None

    def _inside(self, endpoint: Endpoint, transport: Transport) -> Endpoint | None:
        """The inside endpoint that shows as `endpoint` on this side."""
        address = endpoint.address
        network = self.config.network_of(address)
        if self.at is At.INSIDE:
            return None if network is None else endpoint
        for service in self.plan.published:
            if service.public == endpoint and service.transport is transport:
                return service.inside
        if network is not None:
            return endpoint if network.public_for(address) is None else None
        if address not in self.config.public:
            return None
        host = self._host_behind(address)
        return None if host is None else Endpoint(host, endpoint.port)

    def _host_behind(self, public: Address) -> Address | None:
        """A host that is translated to `public`. Outside, they cannot be told from each other:
        the first one stands for all."""
        if public not in self._behind:
            self._behind[public] = next(iter(self._hosts_behind(public)), None)
        return self._behind[public]

    def _hosts_behind(self, public: Address) -> Iterable[Address]:
        routers = {own.ip for network in self.plan.inside for own in network.addresses}
        for network in self.config.networks:
            for prefix in network.prefixes:
                hosts: Iterable[Address] = prefix.hosts()
                for host in islice(hosts, _HOSTS_TRIED):
                    if network.public_for(host) == public and host not in routers:
                        yield host
