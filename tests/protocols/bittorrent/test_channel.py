"""Two ends that answer each other, through the engine, over bad networks.

Whatever the links do to the segments, both read what they read over good ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings

from ryu_alg.inspection import Listener, StreamGateway
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import LINGER, compact
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions
from ryu_alg.protocols.bittorrent.stream import BitTorrentStream
from tests.engine.channel import Weather
from tests.engine.tcp_model import Profile
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import endpoint
from tests.protocols.bittorrent.peers import (
    BITFIELD,
    HAVE,
    INTERESTED,
    KEEP_ALIVE,
    UNCHOKE,
    exchange,
    extended,
    handshake,
    introduction,
    peers,
    piece,
    port,
)
from tests.protocols.middlebox import (
    INSIDE,
    PUBLIC,
    EngineBox,
    Reader,
    Script,
    Scripted,
    answers_after,
    network,
    profiles,
    seeds,
    weathers,
)

Says = tuple[bytes, ...]
"""What one says, one after the other."""

PORT = 6881
USUAL = Profile()
AWAY, SILENT = ("198.51.100.9", 51413), ("192.168.10.3", 6881)


def _box(configured: BitTorrentOptions, answer_after: float) -> EngineBox:
    def make(gateway: StreamGateway) -> BitTorrentStream:
        return BitTorrentStream(configured, gateway)

    return EngineBox(PORT, make, answer_after)


# -- a tracker ----------------------------------------------------------------------------------

ANNOUNCE = re.compile(rb"GET /announce\?info_hash=([^&]*)&port=([0-9]+)(&event=stopped)? HTTP")
DENIED = b"\x04" * 20


@dataclass
class Tracker(Reader):
    """Takes announces of all torrents but one, and tells where it was told that the peer is."""

    told: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    """Torrent, port, and whether it has stopped."""

    def answer(self, now: float) -> None:
        while (end := self.received.find(b"\r\n\r\n", self._answered)) >= 0:
            request = ANNOUNCE.match(self.received, self._answered)
            self._answered = end + 4
            assert request is not None, bytes(self.received)
            self.told.append((request[1], request[2], request[3] or b""))
            self.endpoint.write(self._response(request[1], int(request[2])), now)

    def _response(self, torrent: bytes, told: int) -> bytes:
        items = {b"failure reason": bencode.text(b"not here")}
        if torrent == b"%01" * 20:
            items = {
                b"interval": bencode.number(1800),
                b"peers": bencode.text(peers((PUBLIC, told), AWAY)),
            }
        body = bencode.dictionary(items)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def announce(torrent: int, more: bytes = b"") -> bytes:
    target = b"/announce?info_hash=" + b"%%%02x" % torrent * 20 + b"&port=6881" + more
    return b"GET %b HTTP/1.1\r\nHost: tracker.example.net\r\n\r\n" % target


ANNOUNCING: Script = (
    (b"not here", announce(4)),
    (b"denied by policy", announce(1) + announce(1, b"&event=stopped")),
    (b"8:interval", b""),
    (b"8:interval", b""),
)


@dataclass(frozen=True)
class Told:
    """What both have read, and whether anybody could get in."""

    client: bytes
    tracker: list[tuple[bytes, bytes]]
    """Torrents, and what was said of them besides."""
    opened: int
    left: int


def announced(
    weather: Weather, seed: int = 0, profile: Profile = USUAL, answer_after: float = 0.01
) -> Told:
    """The whole conversation."""
    box = _box(options(deny=DENIED.hex()), answer_after)
    net = network(box, PORT, weather, seed, profile)
    client, tracker = Scripted(net.client, ANNOUNCING), Tracker(net.server)
    net.timed = [client, tracker]
    net.start()
    net.client.write(announce(1) + announce(2), net.now)
    net.drain()
    done = net.run(lambda: net.server.eof, deadline=600.0)
    assert done, (bytes(client.received), bytes(tracker.received))
    assert not net.client.violations + net.server.violations
    net.pause(2 * LINGER)
    ports = {told for _, told, _ in tracker.told}
    told = [(torrent, event) for torrent, _, event in tracker.told]
    assert len(ports) == 1
    assert ports != {b"6881"}
    return Told(bytes(client.received), told, box.listeners_opened, len(box.listeners))


WELL_TOLD = announced(Weather())


def test_what_tracker_and_client_read() -> None:
    first, second = b"%01" * 20, b"%02" * 20
    stopped = b"&event=stopped"
    assert WELL_TOLD.tracker == [(first, b""), (second, b""), (first, b""), (first, stopped)]
    assert WELL_TOLD.client.count(peers((INSIDE, 6881), AWAY)) == 3
    assert b"failure reason" in WELL_TOLD.client
    assert (WELL_TOLD.opened, WELL_TOLD.left) == (1, 0)


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_tracker_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert announced(weather, seed, profile, answer_after) == WELL_TOLD


# -- peers --------------------------------------------------------------------------------------

PIECES = piece(6000) + HAVE + piece(300) + KEEP_ALIVE


def inside_says(listens: int, name: bytes, added: bytes, flags: bytes, dropped: bytes) -> Says:
    """What the inside peer says of itself and others."""
    return (
        handshake(),
        BITFIELD + introduction(p=listens, pex=1, v=name) + port(listens) + INTERESTED,
        extended(2, exchange(added=added, added_f=flags)) + PIECES,
        extended(2, exchange(dropped=dropped)) + HAVE,
    )


def outside_says(found: bytes) -> Says:
    """What the outside peer says, of the inside one as well."""
    return (
        handshake() + introduction(p=6881, pex=2) + port(6881) + UNCHOKE,
        PIECES + extended(1, exchange(added=found + peers(AWAY), added_f=b"\1\2")),
        PIECES,
    )


def met(
    weather: Weather,
    seed: int = 0,
    profile: Profile = USUAL,
    answer_after: float = 0.01,
    *,
    pex: bool = True,
) -> bool:
    """The whole conversation; each waits for what it has to read. Whether it has left the
    controller."""
    box = _box(options(pex=pex), answer_after)
    own = endpoint(INSIDE, 6881)
    listeners = box.engine.tables.listeners
    listener = listeners.listen(0, "one", own.address, own, b"x", 0.0)
    assert isinstance(listener, Listener)
    listeners.hold(listener.id, b"x", 86400.0, 0.0)
    public = compact(listener.public)
    known = peers((INSIDE, 6881))
    saying = inside_says(6881, b"Tool 1.0", known + peers(SILENT, AWAY), b"\1\2\4", known)
    answers = outside_says(public)
    if pex:
        told = inside_says(listener.public.port, b"Tool 1.0", public + peers(AWAY), b"\1\4", public)
        heard = outside_says(known)
    else:
        told = (*inside_says(listener.public.port, b"Tool 1.", b"", b"", b"")[:2], *saying[2:])
        heard = answers
    net = network(box, PORT, weather, seed, profile)
    inside = Scripted(net.client, tuple(zip(heard, saying[1:], strict=True)))
    outside = Scripted(net.server, tuple(zip(told, (*answers, b""), strict=True)))
    net.timed = [inside, outside]
    net.start()
    net.client.write(saying[0], net.now)
    net.drain()
    done = net.run(lambda: net.server.eof and net.client.eof, deadline=900.0)
    assert done, (len(inside.received), len(outside.received))
    # What has left the controller may be repeated as it was before it was edited: the receiver has
    # that, or it would not have left.
    assert not pex or not net.client.violations + net.server.violations
    assert bytes(inside.received) == b"".join(heard)
    assert bytes(outside.received) == b"".join(told)
    return any(session.offloaded for session in box.engine.sessions.values())


def test_what_peers_read() -> None:
    assert not met(Weather())


def test_peers_without_exchange_leave_the_controller() -> None:
    assert met(Weather(), pex=False)


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_peers_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    assert not met(weather, seed, profile, answer_after)


@given(weathers, seeds, profiles, answers_after)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_peers_that_leave_the_controller_over_bad_networks(
    weather: Weather, seed: int, profile: Profile, answer_after: float
) -> None:
    met(weather, seed, profile, answer_after, pex=False)
