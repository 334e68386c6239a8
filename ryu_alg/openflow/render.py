"""The static pipeline: the files in flows/, filled in for one gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address
from itertools import product

from ryu_alg.inspection import Address, Network, Realm, Transport
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.datagrams import DESTINATION, SOURCE, DatagramProtocols
from ryu_alg.openflow.plan import (
    LINK_LOCAL,
    InsideNetwork,
    InterceptedProtocol,
    IpProtocol,
    NumberedNetwork,
    OutboundRule,
    PipelinePlan,
    PublishedService,
)
from ryu_alg.openflow.template import Row, fill
from ryu_alg.resources import folder

REALM_NUMBER = {Realm.INSIDE: 1, Realm.OUTSIDE: 2}
"""What reg1 holds."""

_ICMP = {4: "icmp", 6: "icmp6"}
_IP = {4: "ip", 6: "ipv6"}
_FIRST_RULE_PRIORITY = 65_000


SYN = "0x002/0x012"
"""SYN without ACK."""


class Meter(IntEnum):
    """What each network has a meter for; the rates are in the plan."""

    KNOWN = 1
    """Control packets of what the gateway knows."""
    FIRST = 2
    """Control packets that anybody may send."""
    GREEDY = 3
    """Control packets of conversations that take more than half of the first of these."""
    FRAGMENTS = 4
    ICMP_ERRORS = 5
    HEARD = 6
    """ARP and ND from there."""
    MISSING = 7
    """Packets to there that wait for a neighbour. Apart from the one above, and from those of
    other networks: or a host that asks for each address of a network in turn would keep us from
    hearing the answers of its neighbours."""

    def of(self, network: int) -> int:
        """The number of a network's meter."""
        return 10 * network + self


PUNT = "resubmit(,15),controller:65535"
"""Actions: to the controller, as far as the sender's network has budget left."""


def render(plan: PipelinePlan, ports: Mapping[str, int] | Mapping[str, str]) -> list[str]:
    """The flows of the pipeline, as lines that `ovs-ofctl -O OpenFlow13 add-flows` loads.

    `ports` gives the OpenFlow number of each port name; where ovs-ofctl is the reader, a name
    will do. KeyError when one is missing.
    """
    rows = _Rows(plan, ports).sets()
    values = _values(plan)
    return [
        flow
        for path in sorted(folder("flows").glob("*.flows"))
        for flow in fill(path.name, path.read_text(), values, rows)
    ]


def meter_rates(plan: PipelinePlan) -> dict[int, int]:
    """The rate of each meter, in packets per second."""
    rates = plan.meters
    by_kind = {
        Meter.KNOWN: rates.known,
        Meter.FIRST: rates.first,
        Meter.GREEDY: rates.greedy,
        Meter.FRAGMENTS: rates.fragments,
        Meter.ICMP_ERRORS: rates.icmp_errors,
        Meter.HEARD: rates.neighbours,
        Meter.MISSING: rates.neighbours,
    }
    return {
        meter.of(network.number): rate
        for network in plan.networks
        for meter, rate in by_kind.items()
    }


_HEADERS = {4: 14 + 20 + 8, 6: 14 + 40 + 8}
"""Bytes of a UDP packet before its payload, by IP version; the switch counts all."""


def size_checks(sizes: tuple[int, int], version: int) -> str:
    """The actions that note in reg6 whether a UDP payload has one of these sizes: bit 0, it is not
    shorter; bit 1, it is longer."""
    shortest, longest = (_HEADERS[version] + size for size in sizes)
    return (
        f"check_pkt_larger({shortest - 1})->NXM_NX_REG6[0],"
        f"check_pkt_larger({longest})->NXM_NX_REG6[1]"
    )


def transport_match(transport: Transport, version: int) -> str:
    """How ovs-ofctl names a transport over an IP version: `tcp`, `udp6`."""
    return transport.name.lower() + ("6" if version == 6 else "")


def _values(plan: PipelinePlan) -> Row:
    return {
        "mac": plan.mac,
        "zone": plan.ct_zone,
        "napt": plan.napt,
        "syn": SYN,
        "neighbour_miss": hex(cookie(Kind.NEIGHBOUR_MISS)),
        "icmp_error": hex(cookie(Kind.ICMP_ERROR)),
        "datagram": hex(cookie(Kind.DATAGRAM)),
        "fragment": hex(cookie(Kind.FRAGMENT)),
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows for the `# for each` blocks of flows/."""

    plan: PipelinePlan
    ports: Mapping[str, int] | Mapping[str, str]

    def sets(self) -> dict[str, list[Row]]:
        """Every set of rows, by the name that flows/ uses."""
        return {
            **self._addresses(),
            **self._networks(),
            **self._control(),
            **DatagramProtocols(self.plan).rows(),
            **self._policy(),
        }

    # --- Addresses of our own ---------------------------------------------------------------

    def _addresses(self) -> dict[str, list[Row]]:
        router = self._router_addresses(4)
        return {
            "own_ipv4": _each(address=_unique([*router, *self.plan.public])),
            "own_ipv6": _each(address=_unique(self._router_addresses(6))),
            "router_only_ipv4": _each(
                address=[address for address in router if address not in self.plan.public]
            ),
            "public_address": _each(address=_unique(self.plan.public)),
            "echo_ipv4": self._echo(4),
            "echo_ipv6": self._echo(6),
            "arp_request": list(self._arp_requests()),
            "arp_target": _distinct(self._arp_requests(), "port", "address"),
            "router_ipv4": [
                {**row, "subnet": interface.network, "address": interface.ip}
                for row, network in self._numbered()
                for interface in network.ipv4
            ],
            "nd_solicitation": list(self._solicitations()),
            "nd_probe": _distinct(self._solicitations(), "port", "address"),
            "nd_advertisement": _distinct(self._solicitations(), "port", "number", "subnet"),
        }

    def _router_addresses(self, version: int) -> list[Address]:
        found: list[Address] = [
            interface.ip
            for network in self.plan.networks
            for interface in network.network.addresses
            if interface.version == version
        ]
        if version == 6 and found:
            found.append(self.plan.link_local)
        return found

    def _echo(self, version: int) -> list[Row]:
        """Inside hosts reach every address; outside hosts all but those behind NAT."""
        every: list[Address] = self._router_addresses(version)
        reachable: list[Address] = []
        for network in self.plan.networks:
            translated = version == 4 and network.public
            if not translated:
                reachable += [a.ip for a in network.network.addresses if a.version == version]
        if version == 4:
            every += self.plan.public
            reachable += self.plan.public
        elif every:
            reachable.append(self.plan.link_local)
        inside, outside = REALM_NUMBER[Realm.INSIDE], REALM_NUMBER[Realm.OUTSIDE]
        return [
            *({"realm": inside, "address": address} for address in _unique(every)),
            *({"realm": outside, "address": address} for address in _unique(reachable)),
        ]

    def _arp_requests(self) -> Iterable[Row]:
        for row, network in self._numbered():
            for interface in network.ipv4:
                yield {**row, "subnet": interface.network, "address": interface.ip}
            if network.realm is Realm.OUTSIDE:
                own = {interface.ip for interface in network.ipv4}
                for subnet, address in product(network.prefixes(4), _unique(self.plan.public)):
                    if address not in own:
                        yield {**row, "subnet": subnet, "address": address}

    def _solicitations(self) -> Iterable[Row]:
        for row, network in self._numbered():
            if not network.ipv6:
                continue
            addresses = [*(interface.ip for interface in network.ipv6), self.plan.link_local]
            subnets = [*network.prefixes(6), LINK_LOCAL]
            for subnet, address in product(subnets, addresses):
                yield {**row, "subnet": subnet, "address": address}

    # --- Networks and routes ----------------------------------------------------------------

    def _networks(self) -> dict[str, list[Row]]:
        return {
            "network": [row for row, _ in self._numbered()],
            "ipv6_network": [row for row, network in self._numbered() if network.ipv6],
            "inside_ipv4": self._subnets(4, Realm.INSIDE),
            "inside_ipv6": self._subnets(6, Realm.INSIDE),
            "outside_ipv4": [
                row
                for row, network in self._numbered()
                if network.realm is Realm.OUTSIDE and network.ipv4
            ],
            "outside_ipv6": [
                row
                for row, network in self._numbered()
                if network.realm is Realm.OUTSIDE and network.ipv6
            ],
            "connected_ipv4": self._subnets(4),
            "connected_ipv6": self._subnets(6),
            "uplink_ipv4": self._uplinks(4),
            "uplink_ipv6": self._uplinks(6),
            "private_source": [
                {**row, "subnet": subnet}
                for row, outside in self._numbered()
                if outside.realm is Realm.OUTSIDE
                for inside in self.plan.networks
                if inside.public
                for subnet in inside.prefixes(4)
            ],
            "translation": list(self._translations()),
            "untranslated_ipv4": [
                row
                for row, network in self._numbered()
                if network.realm is Realm.INSIDE and network.ipv4 and not network.public
            ],
        }

    def _numbered(self) -> list[tuple[Row, NumberedNetwork]]:
        """Each network with the columns that name it."""
        return [
            (
                {
                    "port": self.ports[network.port],
                    "number": network.number,
                    "realm": REALM_NUMBER[network.realm],
                    "neighbour": hex(cookie(Kind.NEIGHBOUR, network.number)),
                    "meter_known": Meter.KNOWN.of(network.number),
                    "meter_first": Meter.FIRST.of(network.number),
                    "meter_fragments": Meter.FRAGMENTS.of(network.number),
                    "meter_icmp": Meter.ICMP_ERRORS.of(network.number),
                    "meter_heard": Meter.HEARD.of(network.number),
                    "meter_missing": Meter.MISSING.of(network.number),
                },
                network,
            )
            for network in self.plan.networks
        ]

    def _subnets(self, version: int, realm: Realm | None = None) -> list[Row]:
        return [
            {**row, "subnet": subnet, "priority": 100 + subnet.prefixlen}
            for row, network in self._numbered()
            if realm in (None, network.realm)
            for subnet in network.prefixes(version)
        ]

    def _uplinks(self, version: int) -> list[Row]:
        rows: list[Row] = []
        for row, network in self._numbered():
            next_hop = network.next_hop(version)
            if next_hop is None:
                continue
            route = {**row, "next_hop": hex(int(next_hop))}
            if not rows:
                everywhere = "0.0.0.0/0" if version == 4 else "::/0"
                rows.append({**route, "source": everywhere, "priority": 50})
            rows += [
                {**route, "source": source, "priority": 60} for source in network.prefixes(version)
            ]
        return rows

    def _translations(self) -> Iterable[Row]:
        for row, network in self._numbered():
            if not isinstance(network.network, InsideNetwork):
                continue
            choices = network.network.public_by_low_bits
            mask = IPv4Address(len(choices) - 1) if choices else None
            for bits, public in enumerate(choices):
                yield {**row, "hosts": f"{IPv4Address(bits)}/{mask}", "public": public}

    # --- Control protocols and published services -------------------------------------------

    def _control(self) -> dict[str, list[Row]]:
        inspected = [s for s in self.plan.published if s.protocol is not None]
        ordinary = [s for s in self.plan.published if s.protocol is None]
        return {
            "inspected_service": [_service(service) for service in inspected],
            "translated_service": [_service(s) for s in ordinary if s.public != s.inside],
            "untranslated_service": [_service(s) for s in ordinary if s.public == s.inside],
            "control_block": list(self._control_blocks()),
            "untranslated_client": [
                {**row, "subnet": subnet}
                for row, version in self._servers()
                for network in self.plan.networks
                if network.realm is Realm.INSIDE and not (version == 4 and network.public)
                for subnet in network.prefixes(version)
            ],
            "inside_client": [
                {**row, "subnet": subnet}
                for row, version in self._servers()
                for network in self.plan.networks
                if network.realm is Realm.INSIDE
                for subnet in network.prefixes(version)
            ],
            "server_prefix": [row for row, _ in self._servers()],
            "sized_protocol": [
                {
                    "first": hex(cookie(Kind.FIRST_DATAGRAM, protocol.index)),
                    "selected": hex(protocol.index << 2 | 1),
                }
                for protocol in self.plan.protocols
                if protocol.first_sizes is not None
            ],
            "sized_transport": [
                {"transport": transport_match(Transport.UDP, version)}
                for version in (4, 6)
                if any(protocol.first_sizes for protocol in self.plan.protocols)
            ],
            "sized_first": list(self._first_datagrams()),
        }

    def _first_datagrams(self) -> Iterable[Row]:
        """Hosts and servers of each protocol that looks at first datagrams by their size."""
        for protocol in self.plan.protocols:
            if protocol.first_sizes is None:
                continue
            for hosts, servers in product(protocol.first_hosts, protocol.servers):
                version = servers.version
                if hosts.version == version:
                    yield {
                        "transport": transport_match(Transport.UDP, version),
                        "src": SOURCE[version],
                        "hosts": hosts,
                        "dst": DESTINATION[version],
                        "servers": servers,
                        "protocol": protocol.index << 2,
                        "checks": size_checks(protocol.first_sizes, version),
                    }

    def _servers(self) -> Iterable[tuple[Row, int]]:
        """Each server port of each protocol and prefix of servers, with the IP version."""
        for protocol in self.plan.protocols:
            for port, servers in product(protocol.ports, protocol.servers):
                yield _server(protocol, port, servers), servers.version

    def _control_blocks(self) -> Iterable[Row]:
        translating = _unique(a for network in self.plan.inside for a in network.public)
        for (row, version), public, (block, mask) in product(
            self._servers(), translating, self.plan.control.blocks()
        ):
            if version == 4:
                yield {**row, "public": public, "block": f"{block:#x}/{mask:#x}"}

    # --- Outbound policy --------------------------------------------------------------------

    def _policy(self) -> dict[str, list[Row]]:
        rows: list[Row] = []
        for position, rule in enumerate(self.plan.outbound):
            decision = {"priority": _FIRST_RULE_PRIORITY - position, **_verdict(rule.allow)}
            rows += [{**decision, "match": match} for match in _rule_matches(rule)]
        return {"outbound_rule": rows, "outbound_default": [_verdict(self.plan.outbound_default)]}


def _verdict(allow: bool) -> Row:
    table = 7
    if allow:
        return {"cookie": hex(cookie(Kind.STATIC, table)), "verdict": "goto_table:8"}
    return {"cookie": hex(cookie(Kind.DROP, table)), "verdict": "drop"}


def _rule_matches(rule: OutboundRule) -> Iterable[str]:
    """The matches that together are one rule; none when its prefixes share no IP version."""
    blocks = [block for ports in rule.ports for block in ports.blocks()]
    ports: list[str | None] = [f"tp_dst={value:#x}/{mask:#x}" for value, mask in blocks] or [None]
    if blocks and not rule.allow:
        ports.append("nw_frag=yes")
    for version in (4, 6):
        sources = _of_version(rule.sources, version)
        destinations = _of_version(rule.destinations, version)
        if sources is None or destinations is None:
            continue
        for source, destination, port in product(sources, destinations, ports):
            parts = [_protocol_match(rule.protocol, version)]
            if source is not None:
                parts.append(f"{SOURCE[version]}={source}")
            if destination is not None:
                parts.append(f"{DESTINATION[version]}={destination}")
            if port is not None:
                parts.append(port)
            yield ",".join(parts)


def _of_version(prefixes: Sequence[Network], version: int) -> Sequence[Network | None] | None:
    """Those of an IP version; one None for "any"; None when all are of the other version."""
    if not prefixes:
        return (None,)
    return [prefix for prefix in prefixes if prefix.version == version] or None


def _protocol_match(protocol: IpProtocol | None, version: int) -> str:
    match protocol:
        case None:
            return _IP[version]
        case IpProtocol.ICMP:
            return _ICMP[version]
        case _:
            return transport_match(Transport[protocol.name], version)


def _service(service: PublishedService) -> Row:
    version = service.inside.address.version
    return {
        "punt": hex(cookie(Kind.PUNT, service.protocol or 0)),
        "transport": transport_match(service.transport, version),
        "src": SOURCE[version],
        "dst": DESTINATION[version],
        "public": service.public.address,
        "public_port": service.public.port,
        "inside": service.inside.address,
        "inside_port": service.inside.port,
    }


def _server(protocol: InterceptedProtocol, port: int, servers: Network) -> Row:
    return {
        "punt": hex(cookie(Kind.PUNT, protocol.index)),
        "transport": transport_match(protocol.transport, servers.version),
        "src": SOURCE[servers.version],
        "dst": DESTINATION[servers.version],
        "servers": servers,
        "port": port,
    }


def _each(**column: Iterable[object]) -> list[Row]:
    ((name, values),) = column.items()
    return [{name: value} for value in values]


def _unique(values: Iterable[Address]) -> list[Address]:
    return list(dict.fromkeys(values))


def _distinct(rows: Iterable[Row], *columns: str) -> list[Row]:
    """The rows without all but these columns, and without repetition."""
    seen = dict.fromkeys(tuple(row[column] for column in columns) for row in rows)
    return [dict(zip(columns, values, strict=True)) for values in seen]
