"""A gateway's plan, and the pipeline made from it in a real switch without a controller."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow.plan import (
    InsideNetwork,
    InterceptedProtocol,
    IpProtocol,
    OutboundRule,
    OutsideNetwork,
    PipelinePlan,
    PortRange,
    PublishedService,
)
from ryu_alg.openflow.render import meter_rates, render
from tests.openflow.bench import BRIDGE, Bench, OpenFlowClient

PORTS = {"lan": 1, "dmz": 2, "plain": 3, "wan": 4}

PLAN = PipelinePlan(
    datapath_id="0000000000000001",
    mac="02:a1:60:00:00:01",
    ct_zone=4242,
    inside=(
        InsideNetwork(
            "lan",
            "lan",
            (ip_interface("192.168.10.1/24"),),
            (ip_address("203.0.113.1"), ip_address("203.0.113.2")),
        ),
        InsideNetwork(
            "dmz", "dmz", (ip_interface("192.168.20.1/24"),), (ip_address("203.0.113.1"),)
        ),
        InsideNetwork(
            "plain", "plain", (ip_interface("198.51.100.1/24"), ip_interface("2001:db8:30::1/64"))
        ),
    ),
    outside=(
        OutsideNetwork(
            "wan",
            "wan",
            (ip_interface("203.0.113.1/24"), ip_interface("2001:db8:1::1/64")),
            (ip_address("203.0.113.254"), ip_address("fe80::fe")),
        ),
    ),
    public=(ip_address("203.0.113.1"), ip_address("203.0.113.2")),
    napt=PortRange(1024, 32767),
    data=PortRange(32768, 49151),
    control=PortRange(49152, 53247),
    published=(
        PublishedService(
            Endpoint(ip_address("203.0.113.1"), 21),
            Endpoint(ip_address("192.168.20.2"), 2100),
            Transport.TCP,
            0,
        ),
        PublishedService(
            Endpoint(ip_address("203.0.113.1"), 80),
            Endpoint(ip_address("192.168.20.2"), 8080),
            Transport.TCP,
        ),
        PublishedService(
            Endpoint(ip_address("2001:db8:30::2"), 80),
            Endpoint(ip_address("2001:db8:30::2"), 80),
            Transport.TCP,
        ),
    ),
    outbound=(
        OutboundRule(
            allow=True,
            destinations=(ip_network("192.0.2.9/32"),),
            protocol=IpProtocol.TCP,
            ports=(PortRange(6000, 6010),),
        ),
        OutboundRule(
            allow=False,
            sources=(ip_network("192.168.10.0/24"), ip_network("2001:db8:30::/64")),
            protocol=IpProtocol.TCP,
            ports=(PortRange(25, 25), PortRange(6000, 6063)),
        ),
    ),
    protocols=(
        InterceptedProtocol(
            0, "ftp", Transport.TCP, (21, 2121), (ip_network("0.0.0.0/0"), ip_network("::/0"))
        ),
    ),
)

SIP, PHONES = 1, 2
_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
VOICE = replace(
    PLAN,
    protocols=(
        *PLAN.protocols,
        InterceptedProtocol(SIP, "sip", Transport.TCP, (5060,), _ANYWHERE),
        InterceptedProtocol(SIP, "sip", Transport.UDP, (5060, 5070), _ANYWHERE),
        InterceptedProtocol(
            PHONES, "phones", Transport.UDP, (2427,), (ip_network("203.0.113.0/24"),)
        ),
    ),
    published=(
        *PLAN.published,
        PublishedService(
            Endpoint(ip_address("203.0.113.2"), 5080),
            Endpoint(ip_address("192.168.20.2"), 5065),
            Transport.UDP,
            SIP,
        ),
    ),
)
"""With two protocols over UDP, one of them over TCP too, and a published server."""

TORRENTS = 3
SWARM = replace(
    VOICE,
    protocols=(
        *VOICE.protocols,
        InterceptedProtocol(TORRENTS, "torrents", Transport.TCP, (6969,), _ANYWHERE),
        InterceptedProtocol(
            TORRENTS,
            "torrents",
            Transport.UDP,
            (6969,),
            _ANYWHERE,
            first_sizes=(60, 300),
            first_hosts=(ip_network("192.168.10.0/24"), ip_network("2001:db8:30::/64")),
        ),
    ),
)
"""With one whose servers are everywhere, too."""

LAN_ADDRESSES = ("192.168.10.2", "192.168.10.3")
WAN_MAC_LINK_LOCAL = "fe80::fe"


@pytest.fixture(scope="session")
def plan() -> PipelinePlan:
    """Two networks behind NAT, one of them with two public addresses, and one without NAT."""
    return PLAN


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The switch with its hosts; no flows."""
    made = Bench(tmp_path_factory.mktemp("ovs"), tuple(PORTS))
    try:
        made.open()
        _configure(made)
        yield made
    finally:
        made.close()


@pytest.fixture
def gateway(bench: Bench, plan: PipelinePlan) -> Bench:
    """The bench with the pipeline, and the neighbours that a controller would have found."""
    install(bench, plan)
    return bench


@pytest.fixture
def controller(gateway: Bench) -> Iterator[OpenFlowClient]:
    """A connection that gets packet-ins and flow-removed messages."""
    client = gateway.client()
    # A service connection gets packet-ins only with a miss_send_len other than 0.
    client.send(struct.pack("!BBHIHH", 4, 9, 12, 0, 0, 0xFFFF))
    client.settle()
    yield client
    client.close()


def install(bench: Bench, plan: PipelinePlan) -> None:
    """Load the pipeline with ovs-ofctl, in place of all flows; conntrack starts empty, and so
    does the datapath's cache, which would have the flows before for some milliseconds more."""
    bench.ofctl("del-flows", BRIDGE)
    bench.ofctl("del-meters", BRIDGE)
    for meter, rate in meter_rates(plan).items():
        bench.ofctl("add-meter", BRIDGE, f"meter={meter},pktps,band=type=drop,rate={rate}")
    bench.load([*render(plan, PORTS), *neighbour_flows(bench)])
    bench.appctl("dpctl/flush-conntrack")
    bench.appctl("revalidator/purge")


def _configure(bench: Bench) -> None:
    lan, dmz, plain, wan = (bench.hosts[name] for name in PORTS)
    for address in LAN_ADDRESSES:
        lan.sh("ip", "address", "add", f"{address}/24", "dev", "eth0")
    lan.sh("ip", "route", "add", "default", "via", "192.168.10.1")
    dmz.sh("ip", "address", "add", "192.168.20.2/24", "dev", "eth0")
    dmz.sh("ip", "route", "add", "default", "via", "192.168.20.1")
    plain.sh("ip", "address", "add", "198.51.100.2/24", "dev", "eth0")
    plain.sh("ip", "route", "add", "default", "via", "198.51.100.1")
    plain.sh("ip", "address", "add", "2001:db8:30::2/64", "dev", "eth0")
    plain.sh("ip", "route", "add", "default", "via", "2001:db8:30::1")
    for address in ("203.0.113.254/24", "203.0.113.50/24", "2001:db8:1::fe/64", "fe80::fe/64"):
        wan.sh("ip", "address", "add", address, "dev", "eth0")
    for address in ("192.0.2.1/32", "192.0.2.9/32", "2001:db8:ffff::1/128"):
        wan.sh("ip", "address", "add", address, "dev", "lo")
    wan.sh("ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.1")
    wan.sh("ip", "route", "add", "2001:db8:30::/64", "via", "2001:db8:1::1")


def neighbour_flows(bench: Bench) -> list[str]:
    """What a controller would have learned."""
    where = {
        "lan": LAN_ADDRESSES,
        "dmz": ("192.168.20.2",),
        "plain": ("198.51.100.2", "2001:db8:30::2"),
        "wan": ("203.0.113.254", "203.0.113.50", "2001:db8:1::fe", WAN_MAC_LINK_LOCAL),
    }
    flows = []
    for name, addresses in where.items():
        for address in map(ip_address, addresses):
            hop = "ip,reg0=" if address.version == 4 else "ipv6,xxreg1="
            flows.append(
                f"table=5,priority=100,reg2={PORTS[name]},{hop}{int(address):#x}"
                f" actions=set_field:{bench.hosts[name].mac}->eth_dst,output:{PORTS[name]}"
            )
    return flows
