"""UDP control packets: what table 1 and 3 punt of them beyond what is punted of TCP, and which
protocol a datagram is of that came in fragments, whose ports the switch does not know.

Both say the same: `DatagramProtocols.of` decides about a datagram as table 1 would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import product

from ryu_alg.inspection import Address, Endpoint, Network, Realm, Transport
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.plan import InterceptedProtocol, PipelinePlan, PublishedService
from ryu_alg.openflow.template import Row

NO_PROTOCOL = -1
"""In place of a protocol's index: the packet can only be a known session's."""

FRAGMENTS = {4: "udp", 6: "ipv6"}
"""What matches a fragment that may be of UDP."""

_TRANSPORT = {4: "udp", 6: "udp6"}
_TRACKED = {4: "udp", 6: "ipv6,ct_nw_proto=17"}
"""A fragment behind conntrack. Open vSwitch has 44 for the protocol of a later one over IPv6."""
SOURCE = {4: "nw_src", 6: "ipv6_src"}
"""The field of a packet's source, by IP version."""
DESTINATION = {4: "nw_dst", 6: "ipv6_dst"}
"""The field of its destination."""
_ANYWHERE: dict[int, Network] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


@dataclass(frozen=True, slots=True)
class DatagramProtocols:
    """The protocols of a gateway that are inspected over UDP."""

    plan: PipelinePlan

    @property
    def bound(self) -> bool:
        """Whether there are any."""
        return bool(self._protocols() or self._services())

    # --- Rows for flows/ ------------------------------------------------------------------------

    def rows(self) -> dict[str, list[Row]]:
        """The sets of rows that there are for UDP only, by the name that flows/ uses."""
        versions = {servers.version for _, servers in self._prefixes()}
        versions |= {service.inside.address.version for service in self._services()}
        return {
            "datagram_protocol": [
                {"transport": _TRANSPORT[version], "fragments": FRAGMENTS[version]}
                for version in sorted(versions)
            ],
            "hairpin_service": [
                {
                    "punt": hex(cookie(Kind.PUNT, service.protocol or 0)),
                    "public": service.public.address,
                    "public_port": service.public.port,
                }
                for service in self._services()
                if service.public.address in self.plan.public
            ],
            "hairpin_block": self._blocks({}) if self._protocols() else [],
            "hairpin_address": [{"public": address} for address in self._hairpin_addresses()],
            "datagram_block": [
                row
                for servers in dict.fromkeys(prefix for _, prefix in self._prefixes())
                if servers.version == 4
                for row in self._blocks({"servers": servers})
            ],
            "untranslated_peer": [
                {**row, "subnet": subnet}
                for row, version in self._ports()
                for subnet in self._untranslated(version)
            ],
            "inside_peer": [row for row, _ in self._ports()],
            "fragment_from_outside": [
                _ends(servers=servers, hosts=hosts) for servers, hosts in self._from_outside()
            ],
            "fragment_from_inside": [_ends(hosts=hosts) for hosts in self._from_inside()],
            "fragment_of_service": [
                _ends(hosts=ip_network(host))
                for host in _unique(service.inside.address for service in self._services())
            ],
        }

    def _protocols(self) -> list[InterceptedProtocol]:
        return [p for p in self.plan.protocols if p.transport is Transport.UDP]

    def _services(self) -> list[PublishedService]:
        return [
            service
            for service in self.plan.published
            if service.transport is Transport.UDP and service.protocol is not None
        ]

    def _prefixes(self) -> Iterable[tuple[InterceptedProtocol, Network]]:
        for protocol in self._protocols():
            for servers in protocol.servers:
                yield protocol, servers

    def _ports(self) -> Iterable[tuple[Row, int]]:
        for protocol, servers in self._prefixes():
            for port in protocol.ports:
                punt = hex(cookie(Kind.PUNT, protocol.index))
                yield {"punt": punt, "port": port, **_ends(servers=servers)}, servers.version

    def _blocks(self, columns: Row) -> list[Row]:
        """The control partition of each address that something is translated to."""
        return [
            {**columns, "public": public, "block": f"{block:#x}/{mask:#x}"}
            for public, (block, mask) in product(self._translating(), self.plan.control.blocks())
        ]

    def _translating(self) -> Sequence[Address]:
        return _unique(address for network in self.plan.inside for address in network.public)

    def _hairpin_addresses(self) -> Sequence[Address]:
        published = (s.public.address for s in self._services())
        served = [address for address in published if address in self.plan.public]
        return _unique([*(self._translating() if self._protocols() else ()), *served])

    def _untranslated(self, version: int) -> list[Network]:
        return [
            subnet
            for network in self.plan.networks
            if network.realm is Realm.INSIDE and not (version == 4 and network.public)
            for subnet in network.prefixes(version)
        ]

    def _from_outside(self) -> list[tuple[Network, Network]]:
        """Senders and receivers of fragments from outside."""
        found: list[tuple[Network, Network]] = []
        for _, servers in self._prefixes():
            version = servers.version
            public = self._translating() if version == 4 else ()
            found += [(servers, ip_network(address)) for address in public]
            found += [(servers, subnet) for subnet in self._untranslated(version)]
        for service in self._services():
            public_address = service.public.address
            found.append((_ANYWHERE[public_address.version], ip_network(public_address)))
        return list(dict.fromkeys(found))

    def _from_inside(self) -> list[Network]:
        """Receivers of fragments from inside."""
        services = (ip_network(service.inside.address) for service in self._services())
        hairpin = (ip_network(address) for address in self._hairpin_addresses())
        return list(dict.fromkeys([*(p for _, p in self._prefixes()), *services, *hairpin]))

    # --- Datagrams that came in fragments -------------------------------------------------------

    def of(
        self, realm: Realm, source: tuple[bytes, int], destination: tuple[bytes, int]
    ) -> int | None:
        """The index of the protocol that a datagram is of, NO_PROTOCOL if only a session can
        say, None if it is ordinary. Addresses are packed."""
        sender = Endpoint(ip_address(source[0]), source[1])
        receiver = Endpoint(ip_address(destination[0]), destination[1])
        for service in self._services():
            if receiver == service.public or (
                realm is Realm.INSIDE and service.inside in (sender, receiver)
            ):
                return service.protocol
        to_control = (
            receiver.address in self._translating()
            and self.plan.control.low <= receiver.port <= self.plan.control.high
        )
        if realm is Realm.INSIDE:
            if receiver.address in self.plan.public:
                return NO_PROTOCOL if to_control and self._protocols() else None
            if self._inside(receiver.address):
                answering = self._at(sender.address, sender.port)
                if answering is not None:
                    return answering
            return self._at(receiver.address, receiver.port, sender.port)
        if to_control:
            answering = self._at(sender.address, sender.port)
            known = answering is not None or not self._at_any(sender.address)
            return answering if known else NO_PROTOCOL
        if self._inside(receiver.address, translated=False):
            return self._at(sender.address, sender.port, receiver.port)
        return None

    def _inside(self, address: Address, *, translated: bool = True) -> bool:
        """Whether a host is inside; without `translated`, and not behind NAT."""
        return any(
            address in subnet
            for network in self.plan.networks
            if network.realm is Realm.INSIDE
            and (translated or not (address.version == 4 and network.public))
            for subnet in network.prefixes(address.version)
        )

    def _at(self, server: Address, *ports: int) -> int | None:
        """The protocol that is bound to a server's address and the first of `ports` that is."""
        for port in ports:
            for protocol, servers in self._prefixes():
                if port in protocol.ports and server in servers:
                    return protocol.index
        return None

    def _at_any(self, server: Address) -> bool:
        return any(server in servers for _, servers in self._prefixes())


def _ends(**prefixes: Network) -> dict[str, object]:
    """Columns for the prefixes and for what depends on their IP version."""
    version = next(iter(prefixes.values())).version
    return {
        **prefixes,
        "transport": _TRANSPORT[version],
        "fragments": FRAGMENTS[version],
        "tracked_fragments": _TRACKED[version],
        "src": SOURCE[version],
        "dst": DESTINATION[version],
    }


def _unique(values: Iterable[Address]) -> list[Address]:
    return list(dict.fromkeys(values))
