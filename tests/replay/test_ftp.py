"""FTP sessions that were captured on either side, whole and in parts."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import dpkt
import pytest

from ryu_alg.replay.vantage import At
from tests.replay.wire import ACK, RST, SYN, Connection, at, replayed, segment

CLIENT, SERVER = at("192.168.10.2:4000"), at("203.0.113.2:21")
ACTIVE, SERVER_DATA = at("192.168.10.2:4001"), at("203.0.113.2:20")
INSERVER, OUTSIDER = at("192.168.20.2:21"), at("203.0.113.3:5000")
PUBLIC = at("203.0.113.1:21")
PORT = b"PORT 192,168,10,2,15,161\r\n"


def active(piece: int = 1460) -> list[bytes]:
    """A file in active mode."""
    packets: list[bytes] = []
    control = Connection(packets, CLIENT, SERVER).open()
    control.server_says(b"220 hello\r\n", piece)
    control.client_says(PORT, piece)
    control.server_says(b"200 fine\r\n", piece)
    control.client_says(b"RETR file\r\n", piece)
    data = Connection(packets, SERVER_DATA, ACTIVE).open()
    data.client_says(b"the file")
    data.close()
    control.server_says(b"226 done\r\n", piece)
    control.client_says(b"QUIT\r\n", piece)
    control.close()
    return packets


@pytest.mark.parametrize("piece", [1460, 7, 1])
def test_active_mode_leaves_as_the_gateway_would_have_it(tmp_path: Path, piece: int) -> None:
    result = replayed(tmp_path, active(piece))
    rewrite = result.only("rewrite")
    assert rewrite.before == (PORT.strip(),)
    (new,) = rewrite.after
    numbers = new.removeprefix(b"PORT 203,0,113,1,").split(b",")
    announced = at(f"203.0.113.1:{int(numbers[0]) * 256 + int(numbers[1])}")
    lines = b"%s\r\nRETR file\r\nQUIT\r\n" % new
    assert result.stream(SERVER) == lines
    assert result.stream(CLIENT) == b"220 hello\r\n200 fine\r\n226 done\r\n"
    assert result.stream(ACTIVE) == b"the file"
    assert {source for source, target, _ in result.tcp() if target == SERVER_DATA} == {announced}
    assert "pinhole.used" in result.codes()
    assert result.only("session.ended").detail == "closed"
    assert "capture.gap" not in result.codes()


def test_acknowledgements_are_carried_over(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, CLIENT, SERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(PORT)
    control.server_says(b"200 fine\r\n")
    start, answered = control.sent[CLIENT], control.sent[SERVER] & 0xFFFFFFFF
    for line in (b"NOOP\r\n", b"NOOP\r\n"):
        packets.append(segment(CLIENT, SERVER, control.sent[CLIENT], answered, ACK, line))
        control.sent[CLIENT] += len(line)
    packets.append(segment(SERVER, CLIENT, answered, start + 6, ACK))
    result = replayed(tmp_path, packets)
    (new,) = result.only("rewrite").after
    assert len(new) != len(PORT.strip())  # or there is nothing to carry over
    sent = [tcp for _, target, tcp in result.tcp() if target == CLIENT]
    assert sent[-1].ack == start + 6


def test_order_of_what_is_told(tmp_path: Path) -> None:
    codes = replayed(tmp_path, active()).codes()
    told = ["session.opened", "rewrite", "pinhole.opened", "pinhole.used", "session.ended"]
    places = [codes.index(code) for code in told]
    assert all(before < after for before, after in pairwise(places))


def test_entries_name_their_packet_and_its_time(tmp_path: Path) -> None:
    packets = active()
    number = next(n for n, packet in enumerate(packets, start=1) if PORT in packet)
    rewrite = replayed(tmp_path, packets).only("rewrite")
    assert rewrite.packet == number
    assert rewrite.time == pytest.approx((number - 1) / 100, abs=1e-6)


def test_everything_that_leaves_has_right_checksums(tmp_path: Path) -> None:
    for packet in replayed(tmp_path, active()).left:
        ip = dpkt.ip.IP(packet)
        found = ip.sum, ip.data.sum
        ip.sum = ip.data.sum = 0
        again = dpkt.ip.IP(bytes(ip))
        assert found == (again.sum, again.data.sum)


def test_one_capture_always_gives_the_same(tmp_path: Path) -> None:
    first, second = (replayed(tmp_path, active()) for _ in range(2))
    assert first.left == second.left
    assert first.entries == second.entries


def test_out_of_order_and_twice(tmp_path: Path) -> None:
    whole = replayed(tmp_path, active(5))
    packets = active(5)
    shuffled: list[bytes] = packets[:3]
    order = random.Random(2)
    for start in range(3, len(packets), 4):
        few = packets[start : start + 4]
        order.shuffle(few)
        shuffled += [packet for packet in few for _ in range(2)]
    result = replayed(tmp_path, shuffled)
    (rewrite,) = (e.after for e in whole.entries if e.code == "rewrite")
    assert rewrite in [e.after for e in result.entries if e.code == "rewrite"]
    assert result.stream(SERVER) == whole.stream(SERVER)


def test_passive_mode_leaves_as_the_public_address(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, CLIENT, SERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(b"PASV\r\n")
    control.server_says(b"227 Entering Passive Mode (203,0,113,2,195,80)\r\n")
    data = Connection(packets, ACTIVE, at("203.0.113.2:50000")).open()
    data.client_says(b"upwards")
    result = replayed(tmp_path, packets)
    assert result.stream(at("203.0.113.2:50000")) == b"upwards"
    (source,) = {s for s, target, _ in result.tcp() if target == data.server}
    assert str(source.address) == "203.0.113.1"
    assert 1024 <= source.port <= 32767
    assert result.counts["data"] == len(packets) - 9
    assert "refused" not in result.counts


def test_a_published_server_captured_outside(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, OUTSIDER, PUBLIC).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(b"PORT 203,0,113,3,19,137\r\n")
    control.server_says(b"200 fine\r\n")
    control.close()
    result = replayed(tmp_path, packets, At.OUTSIDE)
    opened = result.only("session.opened").detail
    assert opened == f"{OUTSIDER} -> {INSERVER}, published as {PUBLIC}"
    assert result.stream(INSERVER) == b"PORT 203,0,113,3,19,137\r\n"
    assert result.stream(OUTSIDER) == b"220 hello\r\n200 fine\r\n"
    assert result.only("session.ended").detail == "closed"


def test_a_published_server_captured_inside(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, OUTSIDER, INSERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(b"PASV\r\n")
    control.server_says(b"227 Entering Passive Mode (192,168,20,2,195,80)\r\n")
    control.client_says(b"RETR it\r\n")
    data = Connection(packets, at("203.0.113.3:5001"), at("192.168.20.2:50000")).open()
    data.client_says(b"in")
    control.close()
    result = replayed(tmp_path, packets)
    (new,) = result.only("rewrite").after
    assert new.startswith(b"227 Entering Passive Mode (203,0,113,1,")
    assert result.stream(INSERVER) == b"PASV\r\nRETR it\r\n"
    assert result.stream(at("192.168.20.2:50000")) == b"in"
    assert result.only("session.ended").detail == "closed"


def test_a_client_captured_outside_is_one_of_the_hosts_behind(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, at("203.0.113.1:30000"), SERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(PORT)
    result = replayed(tmp_path, packets, At.OUTSIDE)
    assert result.only("session.opened").detail.startswith("192.168.10.2:30000 -> ")
    assert result.only("rewrite").before == (PORT.strip(),)


def test_a_conversation_without_its_beginning(tmp_path: Path) -> None:
    result = replayed(tmp_path, active()[3:])
    told = [entry for entry in result.entries if entry.code == "session.mid_stream"]
    assert {entry.detail.split(":")[0] for entry in told} <= {
        f"tcp {CLIENT.address}",
        f"tcp {SERVER.address}",
    }
    assert len(told) == 1
    assert not [t for _, t, _ in result.tcp() if t in (SERVER, CLIENT)]
    assert "session.opened" not in result.codes()


def test_what_nobody_expects_from_outside_is_left_out(tmp_path: Path) -> None:
    knock = segment(at("203.0.113.3:9"), at("192.168.10.2:2222"), 5, 0, SYN)
    result = replayed(tmp_path, [knock, knock])
    assert result.left == []
    assert result.counts["refused"] == 2
    assert result.only("packet.refused").detail.startswith("tcp 203.0.113.3:9 -> ")


def test_ordinary_connections_are_translated_both_ways(tmp_path: Path) -> None:
    web = Connection([], at("192.168.10.2:3333"), at("203.0.113.2:80")).open()
    web.client_says(b"GET")
    web.server_says(b"200")
    result = replayed(tmp_path, web.packets)
    assert result.counts == {"ordinary": len(web.packets)}
    assert result.stream(web.client) == b"200"
    assert {str(s.address) for s, t, _ in result.tcp() if t == web.server} == {"203.0.113.1"}


def test_a_truncated_command_is_said_to_be_so(tmp_path: Path) -> None:
    packets = active()
    cut = [packet[:50] if PORT in packet else packet for packet in packets]
    result = replayed(tmp_path, cut)
    size = len(next(packet for packet in packets if PORT in packet))
    assert f"50 of {size} bytes" in result.only("packet.truncated").detail
    assert "rewrite" not in result.codes()


def test_data_that_was_captured_in_part_is_translated(tmp_path: Path) -> None:
    packets = active()
    cut = [packet[:44] if b"the file" in packet else packet for packet in packets]
    result = replayed(tmp_path, cut)
    part = next(p for p in result.left if p.endswith(b"the "))
    whole = next(p for p in replayed(tmp_path, packets).left if p.endswith(b"the file"))
    assert part == whole[:44]


def test_bytes_that_are_missing_are_told_of(tmp_path: Path) -> None:
    packets = [packet for packet in active() if PORT not in packet]
    spread = [(number * 1.0, packet) for number, packet in enumerate(packets)]
    result = replayed(tmp_path, spread)
    gap = result.only("capture.gap")
    assert gap.detail.startswith(f"{len(PORT)} bytes to_server are not in the capture")
    assert gap.protocol == "ftp"


def test_the_capture_has_the_clock(tmp_path: Path) -> None:
    packets = active()
    end = next(n for n, packet in enumerate(packets) if b"RETR" in packet)
    late = (100.0, segment(CLIENT, SERVER, 1, 1, RST | ACK))
    result = replayed(tmp_path, [(n / 100, p) for n, p in enumerate(packets[:end])] + [late])
    opened, closed = result.only("pinhole.opened"), result.only("pinhole.closed")
    assert closed.time == pytest.approx(opened.time + 30)
    assert closed.packet is None


def test_policy_is_that_of_the_configuration(tmp_path: Path) -> None:
    packets: list[bytes] = []
    control = Connection(packets, CLIENT, SERVER).open()
    control.server_says(b"220 hello\r\n")
    control.client_says(b"PORT 192,168,10,9,15,161\r\n")
    result = replayed(tmp_path, packets)
    assert any(code.startswith("ftp.") and "foreign" in code for code in result.codes())
    assert b"PORT" not in result.stream(SERVER)
    assert result.stream(CLIENT).splitlines()[1].startswith(b"50")
