"""doctor.audit: what the project itself makes is clean, and each defect is found for what it is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.doctor.audit import Auditor, tally
from ryu_alg.doctor.flows import Flow
from ryu_alg.doctor.live import Live
from ryu_alg.engine.commands import (
    CountData,
    CutData,
    DestinationNat,
    FiveTuple,
    KeepPunting,
    MediaPath,
    Offload,
    OffloadPath,
    OpenListener,
    OpenMedia,
    Pinhole,
    SourceNat,
    Watched,
)
from ryu_alg.inspection import Endpoint, Realm, Transport
from ryu_alg.openflow import pinholes
from ryu_alg.openflow.bypass import Bypass
from ryu_alg.openflow.known_hosts import KnownHosts
from ryu_alg.openflow.listeners import listener_flows
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.render import render
from tests.openflow.conftest import PORTS, SWARM

ZONE = 4242
CLIENT, SERVER, PUBLIC = "192.168.10.2", "203.0.113.50", "203.0.113.1"


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


ACTIVE = Pinhole(
    id=7,
    mark=0x1234,
    transport=Transport.TCP,
    peers=(ip_network(SERVER),),
    seen=at(PUBLIC, 40_000),
    connecting_realm=Realm.OUTSIDE,
    translate=DestinationNat(at(CLIENT, 5000)),
    idle=20,
    hard=60,
)
PASSIVE = replace(
    ACTIVE,
    id=8,
    peers=(ip_network(CLIENT),),
    seen=at(SERVER, 6001),
    connecting_realm=Realm.INSIDE,
    translate=SourceNat(ip_address(PUBLIC), 1024, 32767),
)
IPV6 = replace(
    ACTIVE,
    id=9,
    peers=(ip_network("2001:db8:1::fe"), ip_network("2001:db8:2::/64")),
    seen=at("2001:db8:30::2", 5000),
    translate=None,
)
ANYBODY = replace(ACTIVE, id=10, peers=(ip_network("0.0.0.0/0"),), seen=at(PUBLIC, 40_001))
RANGE = replace(ACTIVE, id=11, seen=at(PUBLIC, 6000), last_port=6010)
CALL = OpenMedia(3, 0x77, (MediaPath(at(CLIENT, 7000), at(PUBLIC, 40_100), at(SERVER, 9000)),))
FILE = OpenMedia(4, 0x78, (MediaPath(at(CLIENT, 0), at(PUBLIC, 40_200), at(SERVER, 9001)),))
PEERS = OpenListener(
    12, at(CLIENT, 6881), at(PUBLIC, 40_300), True, 0x11, 0x22, Watched((60, 300), 0x33)
)
PEERS_IPV6 = replace(
    PEERS, id=13, inside=at("2001:db8:30::2", 6881), public=at("2001:db8:30::2", 6881)
)

_CONTROL = FiveTuple(ip_address(CLIENT).packed, 1025, ip_address(SERVER).packed, 554)
_BACK = FiveTuple(ip_address(SERVER).packed, 554, ip_address(PUBLIC).packed, 50_000)
OFFLOAD = Offload(
    5,
    (
        OffloadPath(Realm.INSIDE, _CONTROL, replace(_CONTROL, sport=50_000)),
        OffloadPath(Realm.OUTSIDE, _BACK, replace(_BACK, dport=1025)),
    ),
    300,
)


def pinhole_item(pinhole: Pinhole, listener: Endpoint, state: str = "open") -> dict[str, object]:
    """As the gateway lists it."""
    return {
        "id": pinhole.id,
        "session": 1,
        "state": state,
        "transport": pinhole.transport.name.lower(),
        "realm": pinhole.connecting_realm.value,
        "peers": [str(peer) for peer in pinhole.peers],
        "seen": str(pinhole.seen),
        "listener": str(listener),
        "remote": None,
        "binding": None,
        "expires_in": None if pinhole.last_port is not None else 12.5,
    }


def media_item(number: int, media: OpenMedia) -> dict[str, object]:
    (path,) = media.paths
    pinhole = replace(
        ACTIVE,
        id=number,
        transport=Transport.UDP,
        seen=path.public,
        peers=(ip_network(path.remote.address),),
    )
    item = pinhole_item(pinhole, path.inside)
    return {**item, "remote": str(path.remote), "binding": media.id, "expires_in": None}


def listener_items(port: OpenListener) -> list[dict[str, object]]:
    """Its two pinholes."""
    anybody = ip_network("0.0.0.0/0" if port.inside.address.version == 4 else "::/0")
    return [
        pinhole_item(
            replace(
                ACTIVE,
                id=port.id * 10 + transport,
                transport=transport,
                peers=(anybody,),
                seen=port.public,
            ),
            port.inside,
        )
        for transport in Transport
    ]


PINHOLES = [
    pinhole_item(ACTIVE, at(CLIENT, 5000)),
    pinhole_item(PASSIVE, PASSIVE.seen),
    pinhole_item(IPV6, IPV6.seen),
    pinhole_item(ANYBODY, at(CLIENT, 5000)),
    pinhole_item(RANGE, at(CLIENT, 5000)),
    media_item(20, CALL),
    media_item(21, FILE),
    *listener_items(PEERS),
    *listener_items(PEERS_IPV6),
]
BINDINGS = [
    {"inside": str(port.inside), "public": str(port.public), "listener": port.id}
    for port in (PEERS, PEERS_IPV6)
]
BINDINGS.append({"inside": f"{CLIENT}:1025", "public": f"{PUBLIC}:50000", "listener": None})
LIVE = Live.parse([{"id": 5}, {"id": 6}], PINHOLES, BINDINGS)

ACTIVE_FLOWS = pinholes.pinhole_flows(ACTIVE, ZONE)
CALL_FLOWS = [f"{match} actions={actions}" for match, actions in Media().flows(CALL, ZONE).items()]
FILE_FLOWS = [f"{match} actions={actions}" for match, actions in Media().flows(FILE, ZONE).items()]
PEERS_FLOWS = [
    f"{match} actions={actions}" for match, actions in listener_flows(PEERS, ZONE).items()
]
NEIGHBOUR = (
    "table=5,cookie=0xa160060000000001,priority=100,ip,reg2=1,reg0=0xc0a80a02"
    " actions=set_field:02:00:00:00:00:01->eth_dst,output:1"
)
COUNTER = pinholes.counter_flow(CountData(0x1234, 120, 4))

(KNOWN,) = KnownHosts(SWARM.networks).met(ip_address(SERVER).packed, 0.0)


def all_flows() -> list[str]:
    bypass = Bypass().flow(Realm.OUTSIDE, ip_address(SERVER).packed, ip_address(PUBLIC).packed, 0.0)
    assert bypass is not None
    kept = KeepPunting(6, ((Realm.INSIDE, _CONTROL), (Realm.OUTSIDE, _BACK)))
    cut = CutData(0x99, 120)
    return [
        *ACTIVE_FLOWS,
        *pinholes.pinhole_flows(PASSIVE, ZONE),
        *pinholes.pinhole_flows(IPV6, ZONE),
        *pinholes.pinhole_flows(ANYBODY, ZONE),
        *pinholes.pinhole_flows(RANGE, ZONE),
        *CALL_FLOWS,
        *FILE_FLOWS,
        *PEERS_FLOWS,
        *(f"{match} actions={a}" for match, a in listener_flows(PEERS_IPV6, ZONE).items()),
        COUNTER,
        *pinholes.offload_flows(OFFLOAD),
        *pinholes.kept_punt_flows(kept),
        pinholes.cut_flow(cut.mark, cut.idle),
        bypass,
        KNOWN,
        NEIGHBOUR,
        # What a used pinhole leaves.
        "table=3,cookie=0xa1600300000000ff,hard_timeout=60,priority=450,tcp,reg1=2 actions=drop",
    ]


def findings(*flows: str, live: Live = LIVE) -> list[tuple[str, str]]:
    parsed = [Flow.parse(flow) for flow in flows]
    found = Auditor(live).findings(parsed, pipeline_known=True)
    return [(finding.code, finding.detail) for finding in found]


def codes(*flows: str, live: Live = LIVE) -> set[str]:
    return {code for code, _ in findings(*flows, live=live)}


@pytest.mark.parametrize("flow", all_flows())
def test_what_the_gateway_makes_is_clean(flow: str) -> None:
    assert findings(flow) == []


def test_without_the_configuration_the_pipeline_is_taken_on_trust() -> None:
    static = [Flow.parse(flow) for flow in render(SWARM, PORTS)]
    assert Auditor(LIVE).findings(static, pipeline_known=False) == []
    assert Auditor(LIVE).findings(static, pipeline_known=True)


def changed(flow: str, before: str, after: str) -> str:
    assert before in flow
    return flow.replace(before, after, 1)


FIRST, ENTERING = ACTIVE_FLOWS
(FROM_REMOTE,) = (flow for flow in CALL_FLOWS if "tp_src=9000" in flow)
(FROM_INSIDE,) = (flow for flow in CALL_FLOWS if "tp_src=7000" in flow)
(LET_IN,) = (flow for flow in PEERS_FLOWS if "table=3" in flow and "tcp_flags" in flow)
(SENT_ON,) = (flow for flow in PEERS_FLOWS if "table=2" in flow and "reg3=2" in flow)
(MAPPING,) = (flow for flow in PEERS_FLOWS if "table=8" in flow)
(ASKED,) = (flow for flow in PEERS_FLOWS if "ct_mark=0x33" in flow and "table=3" in flow)
OFFLOADED = pinholes.offload_flows(OFFLOAD)[0]


@pytest.mark.parametrize(
    ("code", "flow"),
    [
        ("realm", changed(FIRST, "reg1=2,", "")),
        ("realm", changed(FIRST, "reg1=2,", "reg1=2/2,")),
        ("protocol", changed(FIRST, ",tcp,", ",ip,")),
        ("address", changed(FIRST, f"nw_src={SERVER}/32,", "")),
        ("address", changed(FIRST, f"nw_dst={PUBLIC},", "")),
        ("address", changed(FIRST, f"nw_dst={PUBLIC},", "nw_dst=203.0.113.0/24,")),
        ("port", changed(FIRST, "tp_dst=40000,", "")),
        ("port", changed(FIRST, "tp_dst=40000,", "tp_dst=0x9c40/0xfff0,")),
        ("port", changed(FIRST, "tp_dst=40000", "tp_dst=1023")),
        ("port", changed(FIRST, "tp_dst=40000", "tp_dst=22")),
        ("timeout", changed(FIRST, "idle_timeout=20,", "")),
        ("timeout", changed(FIRST, "hard_timeout=60,", "")),
        ("timeout", changed(ENTERING, "hard_timeout=60,", "")),
        ("cookie", changed(FIRST, "cookie=0xa160030000000007", "cookie=0xa1600300000000ee")),
        ("cookie", changed(FROM_REMOTE, "cookie=0xa1600c0000000003", "cookie=0xa1600c00000000ee")),
        ("cookie", changed(LET_IN, "cookie=0xa1600f000000000c", "cookie=0xa1600f00000000ee")),
        ("cookie", changed(OFFLOADED, "cookie=0xa160050000000005", "cookie=0xa160050000000004")),
        ("foreign", changed(FIRST, "cookie=0xa160030000000007", "cookie=0x7")),
        ("foreign", changed(FIRST, "cookie=0xa160030000000007,", "")),
        ("foreign", changed(FIRST, "cookie=0xa160030000000007", "cookie=0xa160010000000003")),
        ("state", changed(FIRST, "+new-inv+trk", "+trk")),
        ("state", changed(FIRST, "table=3", "table=2")),
        ("account", changed(FIRST, "tp_dst=40000", "tp_dst=40005")),
        ("account", changed(FIRST, f"nw_src={SERVER}/32", "nw_src=203.0.113.51")),
        ("account", changed(FIRST, "reg1=2", "reg1=1")),
        ("account", changed(ENTERING, f"nat(dst={CLIENT}:5000)", f"nat(dst={CLIENT}:22)")),
        ("account", changed(ENTERING, f",nat(dst={CLIENT}:5000)", "")),
        ("realm", changed(FROM_REMOTE, "reg1=2,", "")),
        ("protocol", changed(FROM_REMOTE, ",udp,", ",tcp,")),
        ("address", changed(FROM_REMOTE, f"nw_src={SERVER},", "")),
        ("address", changed(FROM_INSIDE, f"nw_dst={SERVER},", "")),
        ("port", changed(FROM_REMOTE, ",tp_dst=40100", "")),
        ("port", changed(FROM_REMOTE, "tp_dst=40100", "tp_dst=53")),
        ("port", changed(FROM_INSIDE, ",tp_dst=9000", "")),
        ("port", changed(FROM_INSIDE, "tp_src=7000", "tp_src=53")),
        ("state", changed(FROM_INSIDE, "+new-inv+trk", "+est")),
        ("account", changed(FROM_REMOTE, "tp_src=9000", "tp_src=9001")),
        ("account", changed(FROM_REMOTE, f"nat(dst={CLIENT}:7000)", f"nat(dst={CLIENT}:53)")),
        ("account", changed(FROM_INSIDE, "tp_src=7000,", "")),
        ("realm", changed(LET_IN, "reg1=2,", "")),
        ("realm", changed(LET_IN, "reg1=2,", "reg1=1,")),
        ("protocol", changed(LET_IN, ",tcp,", ",ip,")),
        ("address", changed(LET_IN, f"nw_dst={PUBLIC},", "")),
        ("port", changed(LET_IN, "tp_dst=40300,", "")),
        ("port", changed(LET_IN, "tp_dst=40300", "tp_dst=80")),
        ("account", changed(LET_IN, "tp_dst=40300", "tp_dst=40301")),
        ("account", changed(LET_IN, f"nat(dst={CLIENT}:6881)", f"nat(dst={CLIENT}:22)")),
        ("state", changed(SENT_ON, "reg3=2,", "")),
        ("address", changed(MAPPING, "tp_src=6881", "tp_src=6882")),
        ("state", changed(ASKED, "controller:65535", "goto_table:4")),
        ("mark", changed(COUNTER, "ct_mark=0x1234", "ct_mark=0x1235")),
        ("mark", changed(COUNTER, "ct_mark=0x1234,", "")),
        ("timeout", changed(COUNTER, "idle_timeout=120,", "")),
        ("state", changed(pinholes.cut_flow(0x99, 5), "drop", "goto_table:4")),
        ("port", changed(OFFLOADED, "tp_src=1025,", "")),
        ("timeout", changed(OFFLOADED, "idle_timeout=300,", "")),
        ("address", changed(OFFLOADED, f"nw_src={CLIENT},", "")),
        ("state", changed(KNOWN, "meter:41", "goto_table:4")),
        ("state", changed(KNOWN, "table=15", "table=3")),
        ("realm", changed(KNOWN, "reg2=4,", "")),
    ],
)
def test_a_defect_is_found(code: str, flow: str) -> None:
    assert code in codes(flow)


def test_what_is_only_armed_is_not_open() -> None:
    live = Live.parse([], [pinhole_item(ACTIVE, at(CLIENT, 5000), "armed")], [])
    found = findings(*ACTIVE_FLOWS, live=live)
    assert {code for code, _ in found} == {"cookie"}
    assert all("armed" in detail for _, detail in found)


def test_a_range_has_no_end_of_its_own_but_a_session() -> None:
    """Open until it is closed: it has no time-outs, and blocks of ports."""
    flows = pinholes.pinhole_flows(RANGE, ZONE)
    assert len(flows) > 1 and codes(*flows) == set()
    assert codes(*flows, live=Live()) >= {"cookie"}
    below = changed(flows[0], "tp_dst=0x1770/", "tp_dst=0x1000/")
    assert codes(below) == {"account"}


def test_a_listening_port_that_admits_nobody_lets_nobody_in() -> None:
    live = replace(LIVE, pinholes={})
    assert codes(LET_IN, live=live) == {"account"}
    assert codes(MAPPING, ASKED, live=live) == set()


def test_flows_are_counted_by_kind() -> None:
    counts = tally(map(Flow.parse, all_flows()))
    assert (counts["pinhole"], counts["media"], counts["drop"]) == (12, 4, 2)
