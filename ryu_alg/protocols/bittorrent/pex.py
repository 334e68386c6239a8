"""Peer exchange (BEP 11): the peers that a `ut_pex` message names, as its receiver finds them.

The BEP wants no more than 50 peers added and 50 dropped, but for a connection's first message.
Longer lists are not cut: a receiver that minds disconnects, one that does not would later be told
that peers were dropped which it was never told of, and the size of a message is bounded.
"""

from __future__ import annotations

from collections.abc import Callable

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import compact, from_compact

NAME = b"ut_pex"
_LISTS = ((b"added", 6), (b"added6", 18), (b"dropped", 6), (b"dropped6", 18))
"""Each with the bytes of one of its peers."""
_FLAGS = b".f"
"""Behind the name of a list: that of its flags, one byte for each peer."""


def translated(message: bytes, found: Callable[[Endpoint], Endpoint | None]) -> bytes | None:
    """The message with each peer where it is `found` by the receiver. A peer that is found nowhere
    is left out, with its flags. None: this is no such message."""
    try:
        read, _ = bencode.parse_prefix(message)
    except bencode.BencodeError:
        return None
    if not isinstance(read, bencode.Dictionary):
        return None
    edits: list[tuple[bencode.Value, bytes]] = []
    for name, size in _LISTS:
        peers = read.items.get(name)
        if peers is None:
            continue
        if not isinstance(peers, bencode.Text) or len(peers.data) % size:
            return None
        places = [found(peer) for peer in from_compact(peers.data, size)]
        told = b"".join(compact(place) for place in places if place is not None)
        if told != peers.data:
            edits.append((peers, bencode.text(told)))
        flags = read.items.get(name + _FLAGS)
        if isinstance(flags, bencode.Text) and None in places:
            left = bytes(flag for flag, place in zip(flags.data, places, strict=False) if place)
            edits.append((flags, bencode.text(left + flags.data[len(places) :])))
    return bencode.edited(message, edits)
