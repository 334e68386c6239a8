"""UDP trackers and the DHT in the engine itself: what is opened, in which order, and what stays."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

from ryu_alg.engine.commands import (
    CloseListener,
    Command,
    EmitDatagram,
    OpenListener,
    Ordinary,
    PassDatagram,
    Publish,
)
from ryu_alg.engine.config import ProtocolBinding
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import DataCounted, SizedDatagramArrived, Timeout
from ryu_alg.engine.segment import Datagram
from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.bittorrent import PROTOCOL, BitTorrentDatagrams
from ryu_alg.protocols.bittorrent.announcing import LINGER, MARGIN
from ryu_alg.protocols.bittorrent.dht import sizes
from tests.engine import toy_datagrams
from tests.engine.toy_datagrams import PUBLIC, Network, at
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.test_dht import GET_PEERS, announce_peer, response
from tests.protocols.bittorrent.test_udp_tracker import (
    STOPPED,
    accepted,
    announce,
    connect,
    connected,
    port_of,
)

CLIENT = at("192.168.10.2", 6881)
TRACKER = at("198.51.100.9", 6969)
NODE = at("198.51.100.9", 7000)


def site() -> Network:
    """A gateway with NAT, and one host that may be reached."""
    configured = options(hosts="192.168.10.0/24")
    protocol = ProtocolBinding(
        "bittorrent",
        frozenset(PROTOCOL.ports),
        (ip_network("0.0.0.0/0"), ip_network("::/0")),
        datagram=lambda gateway: BitTorrentDatagrams(configured, gateway),
        sizes=sizes(configured),
    )
    config = toy_datagrams.config(protocols=(protocol,), services=())
    return Network(Engine(config, random=Random(7)))


def opened(commands: list[Command]) -> list[OpenListener]:
    return [command for command in commands if isinstance(command, OpenListener)]


def codes(commands: list[Command]) -> list[str]:
    return [command.code for command in commands if isinstance(command, Publish)]


def sleep(net: Network, seconds: float) -> list[Command]:
    """All that happens meanwhile."""
    end, happened = net.now + seconds, []
    while (due := net.engine.next_timeout()) is not None and due <= end:
        net.now = max(net.now, due)
        happened += net.handle(Timeout()).commands
    net.now = end
    return happened


def seen_as(net: Network) -> Endpoint:
    """The control endpoint, once the client has asked for a connection id."""
    ((source, _, payload),) = net.send(CLIENT, TRACKER, connect()).left
    assert payload == connect()
    assert net.send(TRACKER, source, connected()).left == [(TRACKER, CLIENT, connected())]
    return source


def nothing_left(net: Network, listening: OpenListener) -> bool:
    """Once nothing moves any more."""
    for mark in (listening.tcp_mark, listening.udp_mark):
        net.handle(DataCounted(mark, 9, 900, idle=True))
    sleep(net, 3600)
    tables = net.engine.tables
    return not (tables.listeners.live or tables.marks.live or net.engine.datagrams.sessions)


def test_a_tracker_is_told_of_a_port_that_opens_before_the_client_hears() -> None:
    net = site()
    control = seen_as(net)
    ((_, _, left),) = net.send(CLIENT, TRACKER, announce()).left
    step = net.send(TRACKER, control, accepted())
    (listening,) = opened(step.commands)
    assert listening.public == Endpoint(at(PUBLIC).address, port_of(left))
    assert listening.inside == CLIENT and listening.admits
    assert step.left == []
    assert net.confirm().left == [(TRACKER, CLIENT, accepted())]

    ((_, _, left),) = net.send(CLIENT, TRACKER, announce(3, event=STOPPED)).left
    assert port_of(left) == listening.public.port
    assert net.send(TRACKER, control, accepted(3)).left == [(TRACKER, CLIENT, accepted(3))]
    assert [c for c in sleep(net, LINGER) if isinstance(c, CloseListener)]
    assert nothing_left(net, listening)


def test_a_client_that_is_gone_is_forgotten() -> None:
    net = site()
    control = seen_as(net)
    net.send(CLIENT, TRACKER, announce())
    net.send(TRACKER, control, accepted(interval=60))
    net.confirm()
    happened = sleep(net, 60 + MARGIN)
    assert [c for c in happened if isinstance(c, CloseListener)]
    assert "listener.unarmed" not in codes(happened)


def sized(
    net: Network,
    source: Endpoint,
    target: Endpoint,
    payload: bytes,
    listener: int | None = None,
) -> list[Command]:
    """The switch has found a datagram by its size; from outside, it is translated already."""
    realm = net.engine.config.realm_of(source.address)
    wire = Datagram(source.address.packed, target.address.packed, source.port, target.port, payload)
    protocol = 0 if listener is None else None
    return net.handle(SizedDatagramArrived(wire, realm, protocol, listener)).commands


def passed(commands: list[Command]) -> list[tuple[bytes, Realm, bool]]:
    return [
        (c.datagram.payload, c.realm, c.answered) for c in commands if isinstance(c, PassDatagram)
    ]


def watched(net: Network) -> OpenListener:
    """The client's socket, once it has asked a node something."""
    commands = sized(net, CLIENT, NODE, GET_PEERS)
    (watching,) = opened(commands)
    assert watching.watched is not None and not watching.admits
    assert passed(commands + net.confirm().commands) == [(GET_PEERS, Realm.INSIDE, False)]
    return watching


def test_a_node_is_told_of_a_port_that_opens_before_the_client_hears() -> None:
    net = site()
    watching = watched(net)
    asked = sized(net, CLIENT, NODE, announce_peer(implied_port=1), watching.id)
    public = watching.public.port
    assert passed(asked) == [(announce_peer(port=public, implied_port=1), Realm.INSIDE, True)]
    answer = sized(net, NODE, CLIENT, response(), watching.id)
    (listening,) = opened(answer)
    assert listening.admits and listening.public == watching.public
    assert passed(answer) == []
    assert passed(net.confirm().commands) == [(response(), Realm.OUTSIDE, False)]


def test_a_client_with_another_port_for_the_dht_is_watched_at_that() -> None:
    net = site()
    watching = watched(net)
    ((left, _, _),) = passed(sized(net, CLIENT, NODE, announce_peer(port=7777), watching.id))
    (listening,) = opened(sized(net, NODE, CLIENT, response(), watching.id))
    net.confirm()
    assert listening.inside.port == 7777
    assert left == announce_peer(port=listening.public.port)
    silent = net.handle(DataCounted(watching.udp_mark, 9, 900, idle=True)).commands
    assert [c.id for c in silent if isinstance(c, CloseListener)] == [watching.id, listening.id]


def test_silence_ends_it() -> None:
    net = site()
    watching = watched(net)
    sized(net, CLIENT, NODE, announce_peer(), watching.id)
    sized(net, NODE, CLIENT, response(), watching.id)
    net.confirm()
    silent = net.handle(DataCounted(watching.udp_mark, 9, 900, idle=True)).commands
    assert [c for c in silent if isinstance(c, CloseListener)]
    assert "listener.unarmed" not in codes(silent)
    assert nothing_left(net, watching)


def test_a_refused_announce_is_answered_in_the_nodes_stead() -> None:
    net = site()
    watching = watched(net)
    commands = sized(net, CLIENT, NODE, announce_peer(port=0), watching.id)
    (told,) = [c.datagram for c in commands if isinstance(c, EmitDatagram)]
    assert (told.sport, told.dport) == (NODE.port, CLIENT.port)
    assert told.payload.startswith(b"d1:eli203e")
    assert passed(commands) == []


def test_what_is_none_of_the_dhts_stays_in_the_switch() -> None:
    net = site()
    assert sized(net, CLIENT, NODE, b"x" * 80) == [Ordinary()]
    assert net.engine.datagrams.sessions == {}
