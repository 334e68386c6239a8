"""Capture files of many kinds, and what is none."""

from __future__ import annotations

import struct
from pathlib import Path

import dpkt
import pytest

from ryu_alg.replay.capture import Capture, Captured, CaptureError, Output, ip_packet
from tests.replay.wire import STARTED, at, datagram, write

PACKET = datagram(at("192.168.10.2:1"), at("203.0.113.2:2"), b"hello")
ETHERNET = bytes(12) + b"\x08\x00"
TAG = b"\x81\x00\x00\x07"
LINKS = {
    "Ethernet": (1, ETHERNET),
    "802.1Q": (1, bytes(12) + TAG + b"\x08\x00"),
    "802.1ad": (1, bytes(12) + b"\x88\xa8\x00\x05" + TAG + b"\x08\x00"),
    "Linux cooked": (113, struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x0800)),
    "Linux cooked 2": (276, struct.pack("!HHIHBB8s", 0x0800, 0, 3, 1, 0, 6, bytes(8))),
    "raw IP": (101, b""),
    "raw IP of BSD": (12, b""),
    "IPv4": (228, b""),
    "null": (0, struct.pack("<I", 2)),
    "loopback": (108, struct.pack("!I", 2)),
}


@pytest.mark.parametrize(("link", "header"), LINKS.values(), ids=LINKS)
def test_links(tmp_path: Path, link: int, header: bytes) -> None:
    path = write(tmp_path / "in.pcap", [header + PACKET], link)
    assert list(Capture(path)) == [Captured(1, STARTED, PACKET)]


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, b""),
        (1, bytes(12)),
        (1, bytes(12) + TAG),
        (1, bytes(12) + b"\x08\x06" + PACKET),
        (113, b"short"),
        (276, b""),
        (0, b"\x02"),
        (0, bytes(9)),
        (101, b""),
        (101, bytes(40)),
    ],
)
def test_what_is_not_ip(link: int, frame: bytes) -> None:
    assert ip_packet(link, frame) == b""


def test_pcapng(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    with path.open("wb") as file:
        writer = dpkt.pcapng.Writer(file)
        writer.writepkt(ETHERNET + PACKET, STARTED + 0.5)
    (captured,) = Capture(path)
    assert captured.ip == PACKET
    assert captured.time == pytest.approx(STARTED + 0.5)


def test_written_captures_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    with Output(path) as output:
        output.write(PACKET, STARTED)
        output.write(PACKET[:30], STARTED + 1)
    assert [captured.ip for captured in Capture(path)] == [PACKET, PACKET[:30]]


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_capture_that_ends_too_early_is_read_as_far_as_it_goes(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "in.pcap", [PACKET, PACKET])
    path.write_bytes(path.read_bytes()[: -len(PACKET) - cut])
    capture = Capture(path)
    assert [captured.ip for captured in capture] == [PACKET]
    assert (capture.damage is None) == (cut == 16)


def test_a_damaged_length_is_not_believed(tmp_path: Path) -> None:
    path = write(tmp_path / "in.pcap", [PACKET])
    with path.open("ab") as file:
        file.write(struct.pack("=IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0) + bytes(100))
    capture = Capture(path)
    assert len(list(capture)) == 1
    assert capture.damage == "the capture is damaged behind packet 1"


@pytest.mark.parametrize("content", [b"", b"\xd4\xc3\xb2\xa1", b"\n\r\r\n" + bytes(30), b"x" * 99])
def test_what_is_no_capture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="neither pcap nor pcapng"):
        list(Capture(path))


def test_an_unknown_link(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="link type 147"):
        list(Capture(write(tmp_path / "in.pcap", [PACKET], 147)))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        list(Capture(tmp_path / "nowhere.pcap"))
    with pytest.raises(CaptureError, match="nowhere"):
        Output(tmp_path / "nowhere" / "out.pcap")
