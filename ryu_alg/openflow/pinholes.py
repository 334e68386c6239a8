"""The flows that come and go with sessions: pinholes, data counters, offloads, cuts.

The flows are text first, as in flows/, and messages are made from that. What one command of
the engine made, one cookie removes.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from ryu_alg.engine.commands import (
    CountData,
    DestinationNat,
    FiveTuple,
    KeepPunting,
    Offload,
    OffloadPath,
    Pinhole,
    SourceNat,
)
from ryu_alg.inspection import Network, Realm, Transport
from ryu_alg.openflow.cookies import EVERY, EVERY_ID, Kind, cookie
from ryu_alg.openflow.datagrams import DESTINATION, SOURCE
from ryu_alg.openflow.flowtext import delete_by_cookie, flow_stats_request
from ryu_alg.openflow.plan import PortRange
from ryu_alg.openflow.render import PUNT, REALM_NUMBER, SYN, transport_match

_CUT, _COUNTER, _USED, _ENTERING, _PINHOLE = 600, 500, 450, 410, 400
_OFFLOAD, _KEPT_PUNT = 700, 690
_FIN_TIMEOUT = 10
"""Seconds that the flow of a connection stays after its FIN or RST."""

_NXM_SOURCE = {4: "NXM_OF_IP_SRC", 6: "NXM_NX_IPV6_SRC"}
_ETHERTYPE = {4: "0x0800", 6: "0x86dd"}
_ADDRESS_BITS = {4: 32, 6: 128}


def pinhole_flows(pinhole: Pinhole, zone: int) -> list[str]:
    """The flows of a TCP pinhole: one for each network that may connect, and each block of ports.

    A pinhole for one port admits one connection: the first SYN learns, in the same step, flows
    that drop every other one. They do not concern the admitted connection, whose packets have its
    mark. A range of ports learns nothing. The controller is told by a packet-in.

    A SYN goes by conntrack and through table 3 once more before that. Open vSwitch also learns when
    it counts packets that the datapath has handled by itself; and those that the datapath has
    dropped for want of a pinhole it may count for one that was opened since, because a barrier does
    not wait until it has revalidated its flows. What it dropped does not come back to table 3.
    """
    version = pinhole.seen.address.version
    own = f"table=3,cookie={cookie(Kind.PINHOLE, pinhole.id):#x}"
    match = (
        f"ct_state=+new-inv+trk,reg1={REALM_NUMBER[pinhole.connecting_realm]},"
        f"{transport_match(pinhole.transport, version)},"
        f"{DESTINATION[version]}={pinhole.seen.address}"
    )
    peers = [peer for peer in pinhole.peers if peer.version == version]
    # Reading the port makes the datapath look here for each connection, not once for all.
    read = "move:NXM_OF_TCP_SRC[]->NXM_NX_REG6[0..15]"
    commit = f"zone={zone}{_nat(pinhole)},exec(load:{pinhole.mark:#x}->NXM_NX_CT_MARK[])"
    tell = "controller(max_len=0)"
    if pinhole.last_port is not None:
        blocks = PortRange(pinhole.seen.port, pinhole.last_port).blocks()
        return [
            f"{own},priority={_PINHOLE},{match},{SOURCE[version]}={peer},"
            f"tp_dst={value:#x}/{mask:#x}"
            f" actions={read},load:0->NXM_NX_REG6[],{tell},ct(commit,table=4,{commit})"
            for peer in peers
            for value, mask in blocks
        ]
    number = f"{pinhole.id:#x}"
    timeouts = f"idle_timeout={pinhole.idle},hard_timeout={pinhole.hard},send_flow_rem"
    learn = ",".join(_used(pinhole, peer) for peer in peers)
    return [
        # What is left of an older connection does not use the pinhole: only a SYN does.
        *(
            f"{own},priority={_PINHOLE},{timeouts},{match},{SOURCE[version]}={peer},"
            f"tp_dst={pinhole.seen.port},tcp_flags={SYN}"
            f" actions={read},load:{number}->NXM_NX_REG6[],ct(table=3,zone={zone})"
            for peer in peers
        ),
        (
            f"{own},priority={_ENTERING},hard_timeout={pinhole.hard},{match},"
            f"tp_dst={pinhole.seen.port},reg6={number}"
            f" actions={learn},load:0->NXM_NX_REG6[],{tell},ct(commit,table=4,{commit})"
        ),
    ]


def _used(pinhole: Pinhole, peer: Network) -> str:
    """Learn that `peer` may not connect again: the new flow has no action."""
    version = peer.version
    source = ""
    if peer.prefixlen:
        bits = _ADDRESS_BITS[version]
        host_bits = bits - peer.prefixlen
        source = (
            f"{_NXM_SOURCE[version]}[{host_bits}..{bits - 1}]="
            f"{int(peer.network_address) >> host_bits:#x},"
        )
    return (
        f"learn(table=3,priority={_USED},hard_timeout={pinhole.hard},"
        f"cookie={cookie(Kind.PINHOLE, pinhole.id):#x},"
        f"eth_type={_ETHERTYPE[version]},nw_proto={int(pinhole.transport)},NXM_NX_REG1[],{source}"
        f"{DESTINATION[version].replace('nw', 'ip')}={pinhole.seen.address},"
        f"tcp_dst={pinhole.seen.port},ct_mark=0,NXM_NX_CT_STATE[0]=1)"
    )


def _nat(pinhole: Pinhole) -> str:
    match pinhole.translate:
        case None:
            return ""
        case DestinationNat(endpoint) if pinhole.last_port is not None:
            return f",nat(dst={endpoint.address})"
        case DestinationNat(endpoint):
            return f",nat(dst={endpoint.address}:{endpoint.port})"
        case SourceNat(address, low, high):
            return f",nat(src={address}:{low}-{high},random)"


def close_pinhole(pinhole: int) -> bytes:
    """The message that removes a pinhole's flows. Connections that it admitted go on."""
    return delete_by_cookie(cookie(Kind.PINHOLE, pinhole), EVERY)


def counter_flow(count: CountData) -> str:
    """The flow that counts a session's data, and is gone when none has moved for a while."""
    ends = count.transport is Transport.TCP
    return (
        f"table=3,cookie={cookie(Kind.DATA, count.mark):#x},priority={_COUNTER},"
        f"idle_timeout={count.idle},send_flow_rem,ct_state=-inv+trk,ct_mark={count.mark:#x},"
        f"{transport_match(count.transport, count.version)} actions="
        f"{f'fin_timeout(idle_timeout={_FIN_TIMEOUT}),' if ends else ''}goto_table:4"
    )


def data_counters_request(xid: int) -> bytes:
    """The message that asks for the counters of all sessions' data."""
    return flow_stats_request(cookie(Kind.DATA), EVERY_ID, xid)


def cut_flow(mark: int, idle: int) -> str:
    """The flow that drops a session's data, until none has come for `idle` seconds."""
    return (
        f"table=3,cookie={cookie(Kind.CUT, mark):#x},priority={_CUT},idle_timeout={idle},"
        f"ct_state=+trk,ct_mark={mark:#x} actions=drop"
    )


def offload_flows(offload: Offload) -> list[str]:
    """The flows that translate both directions of a control connection by themselves."""
    own = f"{cookie(Kind.OFFLOAD, offload.id):#x}"
    return [
        f"table=1,cookie={own},priority={_OFFLOAD},idle_timeout={offload.idle},send_flow_rem,"
        f"{_exact(path.realm, path.arriving)} actions={_rewrite(path)}"
        f"fin_timeout(idle_timeout={_FIN_TIMEOUT}),goto_table:4"
        for path in offload.paths
    ]


def kept_punt_flows(kept: KeepPunting) -> list[str]:
    """The flows that punt a session whose static flows may be gone."""
    return [
        f"table=1,cookie={_kept_punt(kept.id):#x},priority={_KEPT_PUNT},{_exact(realm, arriving)}"
        f" actions={PUNT}"
        for realm, arriving in kept.arriving
    ]


def stop_punting(session: int) -> bytes:
    """The message that undoes `kept_punt_flows`."""
    return delete_by_cookie(_kept_punt(session), EVERY)


def _kept_punt(session: int) -> int:
    return cookie(Kind.KEPT_PUNT, session)


def end_offload(session: int) -> bytes:
    """The message that takes a control connection back from the switch."""
    return delete_by_cookie(cookie(Kind.OFFLOAD, session), EVERY)


def _exact(realm: Realm, arriving: FiveTuple) -> str:
    source, destination = _hosts(arriving)
    version = source.version
    return (
        f"reg1={REALM_NUMBER[realm]},{transport_match(Transport.TCP, version)},"
        f"{SOURCE[version]}={source},{DESTINATION[version]}={destination},"
        f"tp_src={arriving.sport},tp_dst={arriving.dport}"
    )


def _rewrite(path: OffloadPath) -> str:
    """Actions for what differs, each followed by a comma."""
    before, after = path.arriving, path.leaving
    source, destination = _hosts(after)
    family = "ip" if source.version == 4 else "ipv6"
    changes = (
        (before.src != after.src, f"set_field:{source}->{family}_src,"),
        (before.dst != after.dst, f"set_field:{destination}->{family}_dst,"),
        (before.sport != after.sport, f"set_field:{after.sport}->tcp_src,"),
        (before.dport != after.dport, f"set_field:{after.dport}->tcp_dst,"),
    )
    return "".join(action for differs, action in changes if differs)


def _hosts(
    connection: FiveTuple,
) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]:
    return ip_address(connection.src), ip_address(connection.dst)
