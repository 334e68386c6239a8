"""Whatever comes: nothing raises, nothing opens that was not asked for and accepted."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Direction
from tests.protocols.rtsp.connection import (
    CONVERSATIONS,
    TO_CLIENT,
    TO_SERVER,
    Connection,
    accept,
    message,
    ok,
    request,
    setup,
)
from tests.protocols.rtsp.dialogues import DIALOGUES, FRAME, RTCP, SESSION, sdp

Arrival = tuple[Direction, bytes]

TRANSPORTS = [
    "RTP/AVP;unicast;client_port=4588-4589",
    "RTP/AVP;unicast;client_port=40000-40001;server_port=6256-6257",
    "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;source=192.168.20.2",
    "RTP/AVP;unicast;server_port=6256",
    "RTP/AVP;unicast;destination=8.8.8.8;client_port=4588-4589",
    "RTP/AVP;multicast;destination=224.2.0.1;port=3456-3457",
    "RTP/AVP/TCP;unicast;interleaved=0-1",
    "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=4588",
    'RTP/AVP;unicast;dest_addr=":4588"/":4600";src_addr="[2001:db8:30::2]:7000"/":7001"',
    'RTP/AVP/TCP;unicast;setup=passive;dest_addr=":4588"',
    'RTP/AVP/TCP;unicast;setup=active;dest_addr=":40000";src_addr=":6256"',
    "RTP/AVP;unicast;client_port=1-65535",
    'x;"',
]
cseqs = st.integers(1, 4)
transports = st.sampled_from(TRANSPORTS)
methods = st.sampled_from(["PLAY", "RECORD", "TEARDOWN", "OPTIONS", "ANNOUNCE", "setup"])
KIND = "Content-Type: application/sdp"
whole: st.SearchStrategy[Arrival] = st.one_of(
    st.builds(lambda n, t: (TO_SERVER, setup(n, t)), cseqs, transports),
    st.builds(lambda n, t: (TO_SERVER, setup(n, t, SESSION)), cseqs, transports),
    st.builds(lambda n, t: (TO_CLIENT, accept(n, t)), cseqs, transports),
    st.builds(lambda n, m: (TO_SERVER, request(m, n, SESSION)), cseqs, methods),
    st.builds(lambda n, m: (TO_CLIENT, request(m, n, SESSION)), cseqs, methods),
    st.builds(lambda n, way: (way, ok(n)), cseqs, st.sampled_from(Direction)),
    st.builds(lambda n: (TO_CLIENT, message("RTSP/1.0 454 Gone", f"CSeq: {n}")), cseqs),
    st.builds(
        lambda n, way: (way, ok(n, KIND, body=sdp("192.168.20.2", "rtsp://192.168.20.2:8554/x"))),
        cseqs,
        st.sampled_from(Direction),
    ),
    st.tuples(st.sampled_from(Direction), st.sampled_from([FRAME, RTCP, b"\r\n", b"$"])),
)


@st.composite
def mangled(draw: st.DrawFn) -> list[Arrival]:
    """A real conversation with some of its bytes, pieces or arrivals changed."""
    arrivals = list(draw(st.sampled_from(DIALOGUES)).arrivals)
    for _ in range(draw(st.integers(1, 6))):
        index = draw(st.integers(0, len(arrivals) - 1))
        direction, data = arrivals[index]
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 5)):
            case 0:
                data = data[:at] + draw(st.binary(max_size=6)) + data[at:]
            case 1:
                data = data[:at] + data[at + draw(st.integers(1, 20)) :]
            case 2:
                data = data[:at] + draw(st.sampled_from([b"\r\n", b";", b",", b'"', b"$"]))
            case 3:
                data = data.replace(b"4588", b"%d" % draw(st.integers(0, 99999)))
            case 4:
                arrivals.insert(draw(st.integers(0, len(arrivals))), (direction, data))
            case 5:
                direction = direction.opposite
        arrivals[index] = (direction, data)
    return arrivals


def check(connection: Connection, arrivals: list[Arrival]) -> None:
    """What holds for every connection."""
    ends = connection.gateway.conversation
    hosts = {str(ends.client.address), str(ends.server.address)}

    def watch() -> None:
        streams = connection.inspector.streams
        assert len(streams.live) <= 32
        assert len(streams.pending) <= 32
        assert len(connection.gateway.bindings) <= 32
        assert all(len(lane.waiting) <= 8 for lane in connection.inspector.lanes.values())
        for inside, remote in connection.gateway.open():
            ours, _, port = inside.rpartition(":")
            theirs, _, theirs_port = remote.rpartition(":")
            assert {ours.strip("[]"), theirs.strip("[]")} == hosts
            assert int(port) >= 1024
            assert int(theirs_port) >= 1024 or int(theirs_port) == 9
        if connection.gateway.open():
            assert b"SETUP" in connection.left[TO_SERVER].upper()

    connection.watch = watch
    for direction, data in arrivals:
        connection.feed(direction, data)
    for direction in Direction:
        connection.end(direction)
    if not connection.opaque and not connection.aborted:
        assert connection.gateway.bindings == {}


connections = st.builds(
    Connection,
    st.sampled_from(CONVERSATIONS),
    st.sampled_from([{}, {"rules": [{"action": "deny", "methods": ["RECORD", "ANNOUNCE"]}]}]),
)


@given(connections, st.lists(whole, max_size=20))
@settings(max_examples=400, deadline=None)
def test_any_order(connection: Connection, arrivals: list[Arrival]) -> None:
    check(connection, arrivals)


@given(connections, mangled())
@settings(max_examples=400, deadline=None)
def test_mangled(connection: Connection, arrivals: list[Arrival]) -> None:
    check(connection, arrivals)


@given(connections, st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=80))))
@settings(max_examples=200, deadline=None)
def test_any_bytes(connection: Connection, arrivals: list[Arrival]) -> None:
    check(connection, arrivals)


@given(st.lists(whole, max_size=12), st.lists(st.integers(1, 300), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_cut_anywhere(arrivals: list[Arrival], sizes: list[int]) -> None:
    """What leaves does not depend on how it came in pieces."""
    together, apart = Connection(), Connection()
    for direction, data in arrivals:
        together.feed(direction, data)
        position = 0
        for size in sizes:
            apart.feed(direction, data[position : position + size])
            position += size
        apart.feed(direction, data[position:])

    def seen(connection: Connection) -> Any:
        if connection.aborted:
            return connection.codes
        return connection.left, connection.held, connection.codes, connection.opaque

    assert seen(apart) == seen(together)
