"""What a connection is, its first bytes tell."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.bittorrent import PROTOCOL, BitTorrentStream
from ryu_alg.protocols.bittorrent.http_tracker import HttpTracker
from ryu_alg.protocols.bittorrent.peer_wire import PeerWire
from tests.protocols.bittorrent.connection import TO_CLIENT, TO_SERVER, Connection
from tests.protocols.bittorrent.http_messages import announce
from tests.protocols.bittorrent.peers import handshake


def test_it_is_registered() -> None:
    assert PROTOCOL.stream is BitTorrentStream


@pytest.mark.parametrize(("begins", "kind"), [(announce(), HttpTracker), (handshake(), PeerWire)])
def test_both_kinds_byte_by_byte(begins: bytes, kind: type) -> None:
    connection = Connection(BitTorrentStream)
    for at in range(len(begins)):
        connection.client(begins[at : at + 1])
    inspector = connection.inspector
    assert isinstance(inspector, BitTorrentStream)
    assert isinstance(inspector.conversation, kind)
    assert not connection.opaque and not connection.aborted


@pytest.mark.parametrize(
    "begins",
    [
        *(b"\x16\x03\x01\x02\x00", b"POST / HTTP/1.1", b"HEAD /", b"GET\t", b"GEN", b"get / "),
        *(b"\x13BitTorrent Protocol", b"\x14BitTorrent", b"\0" * 96, b"\r\n", b"G\0"),
    ],
)
def test_all_else_passes(begins: bytes) -> None:
    connection = Connection(BitTorrentStream)
    assert connection.client(begins) == begins
    assert connection.opaque
    assert connection.client(announce()) == announce(), "and for good"
    assert connection.codes == []


def test_a_server_that_is_the_first_to_speak() -> None:
    connection = Connection(BitTorrentStream)
    assert connection.server(b"220 welcome\r\n") == b"220 welcome\r\n"
    assert connection.opaque
    assert connection.client(announce()) == announce()


def test_what_ends_before_it_is_known() -> None:
    connection = Connection(BitTorrentStream)
    connection.client(b"GE")
    connection.end(TO_SERVER)
    connection.end(TO_CLIENT)
    assert connection.left == {TO_SERVER: b"GE", TO_CLIENT: b""}
