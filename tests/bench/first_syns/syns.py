"""SYNs, where they leave a host and where they arrive, and which of them do not."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from ryu_alg.lab import Host
from tests.e2e import network

_EVERY_PROTOCOL = 0x0003
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_BUFFER = 32 << 20
"""Of one host. A SYN takes less than a kilobyte of it."""
_TIMESTAMPS = 8
"""TCP's option (RFC 7323)."""

# What begins with an IP header (SOCK_DGRAM), IPv4 or IPv6 without extension headers, and has SYN.
_FILTER = (
    (0x30, 0, 0, 0),  # ldb [0]
    (0x54, 0, 0, 0xF0),  # and 0xf0
    (0x15, 0, 5, 0x40),  # IPv4, or 5 on
    (0x30, 0, 0, 9),  # ldb [9]
    (0x15, 0, 8, 6),  # TCP, or reject
    (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf)
    (0x50, 0, 0, 13),  # ldb [x+13]
    (0x05, 0, 0, 4),  # to the flags
    (0x15, 0, 4, 0x60),  # IPv6, or reject
    (0x30, 0, 0, 6),  # ldb [6]
    (0x15, 0, 2, 6),  # TCP, or reject
    (0x30, 0, 0, 53),  # ldb [53]
    (0x45, 1, 0, 0x02),  # the flags: SYN
    (0x06, 0, 0, 0),  # reject
    (0x06, 0, 0, 0xFFFF),  # accept
)

Endpoint = tuple[str, int]


class SynError(Exception):
    """The count cannot be exact; says why."""


@dataclass(frozen=True, slots=True)
class Syn:
    """A SYN or SYN-ACK, on one host."""

    host: str
    leaving: bool
    """It is about to leave that host; otherwise it has come."""
    answer: bool
    """A SYN-ACK."""
    source: Endpoint
    destination: Endpoint
    sequence: int
    """The initial sequence number: NAT does not change it."""
    stamp: int
    """The timestamp, 0 without: another one when a SYN is repeated."""

    @classmethod
    def parse(cls, host: str, leaving: bool, packet: bytes) -> Syn:
        """From an IP packet that the filter lets through."""
        if packet[0] >> 4 == 4:
            addresses, tcp = (packet[12:16], packet[16:20]), packet[(packet[0] & 15) * 4 :]
        else:
            addresses, tcp = (packet[8:24], packet[24:40]), packet[40:]
        source, destination, sequence = struct.unpack_from("!HHI", tcp)
        return cls(
            host,
            leaving,
            bool(tcp[13] & 0x10),
            (str(ip_address(addresses[0])), source),
            (str(ip_address(addresses[1])), destination),
            sequence,
            _stamp(tcp[20 : (tcp[12] >> 4) * 4]),
        )


def _stamp(options: bytes) -> int:
    while options and options[0]:
        if options[0] == 1:
            options = options[1:]
            continue
        if options[0] == _TIMESTAMPS:
            return int.from_bytes(options[2:6], "big")
        options = options[max(2, options[1]) :]
    return 0


class SynCapture:
    """Sees every SYN on `eth0` of some hosts, from when it is made until `close`."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        instructions = b"".join(struct.pack("HBBI", *it) for it in _FILTER)
        memory = ctypes.create_string_buffer(instructions, len(instructions))
        program = struct.pack("HL", len(_FILTER), ctypes.addressof(memory))
        for host in hosts:
            with network.on(host):
                made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self._sockets[host.name] = made
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            made.bind(("eth0", _EVERY_PROTOCOL))

    def take(self) -> list[Syn]:
        """What was seen since the last time, of each host in the order of time. SynError when
        the kernel had no room for all."""
        seen = []
        for name, its in self._sockets.items():
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet, address = its.recvfrom(256)
                    seen.append(Syn.parse(name, address[2] == socket.PACKET_OUTGOING, packet))
            _, dropped = struct.unpack("II", its.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
            if dropped:
                raise SynError(f"the capture on {name} has missed {dropped} packets")
        return seen

    def close(self) -> None:
        for its in self._sockets.values():
            its.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class SynCount:
    """What became of the SYNs of some connections."""

    connections: int
    lost: tuple[Syn, ...]
    """First SYNs that left and did not arrive."""
    repeated: int
    """SYNs sent again, whether the first one was lost or its answer came late."""
    answers_repeated: int
    """SYN-ACKs sent again."""

    @property
    def repeats(self) -> int:
        """Of both kinds, as kernels count them."""
        return self.repeated + self.answers_repeated

    def __add__(self, other: SynCount) -> SynCount:
        return SynCount(
            self.connections + other.connections,
            self.lost + other.lost,
            self.repeated + other.repeated,
            self.answers_repeated + other.answers_repeated,
        )


NONE = SynCount(0, (), 0, 0)


def count(seen: Iterable[Syn]) -> SynCount:
    """Of all connections whose SYN is among `seen`.

    A SYN has arrived when one with its sequence number and its timestamp has come to another host.
    The gateway takes the timestamps out of control connections: of these, the first one counts as
    lost when fewer copies have come than were sent.
    """
    seen = list(seen)
    sent: dict[int, list[Syn]] = {}
    for syn in seen:
        if syn.leaving and not syn.answer:
            sent.setdefault(syn.sequence, []).append(syn)
    come = Counter((syn.sequence, syn.stamp) for syn in seen if not syn.leaving and not syn.answer)
    answers = [(syn.host, syn.sequence) for syn in seen if syn.leaving and syn.answer]
    lost = [
        copies[0]
        for sequence, copies in sent.items()
        if not come[sequence, copies[0].stamp] and come[sequence, 0] < len(copies)
    ]
    return SynCount(
        len(sent),
        tuple(lost),
        sum(len(copies) - 1 for copies in sent.values()),
        len(answers) - len(set(answers)),
    )


def count_apart(seen: Iterable[Syn], control_ports: Collection[int]) -> tuple[SynCount, SynCount]:
    """Of the data connections, and of the control connections."""
    control: list[Syn] = []
    data: list[Syn] = []
    for syn in seen:
        port = (syn.source if syn.answer else syn.destination)[1]
        (control if port in control_ports else data).append(syn)
    return count(data), count(control)
