"""Capture files: the IP packets in them, whatever the link, and writing them again.

pcap and pcapng are read by dpkt. What is written is pcap of raw IP packets: which MAC addresses
a packet leaves with, the switch decides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import dpkt

MAX_READ = 16 * 1024 * 1024
"""Bytes: no block of a capture is longer. A damaged length must not take all memory."""

LINKTYPE_RAW = 101
_NULL, _ETHERNET, _LOOP, _SLL, _SLL2 = 0, 1, 108, 113, 276
_RAW = frozenset((12, 14, LINKTYPE_RAW, 228, 229))
"""DLT_RAW of several systems, LINKTYPE_IPV4 and _IPV6."""
_TAGS = frozenset((0x8100, 0x88A8, 0x9100))
_IP = frozenset((0x0800, 0x86DD))
_short = struct.Struct("!H")


class CaptureError(Exception):
    """The file is no capture, or not of a link that is known."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One packet of a capture."""

    number: int
    """From 1 on, as other programs count."""
    time: float
    """Seconds since the epoch."""
    ip: bytes
    """From its IP header on; b"" if it is not IP."""


class _Bounded:
    """A file of which nobody reads too much at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = file.name

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise ValueError(f"a block of {size} bytes")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        return self._file.seek(position)


@dataclass(slots=True)
class Capture:
    """A capture file, read packet by packet."""

    path: Path
    damage: str | None = None
    """What is wrong with its end, once that has been reached."""

    def __iter__(self) -> Iterator[Captured]:
        """Each packet, in the file's order. Raises CaptureError for what is no capture; one that
        only ends too early, as when its writer was killed, is read as far as it goes."""
        try:
            with self.path.open("rb") as file:
                yield from self._packets(file)
        except OSError as error:
            raise CaptureError(f"{self.path}: {error.strerror}") from error

    def _packets(self, file: BinaryIO) -> Iterator[Captured]:
        try:
            reader = dpkt.pcap.UniversalReader(_Bounded(file))
        except (ValueError, struct.error, dpkt.Error) as error:
            raise CaptureError(f"{self.path}: neither pcap nor pcapng") from error
        link = reader.datalink()
        if link not in _RAW and link not in dpkt.pcap.dltoff and link != _SLL2:
            raise CaptureError(f"{self.path}: packets of link type {link} cannot be read")
        packets = iter(reader)
        number = 0
        while True:
            try:
                time, frame = next(packets)
            except StopIteration:
                return
            except (ValueError, struct.error, dpkt.Error):
                self.damage = f"the capture is damaged behind packet {number}"
                return
            number += 1
            yield Captured(number, float(time), ip_packet(link, bytes(frame)))


def ip_packet(link: int, frame: bytes) -> bytes:
    """What `frame` of link type `link` holds from its IP header on; b"" if it is not IP."""
    if link == _ETHERNET:
        return _behind_ethertype(frame, 12)
    if link == _SLL:
        return _behind_ethertype(frame, 14)
    if link == _SLL2:
        kind = frame[:2]
        return frame[20:] if kind in map(_short.pack, _IP) else b""
    start = 0 if link in _RAW else dpkt.pcap.dltoff[link]
    packet = frame[start:]
    return packet if packet and packet[0] >> 4 in (4, 6) else b""


def _behind_ethertype(frame: bytes, at: int) -> bytes:
    """Behind the EtherType at `at`, and VLAN tags behind that."""
    while at + 2 <= len(frame):
        kind = _short.unpack_from(frame, at)[0]
        if kind in _IP:
            return frame[at + 2 :]
        if kind not in _TAGS:
            return b""
        at += 4
    return b""


class Output:
    """A capture that is written, a context manager; without a path, nothing is."""

    def __init__(self, path: Path | None) -> None:
        """Raises CaptureError if it cannot be written."""
        self._file: BinaryIO | None = None
        if path is None:
            return
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise CaptureError(f"{path}: {error.strerror}") from error
        self._writer = dpkt.pcap.Writer(self._file, snaplen=0x40000, linktype=LINKTYPE_RAW)

    def write(self, ip: bytes, time: float) -> None:
        """Add a packet from its IP header on. `time`: seconds since the epoch."""
        if self._file is not None:
            self._writer.writepkt(ip, time)

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
