"""Whole UDP datagrams from the fragments that the switch punts (RFC 791 section 3.2, RFC 815,
RFC 8200 section 4.5).

A state machine without a clock. Overlapping fragments drop the datagram and what still comes of
it (RFC 5722, here for IPv4 as well); the same fragment again does not matter. What is held is
bounded, per sender and in all: beyond, the newest is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from ryu_alg import packets

TIMEOUT = 30.0
"""Seconds from a datagram's first fragment on; RFC 791 has 15, RFC 8200 60."""
LARGEST = 0xFFFF
"""Bytes of a whole IP packet."""
_IPV4_HEADER = 20
_NO_MAC = bytes(6)

_Key = tuple[bytes, bytes, int, int]


class Unusable(Enum):
    """Why a fragment was not taken; the values end names of counters."""

    OVERLAP = "overlap"
    """It, or an earlier one of its datagram, overlaps another."""
    LENGTH = "length"
    """It ends where no fragment can."""
    OVERSIZE = "oversize"
    """The whole would be longer than an IP packet can be."""
    PIECES = "pieces"
    """Its datagram is in too many."""
    HOST_FULL = "host_full"
    """Too much of this sender's waits."""
    FULL = "full"
    """Too much waits in all."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A datagram of which nothing is missing."""

    frame: bytes
    """As if it had never been in fragments."""
    fragments: tuple[bytes, ...]
    """The frames that it came in, in order of arrival."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may wait for its missing fragments. Bytes are those of frames."""

    fragments: int = 128
    """Of one datagram; the longest has 45 on Ethernet."""
    datagrams_per_host: int = 64
    bytes_per_host: int = 512 * 1024
    datagrams: int = 1024
    bytes: int = 8 * 1024 * 1024


@dataclass(slots=True)
class _Incomplete:
    """A datagram that waits for its missing fragments, or for its time to be up."""

    expires: float
    parts: dict[int, bytes] = field(default_factory=dict)
    """By offset; they do not overlap."""
    frames: list[bytes] = field(default_factory=list)
    size: int = 0
    """Bytes of `frames`."""
    received: int = 0
    """Bytes of `parts`."""
    total: int | None = None
    """Known from the last fragment on."""
    first: packets.Packet | None = None
    broken: bool = False
    """By an overlap: nothing of it is kept, and nothing more of it taken."""


class Reassembly:
    """The datagrams that are not whole yet."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._waiting: dict[_Key, _Incomplete] = {}
        """In the order in which they expire."""
        self._datagrams: Counter[bytes] = Counter()
        self._bytes: Counter[bytes] = Counter()
        self._all_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, fragment: packets.Packet, now: float) -> Whole | Unusable | None:
        """Take a fragment, at `now` in seconds: the whole if it was the last that was missing,
        None while others are."""
        self.expire(now)
        key = (fragment.src, fragment.dst, fragment.fragment_id, fragment.proto)
        begin, data = fragment.fragment_offset, fragment.frame[fragment.l4 : fragment.end]
        end = begin + len(data)
        header = _IPV4_HEADER if fragment.version == 4 else 0
        if not data or (fragment.more_fragments and len(data) % 8):
            return Unusable.LENGTH
        if header + end > LARGEST:
            return Unusable.OVERSIZE

        waiting = self._waiting.get(key)
        if waiting is not None:
            if waiting.broken:
                return Unusable.OVERLAP
            known = waiting.parts.get(begin) == data
            if known and fragment.more_fragments == (end != waiting.total):
                return None  # the same one again
            if self._contradicts(waiting, begin, end, fragment.more_fragments):
                self._release(key, waiting)
                waiting.broken = True
                waiting.parts, waiting.frames, waiting.first = {}, [], None
                return Unusable.OVERLAP
            if len(waiting.parts) >= self._limits.fragments:
                return Unusable.PIECES
        refusal = self._no_room(fragment.src, len(fragment.frame), waiting is None)
        if refusal is not None:
            return refusal
        if waiting is None:
            waiting = self._waiting[key] = _Incomplete(now + TIMEOUT)
            self._datagrams[fragment.src] += 1
        self._keep(waiting, fragment, data)
        if waiting.total is None or waiting.received < waiting.total:
            return None
        self._forget(key, waiting)
        return _whole(waiting)

    def expire(self, now: float) -> int:
        """Forget the datagrams whose time is up: how many of them were not dropped before."""
        expired = 0
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            if oldest.expires > now:
                break
            expired += not oldest.broken
            self._forget(key, oldest)
        return expired

    @staticmethod
    def _contradicts(waiting: _Incomplete, begin: int, end: int, more: bool) -> bool:
        """Whether a fragment overlaps another, or the datagram's end is not where it was."""
        overlaps = any(at < end and begin < at + len(part) for at, part in waiting.parts.items())
        if overlaps:
            return True
        if more:
            return waiting.total is not None and end >= waiting.total
        furthest = max(at + len(part) for at, part in waiting.parts.items())
        return waiting.total is not None or furthest > end

    def _no_room(self, host: bytes, size: int, begins: bool) -> Unusable | None:
        limits = self._limits
        if (begins and self._datagrams[host] >= limits.datagrams_per_host) or self._bytes[
            host
        ] + size > limits.bytes_per_host:
            return Unusable.HOST_FULL
        if (
            begins and len(self._waiting) >= limits.datagrams
        ) or self._all_bytes + size > limits.bytes:
            return Unusable.FULL
        return None

    def _keep(self, waiting: _Incomplete, fragment: packets.Packet, data: bytes) -> None:
        waiting.parts[fragment.fragment_offset] = data
        waiting.received += len(data)
        waiting.frames.append(fragment.frame)
        waiting.size += len(fragment.frame)
        self._bytes[fragment.src] += len(fragment.frame)
        self._all_bytes += len(fragment.frame)
        if not fragment.more_fragments:
            waiting.total = fragment.fragment_offset + len(data)
        if not fragment.fragment_offset:
            waiting.first = fragment

    def _release(self, key: _Key, waiting: _Incomplete) -> None:
        """Give up the bytes that a datagram holds."""
        host = key[0]
        self._all_bytes -= waiting.size
        self._bytes[host] -= waiting.size
        waiting.size = 0
        if not self._bytes[host]:
            del self._bytes[host]

    def _forget(self, key: _Key, waiting: _Incomplete) -> None:
        host = key[0]
        self._release(key, waiting)
        del self._waiting[key]
        self._datagrams[host] -= 1
        if not self._datagrams[host]:
            del self._datagrams[host]


def _whole(complete: _Incomplete) -> Whole:
    first = complete.first
    assert first is not None  # a part begins at 0, or not all bytes would be there
    frame = packets.build_ip(
        eth_src=_NO_MAC,
        eth_dst=_NO_MAC,
        src=first.src,
        dst=first.dst,
        proto=first.proto,
        data=b"".join(part for _, part in sorted(complete.parts.items())),
        ttl=first.ttl,
        tos=first.tos,
    )
    return Whole(frame, tuple(complete.frames))
