"""A tracker's answer to an announce (BEP 3, BEP 7, BEP 23)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.addresses import read_address
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import MAX_PORT, Announcing
from ryu_alg.protocols.bittorrent.bencode import BencodeError, Dictionary, Number, Sequence, Text

_IPV4_PEER, _IPV6_PEER = 6, 18
"""Bytes of a compact peer."""
_Edit = tuple[bencode.Value, bytes]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The tracker has taken the announce."""

    interval: int
    """Seconds until it wants another one."""
    body: bytes
    """What the client is to read."""


def read_answer(body: bytes, announcing: Announcing) -> Accepted | None:
    """What a tracker says; None: it does not take the announce. Raises BencodeError if what it says
    is no such answer."""
    answer = bencode.parse(body)
    if not isinstance(answer, Dictionary):
        raise BencodeError("no dictionary")
    if b"failure reason" in answer.items:
        return None
    interval = answer.number(b"interval")
    if interval is None or interval < 0:
        raise BencodeError("no interval")
    least = answer.number(b"min interval") or 0
    edits = list(_peers(answer, announcing))
    return Accepted(max(interval, least), bencode.edited(body, edits))


def _peers(answer: Dictionary, announcing: Announcing) -> Iterator[_Edit]:
    """Peers as inside hosts find them, and no more than an answer may name."""
    room = announcing.options.peers
    match answer.items.get(b"peers"):
        case None:
            pass
        case Text() as peers:
            yield from _compact(peers, _IPV4_PEER, room, announcing)
            room -= min(len(peers.data) // _IPV4_PEER, room)
        case Sequence(items=items):
            for peer in items[:room]:
                yield from _in_full(peer, announcing)
            yield from ((peer, b"") for peer in items[room:])
            room -= min(len(items), room)
        case _:
            raise BencodeError("peers that are no list")
    match answer.items.get(b"peers6"):
        case None:
            pass
        case Text() as peers:
            yield from _compact(peers, _IPV6_PEER, room, announcing)
        case _:
            raise BencodeError("peers6 that are no compact list")


def _compact(peers: Text, size: int, room: int, announcing: Announcing) -> Iterator[_Edit]:
    if len(peers.data) % size:
        raise BencodeError("a compact list that ends within a peer")
    found = announcing.compact_inside(peers.data[: size * room], size)
    if found != peers.data:
        yield peers, bencode.text(found)


def _in_full(peer: bencode.Value, announcing: Announcing) -> Iterator[_Edit]:
    """One dictionary of a list; its `ip` may be a host's name."""
    if not isinstance(peer, Dictionary):
        raise BencodeError("a peer that is no dictionary")
    ip, port = peer.items.get(b"ip"), peer.items.get(b"port")
    if not isinstance(ip, Text) or not isinstance(port, Number) or not 0 <= port.value <= MAX_PORT:
        raise BencodeError("a peer without address or port")
    address = read_address(ip.data)
    if address is None:
        return
    known = Endpoint(address, port.value)
    found = announcing.seen_inside(known)
    if found != known:
        yield ip, bencode.text(str(found.address).encode())
        yield port, bencode.number(found.port)
