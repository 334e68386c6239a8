"""What mutation begins with: the dialogues of the protocols' tests, and recorded conversations."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from ryu_alg import packets
from ryu_alg.inspection import Direction
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.replay.capture import Capture
from tests.fuzz.mutation import LONGEST
from tests.fuzz.records import Record, written
from tests.protocols.bittorrent import http_messages as tracker
from tests.protocols.bittorrent import peers as peer
from tests.protocols.bittorrent import test_dht as dht
from tests.protocols.bittorrent import test_udp_tracker as udp_tracker
from tests.protocols.bittorrent.host import CLIENT, NODE
from tests.protocols.ftp import dialogues as ftp_dialogues
from tests.protocols.irc import dialogues as irc_dialogues
from tests.protocols.playbook import steps
from tests.protocols.rtsp import dialogues as rtsp_dialogues
from tests.protocols.sip.messages import TORTURE_INVALID, TORTURE_VALID, request
from tests.protocols.sip.ua import SDP_TYPE, invite, sdp
from tests.protocols.tftp.site import request as tftp_request
from tests.protocols.xmpp import dialogues as xmpp_dialogues

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SITUATIONS = 3
"""Of streams, not counting options: `streams.ENDS`."""
Arrivals = Iterable[tuple[Direction, bytes]]


def conversation(arrivals: Arrivals, situation: int = 0) -> bytes:
    """Both sides say what they say, whole."""
    ways = {Direction.TO_SERVER: ">", Direction.TO_CLIENT: "<"}
    return written(situation, ((ways[way], data) for way, data in arrivals))


def short(inputs: Iterable[bytes]) -> list[bytes]:
    return sorted(
        {data for data in inputs if len(data) <= LONGEST}, key=lambda data: (len(data), data)
    )


def _everywhere(conversations: Iterable[Arrivals], options: int = 1) -> Iterator[bytes]:
    for arrivals in map(list, conversations):
        for situation in range(SITUATIONS):
            yield conversation(arrivals, situation)
        for option in range(1, options):
            yield conversation(arrivals, option * SITUATIONS)


def played(text: str) -> list[tuple[Direction, bytes]]:
    return [(step.direction, step.data) for step in steps(text)]


# -- recorded ------------------------------------------------------------------------------------


@functools.cache
def recorded(name: str) -> tuple[packets.Packet, ...]:
    """The packets of a capture; none if it is not at hand."""
    path = CORPUS / name
    if not path.exists():
        return ()
    found = []
    for captured in Capture(path):
        kind = b"\x86\xdd" if captured.ip[:1] >= b"\x60" else b"\x08\x00"
        packet = packets.decode(bytes(12) + kind + captured.ip)
        if isinstance(packet, packets.Packet):
            found.append(packet)
    return tuple(found)


def recorded_streams(name: str, port: int) -> list[list[tuple[Direction, bytes]]]:
    """Its TCP conversations with a server's port."""
    found: dict[tuple[bytes, int], list[tuple[Direction, bytes]]] = {}
    for packet in recorded(name):
        if packet.proto != packets.TCP or not packet.payload:
            continue
        if packet.dport == port:
            key, way = (packet.src, packet.sport), Direction.TO_SERVER
        elif packet.sport == port:
            key, way = (packet.dst, packet.dport), Direction.TO_CLIENT
        else:
            continue
        found.setdefault(key, []).append((way, packet.payload))
    return list(found.values())


# -- streams -------------------------------------------------------------------------------------


def ftp() -> list[bytes]:
    told = [played(dialogue.text) for dialogue in ftp_dialogues.DIALOGUES]
    for name in ("ftp_ipv4", "ftp_ipv6", "ftp_retr", "ftp_ipv6-multiline-reply"):
        told += recorded_streams(f"{name}.pcap", 21)
    return short(_everywhere(told, 4))


def irc() -> list[bytes]:
    welcome = played(irc_dialogues.WELCOME)
    told = [welcome + played(dialogue.text) for dialogue in irc_dialogues.DIALOGUES]
    for name in ("irc-basic.pcap", "irc-dcc-send.pcapng"):
        for port in (6667, 6668):
            told += recorded_streams(name, port)
    return short(_everywhere(told, 2))


def rtsp() -> list[bytes]:
    return short(_everywhere((each.arrivals for each in rtsp_dialogues.DIALOGUES), 2))


def xmpp() -> list[bytes]:
    return short(_everywhere((each.arrivals for each in xmpp_dialogues.DIALOGUES), 3))


def bittorrent_talks() -> list[list[tuple[Direction, bytes]]]:
    """Trackers, and peers."""
    up, down = Direction.TO_SERVER, Direction.TO_CLIENT
    accepted = tracker.accepted(peers=bencode.text(tracker.peers("198.51.100.9:6881")))
    return [
        [(up, tracker.announce()), (down, tracker.answer(accepted))],
        [(up, tracker.announce()), (down, tracker.chunked(accepted[:9], accepted[9:]))],
        [(up, tracker.announce(port=22, more="&ip=192.168.10.2")), (down, tracker.answer())],
        [
            (up, tracker.announce()),
            (down, tracker.answer(accepted)),
            (up, tracker.announce(more="&event=stopped")),
            (down, tracker.answer(tracker.FAILED)),
        ],
        [
            (up, peer.handshake()),
            (down, peer.handshake()),
            (up, peer.introduction(p=6881, pex=1, ipv4=bytes((192, 168, 10, 2)))),
            (down, peer.introduction(p=51413, pex=2)),
            (up, peer.BITFIELD + peer.INTERESTED + peer.port(6881)),
            (up, peer.extended(2, peer.exchange(added=peer.peers(("192.168.10.2", 6881))))),
            (down, peer.extended(1, peer.exchange(added=peer.peers(("198.51.100.9", 51413))))),
            (down, peer.UNCHOKE + peer.KEEP_ALIVE + peer.piece(200)),
        ],
    ]


def bittorrent() -> list[bytes]:
    told = bittorrent_talks()
    for port in (80, 6969):
        told += recorded_streams("bittorrent_tracker.pcap", port)
    return short(_everywhere(told, 2))


# -- SIP -----------------------------------------------------------------------------------------

OURS, THEIRS = sdp("192.168.10.2", 4000), sdp("198.51.100.9", 7000)
HELD = sdp("192.168.10.2", 4000, "a=inactive")
_FROM_OUTSIDE = "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK-9"


def sip_scripts() -> list[list[Record]]:
    """Calls and registrations; `+` and `-` answer what has arrived."""
    register = request("REGISTER", "sip:example.com", "Contact: <sip:alice@192.168.10.2>")
    call = invite(body=OURS)
    called = request(
        "INVITE",
        "sip:alice@203.0.113.1:49152",
        "Contact: <sip:bob@198.51.100.7>",
        SDP_TYPE,
        via=_FROM_OUTSIDE,
        call_id="from-outside",
        body=THEIRS,
    )
    cancel = request("CANCEL", via="SIP/2.0/UDP 192.168.10.2:5060;branch=z9hG4bK-i1;rport")
    ok, contact = b"200 b1", b"Contact: <sip:bob@198.51.100.9>\r\n"
    reinvite = b"INVITE 2\r\nContact: <sip:alice@192.168.10.2>\r\n"
    scripts: list[list[Record]] = [
        [(">", register), ("+", b"200 b1\r\nExpires: 90"), ("t", b"\x40"), ("<", called)],
        [(">", register), ("+", b"401 b1"), (">", register)],
        [
            *((">", call), ("+", b"183 b1\r\n" + THEIRS), ("+", ok + b"\r\n" + THEIRS)),
            *(("-", b"ACK 1"), ("-", reinvite + HELD), ("+", ok + b"\r\n" + THEIRS)),
            *(("-", b"ACK 2"), ("-", b"BYE 3"), ("+", ok)),
        ],
        [
            *((">", call), ("+", ok + b"\r\n" + contact + THEIRS), ("-", b"ACK 1")),
            *(("+", b"INFO 7"), ("-", ok), ("+", b"BYE 8"), ("-", ok)),
        ],
        [
            *((">", call), ("+", b"183 b1\r\nRequire: 100rel\r\nRSeq: 1\r\n" + THEIRS)),
            *(("-", b"PRACK 2\r\nRAck: 1 1 INVITE"), ("+", ok), ("-", b"UPDATE 3\r\n" + HELD)),
            *(("+", ok + b"\r\n" + THEIRS), ("-", b"CANCEL 1"), ("+", ok), ("+", b"487 b1")),
        ],
        [
            *(("<", called), ("-", ok + b"\r\n" + OURS), ("+", b"ACK 1"), ("+", b"BYE 2")),
            *(("-", ok), ("t", b"\x40")),
        ],
        [
            *((">", call), ("+", ok + b"\r\n" + THEIRS), ("-", b"ACK 1")),
            *(("-", b"REFER 2\r\nRefer-To: <sip:carol@example.com>"), ("+", b"202 b1")),
            *(("+", b"NOTIFY 3\r\nEvent: refer"), ("-", ok)),
        ],
        [(">", call), ("+", b"180 b1"), (">", cancel), ("+", ok), ("+", b"487 b1")],
        [(">", call), ("+", b"486 b2"), ("-", b"ACK 1")],
        [
            *((">", register), ("+", ok + b"\r\nExpires: 90")),
            *(("<", called), ("-", b"180 a1"), ("-", ok + b"\r\n" + OURS), ("i", b"")),
        ],
        [(">", call), ("h", b""), ("+", ok + b"\r\n" + THEIRS), ("-", b"BYE 2"), ("h", b"")],
        [(">", request("OPTIONS")), ("+", ok), ("<", request("NOTIFY", via=_FROM_OUTSIDE))],
    ]
    return scripts


def torture() -> list[list[Record]]:
    """The messages of RFC 4475, and others like them, from either side."""
    told = [*TORTURE_VALID.values(), *(raw for raw, _ in TORTURE_INVALID.values())]
    told += [path.read_bytes() for path in sorted((CORPUS / "sip-rfc4475").glob("*.dat"))]
    ends: list[Record] = [("+", b"200 b1"), ("-", b"200 a1")]
    return [[(kind, raw), *ends] for raw in told for kind in "><"]


def sip_streams() -> list[bytes]:
    scripts = list(_over_tcp(sip_scripts()))
    found = [written(situation, each) for each in scripts for situation in range(2 * SITUATIONS)]
    return short(found + [written(0, each) for each in _over_tcp(torture())])


def _over_tcp(scripts: Iterable[list[Record]]) -> Iterator[list[Record]]:
    for script in scripts:
        yield [(kind, data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")) for kind, data in script]


def sip_datagrams() -> list[bytes]:
    scripts = sip_scripts()
    told: list[Record] = []
    for packet in recorded("sip_wireshark.pcap"):
        if packet.proto == packets.UDP and 5060 in (packet.sport, packet.dport):
            told.append((">" if packet.src[:1] == b"\xc0" else "<", packet.payload))
    scripts += [told[start : start + 6] for start in range(0, min(len(told), 60), 6)]
    found = [written(situation, script) for script in scripts for situation in range(4)]
    return short(found + [written(0, each) for each in torture()])


# -- datagrams -----------------------------------------------------------------------------------


def tftp() -> list[bytes]:
    options = ("blksize", "1428", "tsize", "0", "windowsize", "4")
    scripts: list[list[Record]] = [
        [(kind, tftp_request(name="file")), (other, b"\0\3\0\1" + bytes(100))]
        for kind, other in ("><", "<>", "pq")
    ]
    scripts += [
        [(">", tftp_request(*options, name="x")), ("<", b"\0\6blksize\0001428\0")],
        [(">", tftp_request(*options, write=True, name="up")), ("<", b"\0\5\0\2no\0"), ("i", b"")],
        [
            ("<", tftp_request(name="/a/../b")),
            ("h", b""),
            ("<", tftp_request(name="c")),
            ("h", b""),
        ],
    ]
    return short(written(situation, script) for script in scripts for situation in range(4))


def bittorrent_datagrams() -> list[bytes]:
    accepted = udp_tracker.accepted(2, NODE, CLIENT)
    scripts: list[list[Record]] = [
        [
            *((">", udp_tracker.connect()), ("<", udp_tracker.connected())),
            *((">", udp_tracker.announce(port=6881)), ("<", accepted), ("t", b"\x20")),
            *((">", udp_tracker.announce(port=6881, event=3)), ("<", accepted)),
        ],
        [
            *((">", udp_tracker.connect()), ("<", udp_tracker.connected())),
            *((">", udp_tracker.scrape()), ("<", udp_tracker.failed(3, "no"))),
        ],
        [
            *(("s", dht.GET_PEERS), ("a", dht.response()), ("w", dht.announce_peer())),
            *(("a", dht.response()), ("i", b""), ("w", dht.announce_peer(implied_port=1))),
        ],
        [("s", dht.FIND_NODE), ("s", dht.PING), ("a", dht.failed(b"aa", 203, "no"))],
    ]
    return short(written(situation, script) for script in scripts for situation in range(4))


# -- frames --------------------------------------------------------------------------------------


def frames() -> list[bytes]:
    """Some of all that was recorded, and one of each kind."""
    names = ("ftp_ipv4", "ftp_ipv6", "sip_wireshark", "bittorrent_tracker")
    found = [packet.frame for name in names for packet in recorded(f"{name}.pcap")[:40]]
    ends = {"eth_src": b"\2\0\0\0\0\1", "eth_dst": b"\2\0\0\0\0\2"}
    for length in (4, 16):
        addresses = {"src": b"\x0a" * length, "dst": b"\xc6" * length}
        ports = {"sport": 40000, "dport": 21}
        udp = packets.build_udp(**ends, **addresses, **ports, payload=b"hello")
        tcp = packets.build_tcp(
            **ends, **addresses, **ports, seq=1, ack=2, flags=24, window=9, payload=b"PORT"
        )
        found += [udp, tcp]
        quoted = tcp[14:]
        kind = b"\x03\x04\0\0\0\0\x05\0" if length == 4 else b"\x02\0\0\0\0\0\x05\0"
        found.append(
            packets.build_ip(
                **ends, **addresses, proto=1 if length == 4 else 58, data=kind + quoted
            )
        )
    return short(found)
