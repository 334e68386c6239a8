"""What passes on SIP's ports and is no SIP: keepalives (RFC 5626), empty and STUN datagrams."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Endpoint

PING = b"\r\n\r\n"
PONG = b"\r\n"
MAX_FLOWS = 64
_NOISE = frozenset(b"\r\n\0 ")
_MAX_NOISE = 16
_STUN_COOKIE = b"\x21\x12\xa4\x42"
_STUN_HEADER = 20
_MAX_STUN = 548

Flow = tuple[Endpoint, Endpoint]
"""The inside host's endpoint and the other end's."""


def is_keepalive(payload: bytes) -> bool:
    """Whether there is nothing in it to be read: it passes as it is."""
    if len(payload) <= _MAX_NOISE and _NOISE.issuperset(payload):
        return True
    stun = payload[4:8] == _STUN_COOKIE and payload[:1] < b"\x40"
    return stun and _STUN_HEADER <= len(payload) <= _MAX_STUN


@dataclass(slots=True)
class Pings:
    """The gateway's own, whose answers are nobody else's."""

    _awaited: tuple[Flow, ...] = ()

    def sent(self, flow: Flow) -> None:
        """A ping leaves."""
        if len(self._awaited) < MAX_FLOWS and flow not in self._awaited:
            self._awaited += (flow,)

    def answers(self, flow: Flow, payload: bytes) -> bool:
        """Whether this is the answer to one; then it goes no further."""
        if payload != PONG or flow not in self._awaited:
            return False
        self._awaited = tuple(other for other in self._awaited if other != flow)
        return True
