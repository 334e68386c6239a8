"""TCP options of a SYN, normalised so that the stream behind it can be edited.

Kept: maximum segment size (RFC 9293 section 3.7.1), lowered to leave room for longer text;
window scale (RFC 7323 section 2). Everything else goes: SACK (RFC 2018) and timestamps
(RFC 7323) speak of bytes that the editor may have moved or acknowledged itself, TFO (RFC 7413)
and MPTCP (RFC 8684) carry data outside the stream's own handshake.
"""

from __future__ import annotations

from dataclasses import dataclass

MSS_HEADROOM = 64
"""Bytes by which the announced segment size is lowered."""
MIN_MSS = 88
"""Never announce less than this (RFC 791's 68-byte minimum leaves no room for less)."""
DEFAULT_MSS_IPV4 = 536
DEFAULT_MSS_IPV6 = 1220
MAX_WINDOW_SCALE = 14

_END, _NOP, _MSS, _WINDOW_SCALE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class SynOptions:
    """What a SYN announced: `mss` in bytes, `window_scale` None where the option is absent."""

    mss: int | None
    window_scale: int | None


def parse(options: bytes) -> SynOptions:
    """Read the options that matter; anything malformed ends the reading, as in most stacks."""
    mss: int | None = None
    scale: int | None = None
    position = 0
    while position < len(options):
        kind = options[position]
        if kind == _END:
            break
        if kind == _NOP:
            position += 1
            continue
        if position + 1 >= len(options):
            break
        length = options[position + 1]
        if length < 2 or position + length > len(options):
            break
        if kind == _MSS and length == 4:
            mss = int.from_bytes(options[position + 2 : position + 4], "big")
        elif kind == _WINDOW_SCALE and length == 3:
            scale = min(options[position + 2], MAX_WINDOW_SCALE)
        position += length
    return SynOptions(mss, scale)


def build(announced: SynOptions, default_mss: int) -> bytes:
    """The options that leave instead of what `announced` came from."""
    mss = announced.mss if announced.mss is not None else default_mss
    lowered = max(min(mss, MIN_MSS), mss - MSS_HEADROOM)
    result = bytes((_MSS, 4)) + lowered.to_bytes(2, "big")
    if announced.window_scale is not None:
        result += bytes((_NOP, _WINDOW_SCALE, 3, announced.window_scale))
    return result
