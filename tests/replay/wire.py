"""Captures to replay, made with dpkt: nothing of what is under test has a hand in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import dpkt

from ryu_alg.inspection import Endpoint
from ryu_alg.replay.capture import Capture, Output
from ryu_alg.replay.entries import Entry
from ryu_alg.replay.replay import Replay, engine_config, pipeline_plan
from ryu_alg.replay.vantage import At
from ryu_alg.resources import resource
from ryu_alg.settings import load

SYN, ACK, FIN, RST = 2, 16, 1, 4
RAW = 101
STARTED = 1_700_000_000.0


def at(text: str) -> Endpoint:
    """The endpoint `address:port`."""
    address, _, port = text.rpartition(":")
    return Endpoint(IPv4Address(address), int(port))


def segment(
    source: Endpoint, target: Endpoint, seq: int, ack: int, flags: int, data: bytes = b""
) -> bytes:
    """A TCP segment from its IP header on."""
    tcp = dpkt.tcp.TCP(
        sport=source.port, dport=target.port, seq=seq, ack=ack, flags=flags, win=60_000, data=data
    )
    return _ip(source, target, dpkt.ip.IP_PROTO_TCP, tcp)


def datagram(source: Endpoint, target: Endpoint, data: bytes) -> bytes:
    """A UDP datagram from its IP header on."""
    udp = dpkt.udp.UDP(sport=source.port, dport=target.port, ulen=8 + len(data), data=data)
    return _ip(source, target, dpkt.ip.IP_PROTO_UDP, udp)


def _ip(source: Endpoint, target: Endpoint, proto: int, data: dpkt.Packet) -> bytes:
    ip = dpkt.ip.IP(src=source.address.packed, dst=target.address.packed, p=proto, data=data)
    ip.len = len(ip)
    return bytes(ip)


@dataclass
class Connection:
    """A TCP connection as somebody sees it who loses nothing."""

    packets: list[bytes]
    client: Endpoint
    server: Endpoint
    sent: dict[Endpoint, int] = field(default_factory=dict)

    def open(self) -> Connection:
        """The handshake."""
        self.sent = {self.client: 1000, self.server: 0xFFFFFF00}
        self._send(self.client, SYN)
        self._send(self.server, SYN | ACK)
        self._send(self.client, ACK)
        return self

    def say(self, sender: Endpoint, data: bytes, piece: int = 1460) -> None:
        """Data, and its acknowledgement."""
        for start in range(0, len(data), piece):
            self._send(sender, ACK, data[start : start + piece])
        self._send(self.other(sender), ACK)

    def client_says(self, data: bytes, piece: int = 1460) -> None:
        self.say(self.client, data, piece)

    def server_says(self, data: bytes, piece: int = 1460) -> None:
        self.say(self.server, data, piece)

    def close(self) -> None:
        """Both ends close."""
        for sender in (self.client, self.server):
            self._send(sender, FIN | ACK)
            self._send(self.other(sender), ACK)

    def other(self, end: Endpoint) -> Endpoint:
        return self.server if end == self.client else self.client

    def _send(self, sender: Endpoint, flags: int, data: bytes = b"") -> None:
        receiver = self.other(sender)
        ack = self.sent[receiver] & 0xFFFFFFFF if flags & ACK else 0
        seq = self.sent[sender] & 0xFFFFFFFF
        self.packets.append(segment(sender, receiver, seq, ack, flags, data))
        self.sent[sender] += len(data) + bool(flags & (SYN | FIN))


def write(path: Path, packets: Iterable[bytes | tuple[float, bytes]], link: int = RAW) -> Path:
    """A pcap file, with 10 ms between packets that have no time of their own, in seconds."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=link)
        for number, packet in enumerate(packets):
            time, data = (number / 100, packet) if isinstance(packet, bytes) else packet
            writer.writepkt(data, STARTED + time)
    return path


@dataclass
class Replayed:
    """What came of a capture."""

    entries: list[Entry]
    counts: dict[str, int]
    left: list[bytes]
    """The packets that left the gateway, from their IP headers on."""

    def codes(self) -> list[str]:
        return [entry.code for entry in self.entries]

    def only(self, code: str) -> Entry:
        """The entry with this code; there is one."""
        (entry,) = (entry for entry in self.entries if entry.code == code)
        return entry

    def tcp(self) -> list[tuple[Endpoint, Endpoint, dpkt.tcp.TCP]]:
        """Source, target and segment of the TCP packets that left."""
        return [
            (
                Endpoint(IPv4Address(ip.src), ip.data.sport),
                Endpoint(IPv4Address(ip.dst), ip.data.dport),
                ip.data,
            )
            for ip in map(dpkt.ip.IP, self.left)
            if isinstance(ip.data, dpkt.tcp.TCP | dpkt.udp.UDP)
        ]

    def stream(self, target: Endpoint) -> bytes:
        """The bytes that somebody received over a TCP connection, put together by number."""
        found: dict[int, int] = {}
        start = None
        for _, receiver, tcp in self.tcp():
            if receiver != target or not isinstance(tcp, dpkt.tcp.TCP):
                continue
            if tcp.flags & SYN:
                start = tcp.seq + 1
            assert start is not None
            for offset, byte in enumerate(tcp.data):
                place = tcp.seq + offset - start & 0xFFFFFFFF
                assert found.setdefault(place, byte) == byte
        assert sorted(found) == list(range(len(found)))
        return bytes(found[place] for place in range(len(found)))


def lab(tmp_path: Path, protocols: str = "") -> Path:
    """The configuration of the lab, with further protocols."""
    config = tmp_path / "gateway.yaml"
    config.write_text(resource("config", "lab.yaml").read_text() + protocols)
    return config


def replayed(
    tmp_path: Path,
    packets: Iterable[bytes | tuple[float, bytes]],
    side: At = At.INSIDE,
    protocols: str = "",
) -> Replayed:
    """Replay packets in the lab."""
    settings = load(lab(tmp_path, protocols))
    entries: list[Entry] = []
    out = tmp_path / "out.pcap"
    with Output(out) as output:
        replay = Replay(
            engine_config(settings), pipeline_plan(settings), side, output, entries.append
        )
        for captured in Capture(write(tmp_path / "in.pcap", packets)):
            replay.feed(captured)
        replay.finish()
    return Replayed(entries, replay.counts, [captured.ip for captured in Capture(out)])
