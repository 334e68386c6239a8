"""How long and how much: timers and quotas."""

from __future__ import annotations

from pydantic import Field

from ryu_alg.settings.fields import Count, Duration, FlowTimeout, Percentage
from ryu_alg.settings.section import Section


class Timers(Section):
    """Durations: seconds, or a number with its unit (`250ms`, `30s`, `5m`, `2h`, `1d`)."""

    session_setup: Duration = Field(
        default=240.0,
        description="From the first SYN of a control connection to its complete handshake "
        "(RFC 5382 REQ-5, as the next two).",
    )
    session_idle: Duration = Field(
        default=7440.0,
        description="A control connection without traffic ends after this, unless data of its "
        "session moves.",
    )
    half_closed: Duration = Field(
        default=240.0,
        description="A control connection that one end has closed ends when the other has sent "
        "nothing for this long.",
    )
    time_wait: Duration = Field(
        default=30.0,
        description="After both ends have closed, their repeated segments are still answered "
        "for this long.",
    )
    pinhole_unused: FlowTimeout = Field(
        default=30,
        description="A pinhole that no connection attempt has matched closes after this.",
    )
    pinhole_hard: FlowTimeout = Field(
        default=60,
        description="A TCP pinhole closes after this in any case; the connection that it let "
        "through goes on.",
    )
    data_idle: FlowTimeout = Field(
        default=120,
        description="Data of a session counts as moving until none was seen for this long.",
    )
    keepalive_interval: Duration = Field(
        default=120.0,
        description="While data moves, both ends of an idle control connection get a TCP "
        "keepalive probe this often. The default beats middleboxes that forget after 5 minutes.",
    )
    keepalive_limit: Duration = Field(
        default=86400.0,
        description="For no longer than this is an idle control connection kept alive by moving "
        "data.",
    )
    datagram_idle: Duration = Field(
        default=300.0,
        description="What stands for a UDP control endpoint outside is given up after this "
        "without traffic (RFC 4787 REQ-5), unless a registration holds it or data moves.",
    )
    port_quarantine: Duration = Field(
        default=120.0,
        description="A public port rests this long after use before it is handed out again.",
    )


class Quotas(Section):
    """Bounds. What would exceed one is refused and reported; nothing is evicted, but for
    connections that are half open."""

    sessions: Count = Field(default=10_000, description="Sessions in all.")
    sessions_per_host: Count = Field(default=200, description="Sessions of one inside host.")
    protocol_share: Percentage = Field(
        default=75,
        description="Percent of `sessions` and of `pinholes` that one protocol may have, where "
        "several are bound: a flood of one leaves room for the others.",
    )
    half_open: Count = Field(
        default=500,
        description="TCP sessions of each inside network, and of all outside ones, whose "
        "handshake is not complete. One more ends the oldest of them, with a reset for its "
        "server: a flood of SYNs keeps nobody out. Those from outside count for the quota of the "
        "inside host only when they are complete.",
    )
    port_share: Percentage = Field(
        default=50,
        description="Percent of the `control` and of the `data` ports of a public address that one "
        "inside host may have, those included that rest after use.",
    )
    pinholes: Count = Field(default=20_000, description="Open pinholes in all.")
    pinholes_per_host: Count = Field(
        default=400, description="Open pinholes of one inside host, over all its sessions."
    )
    pinholes_per_session: Count = Field(
        default=8, description="Announced data connections and open pinholes of one session."
    )
    punt_rate: Count = Field(
        default=2_500,
        description="Control packets per second that the switch sends to the controller from "
        "each network; those above are dropped by a meter. All together should be no more than "
        "one controller handles (`make bench`).",
    )
    first_rate: Count = Field(
        default=200,
        description="Control packets per second from each network that anybody may send, metered "
        "apart: SYNs, and datagrams of hosts that the gateway has let none through to or from.",
    )
    neighbour_rate: Count = Field(
        default=500,
        description="Packets per second from each network to the controller for ARP and IPv6 "
        "neighbour discovery, metered apart from control packets.",
    )
    icmp_rate: Count = Field(
        default=200,
        description="ICMP errors per second from each network to the controller, metered apart.",
    )
