"""Announces of BitTorrent that were captured, and the peers that come because of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryu_alg.inspection import Endpoint
from ryu_alg.replay.vantage import At
from tests.protocols.bittorrent import test_dht as dht
from tests.protocols.bittorrent import test_udp_tracker as udp
from tests.protocols.bittorrent.http_messages import ACCEPTED, FAILED, HASH, announce, answer
from tests.replay.test_corpus import CONFIG, CORPUS, replay_of
from tests.replay.wire import Connection, Replayed, at, datagram, replayed

BITTORRENT = "  bittorrent:\n    ports: [6969]\n    options: {hosts: [192.168.10.2]}\n"
CLIENT, TRACKER = at("192.168.10.2:6881"), at("203.0.113.2:6969")
NODE, OTHER_NODE = at("203.0.113.2:7000"), at("203.0.113.3:7001")
PEER = at("203.0.113.3:6881")


def announced(reply: bytes = ACCEPTED) -> list[bytes]:
    connection = Connection([], at("192.168.10.2:50000"), TRACKER).open()
    connection.client_says(announce(port=CLIENT.port))
    connection.server_says(answer(reply))
    connection.close()
    return connection.packets


def visited(peer: Endpoint = PEER, inside: Endpoint = CLIENT) -> list[bytes]:
    """A peer connects."""
    connection = Connection([], peer, inside).open()
    connection.client_says(b"\x13BitTorrent protocol")
    connection.server_says(b"\x13BitTorrent protocol")
    return connection.packets


def sent(result: Replayed, payload: bytes) -> tuple[Endpoint, Endpoint]:
    """The ends of the one packet that left with it."""
    (ends,) = {(s, t) for s, t, packet in result.tcp() if bytes(packet.data) == payload}
    return ends


def test_an_announce_over_http_lets_peers_in(tmp_path: Path) -> None:
    packets = [
        *announced(),
        *visited(),
        datagram(PEER, CLIENT, b"uTP"),
        datagram(CLIENT, PEER, b"r"),
    ]
    result = replayed(tmp_path, packets, protocols=BITTORRENT)
    event = result.only("listener.opened")
    public = at(event.detail.split(" to ")[0])
    assert event.detail.endswith(f" to {CLIENT}")
    changed = [b"".join(e.after) for e in result.entries if e.code == "rewrite"]
    assert any(f"port={public.port}&".encode() in line for line in changed)
    assert f"port={public.port}&".encode() in result.stream(TRACKER)
    codes = result.codes()
    assert codes.index("rewrite") < codes.index("listener.opened")
    assert sent(result, b"uTP") == (PEER, CLIENT)
    assert sent(result, b"r") == (public, PEER)
    assert result.stream(CLIENT) == b"\x13BitTorrent protocol"
    assert {source for source, target, tcp in result.tcp() if target == PEER} == {public}
    assert result.counts["refused"] == 0 and result.counts["data"] == len(visited()) + 2


@pytest.mark.parametrize("reply", [FAILED, None], ids=["refused", "unanswered"])
def test_without_a_trackers_word_nobody_gets_in(tmp_path: Path, reply: bytes | None) -> None:
    packets = announced()[:4] if reply is None else announced(reply)
    result = replayed(tmp_path, [*packets, *visited()[:1]], protocols=BITTORRENT)
    assert "listener.opened" not in result.codes()
    assert result.counts["refused"] == 1


def test_a_port_closes_when_it_is_not_announced_again(tmp_path: Path) -> None:
    later = [(10_000.0 + n, packet) for n, packet in enumerate(visited(at("203.0.113.3:7777")))]
    packets = [*announced(), *visited(), *later]
    result = replayed(tmp_path, packets, protocols=BITTORRENT)
    assert "listener.closed" in result.codes()
    assert result.counts["data"] == len(visited())
    assert result.counts["refused"] > 0


def test_an_announce_to_a_udp_tracker_lets_peers_in(tmp_path: Path) -> None:
    packets = [
        datagram(CLIENT, TRACKER, udp.connect()),
        datagram(TRACKER, CLIENT, udp.connected()),
        datagram(CLIENT, TRACKER, udp.announce(port=CLIENT.port)),
        datagram(PEER, CLIENT, b"too early"),
        datagram(TRACKER, CLIENT, udp.accepted()),
        *visited(),
        datagram(TRACKER, CLIENT, udp.accepted(99)),  # from there, nothing but control comes
    ]
    result = replayed(tmp_path, packets, protocols=BITTORRENT)
    public = at(result.only("listener.opened").detail.split(" to ")[0])
    (asked,) = (bytes(p.data) for _, t, p in result.tcp() if t == TRACKER and len(p.data) > 90)
    assert udp.port_of(asked) == public.port
    assert {source for source, target, _ in result.tcp() if target == PEER} == {public}
    assert not any(bytes(packet.data) == b"too early" for _, _, packet in result.tcp())
    assert "session.mid_stream" not in result.codes()
    (rewrite,) = (entry for entry in result.entries if entry.code == "rewrite")
    assert (rewrite.detail, rewrite.before, rewrite.after) == (
        "outside",
        (f"from byte 96: {CLIENT.port:04x}".encode(),),
        (f"from byte 96: {public.port:04x}".encode(),),
    )


def nodes() -> list[bytes]:
    """A client that asks a node, and announces to it."""
    return [
        datagram(CLIENT, NODE, dht.query("get_peers", info_hash=dht.HASH)),
        datagram(NODE, CLIENT, dht.response(token=b"aoeusnth")),
        datagram(CLIENT, NODE, dht.announce_peer(b"bb", port=CLIENT.port, implied_port=1)),
        datagram(NODE, CLIENT, dht.response(b"bb")),
        datagram(CLIENT, OTHER_NODE, dht.query("ping")),
    ]


def test_an_announce_to_the_dht_is_found_by_its_size(tmp_path: Path) -> None:
    result = replayed(tmp_path, [*nodes(), *visited()], protocols=BITTORRENT)
    public = at(result.only("listener.opened").detail.split(" to ")[0])
    leaving = dht.announce_peer(b"bb", port=public.port, implied_port=1)
    # To whatever node, all leaves from the port that peers are told.
    assert sent(result, leaving) == (public, NODE)
    assert sent(result, dht.query("get_peers", info_hash=dht.HASH)) == (public, NODE)
    assert sent(result, dht.query("ping")) == (public, OTHER_NODE)
    assert sent(result, dht.response(b"bb")) == (NODE, CLIENT)
    assert result.stream(CLIENT) == b"\x13BitTorrent protocol"
    (rewrite,) = (entry for entry in result.entries if entry.code == "rewrite")
    assert (rewrite.detail, rewrite.after) == ("outside", (leaving,))
    # The first query, the announce and its answer; the others stay in the switch.
    assert result.counts["control"] == 3
    assert result.counts["data"] == 2 + len(visited())


def test_a_node_that_answers_nothing_opens_nothing(tmp_path: Path) -> None:
    packets = [*nodes()[:3], datagram(NODE, CLIENT, dht.response(b"cc")), *visited()[:1]]
    result = replayed(tmp_path, packets, protocols=BITTORRENT)
    assert "listener.opened" not in result.codes()
    assert result.counts["refused"] == 1


@pytest.mark.parametrize(
    ("client", "node", "payload"),
    [
        (CLIENT, NODE, bytes(100)),
        (CLIENT, NODE, dht.query("ping") + b"-" * 200),
        (at("192.168.10.3:6881"), NODE, dht.query("ping")),
        (CLIENT, at("203.0.113.2:53"), dht.query("ping")),
    ],
    ids=["no query", "too long", "another host", "a well-known port"],
)
def test_what_is_not_the_dhts_stays_ordinary(
    tmp_path: Path, client: Endpoint, node: Endpoint, payload: bytes
) -> None:
    result = replayed(tmp_path, [datagram(client, node, payload)], protocols=BITTORRENT)
    assert result.codes() == []
    assert (result.counts["ordinary"], result.counts["control"]) == (1, 0)
    assert sent(result, payload)[1] == node


def test_a_datagram_that_was_cut_short_is_no_announce(tmp_path: Path) -> None:
    packets = nodes()
    packets[2] = packets[2][:60]
    result = replayed(tmp_path, packets, protocols=BITTORRENT)
    assert "listener.opened" not in result.codes() and "packet.truncated" not in result.codes()
    assert len(result.left) == len(packets)


def test_watching_ends_when_nothing_is_sent(tmp_path: Path) -> None:
    late = [(1000.0, datagram(CLIENT, OTHER_NODE, dht.query("ping", b"zz")))]
    result = replayed(tmp_path, [*nodes(), *late], protocols=BITTORRENT)
    codes = result.codes()
    assert codes.count("session.opened") == 2 and "listener.closed" in codes
    before = sent(result, dht.query("ping"))[0]
    assert sent(result, dht.query("ping", b"zz"))[0] != before


def test_taken_outside_its_public_ports_are_those_of_a_host(tmp_path: Path) -> None:
    public = at("203.0.113.1:40000")
    connection = Connection([], at("203.0.113.1:50000"), TRACKER).open()
    connection.client_says(announce(port=public.port))
    connection.server_says(answer(ACCEPTED))
    protocols = BITTORRENT.replace("192.168.10.2", "192.168.10.0/24")
    result = replayed(
        tmp_path, [*connection.packets, *visited(PEER, public)], At.OUTSIDE, protocols
    )
    assert "listener.opened" in result.codes() and result.counts["data"] == len(visited())


def test_a_recorded_announce(tmp_path: Path) -> None:
    """Its answer is compressed, though nobody has asked for that any more: so it opens nothing."""
    name = "bittorrent_tracker.pcap"
    if not (CORPUS / name).exists():
        pytest.skip("the corpus is not at hand")
    config = CONFIG % ("10.0.0.1/24", "bittorrent")
    options = "bittorrent: {options: {hosts: [10.0.0.201]}}"
    result = replay_of(tmp_path, name, config.replace("bittorrent: {}", options))
    (rewrite, *_) = (entry for entry in result.entries if entry.code == "rewrite")
    assert b"port=63448&" in rewrite.before[0] and b"port=63448&" not in rewrite.after[0]
    assert "listener.opened" not in result.codes()
    assert HASH not in rewrite.after[0]
