"""What every way of announcing has in common: whether an inside host may be reached on account of a
torrent, at which port, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ryu_alg.inspection import Address, Endpoint, Gateway, Listen, Listener, Refusal, Transport
from ryu_alg.inspection.addresses import within
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions

MARGIN = 300.0
"""Seconds that a client may be late with its next announce."""
MIN_INTERVAL, MAX_INTERVAL = 60.0, 3 * 3600.0
"""Seconds: within these, a tracker's word on how long to wait counts."""
LINGER = 10.0
"""Seconds that the port stays when a tracker has heard that a client leaves: clients tell all their
trackers at a time, and each has to be told the same port."""
HASH_LENGTH = 20
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Denied:
    """The announce is not to be made. Answer it so in the protocol's own terms."""

    code: str
    """Of the report: `bittorrent.denied.hash`."""
    reason: str
    """For the user of the client."""


@dataclass(frozen=True, slots=True)
class Announcing:
    """For one inside host."""

    options: BitTorrentOptions
    gateway: Gateway
    host: Address

    @property
    def reachable(self) -> bool:
        """Whether outside peers may reach this host at all."""
        return within(self.host, self.options.hosts)

    @property
    def concerned(self) -> bool:
        """Whether what this host announces may be something to be changed, or denied."""
        return self.reachable or self.options.selective

    def denied(self, info_hash: bytes) -> Denied | None:
        """Whether policy forbids the torrent, for whatever host."""
        name = info_hash.hex()
        if name in self.options.deny or (self.options.allow and name not in self.options.allow):
            return Denied("bittorrent.denied.hash", f"torrent {name} is denied by policy")
        return None

    def arm(self, port: int, cause: bytes) -> Listener | Denied:
        """Have a public port stand for `port` of the host; nobody gets in yet. A cause is an
        info-hash; where others than trackers keep its peers, with more behind it."""
        torrents = {known[:HASH_LENGTH] for known in self.gateway.causes()}
        if cause[:HASH_LENGTH] not in torrents and len(torrents) >= self.options.torrents:
            return Denied(
                "bittorrent.denied.torrents", f"more than {self.options.torrents} torrents"
            )
        listener = self.gateway.listen(Endpoint(self.host, port), cause)
        if isinstance(listener, Refusal):
            return Denied(f"bittorrent.refused.{listener.code}", listener.detail)
        return listener

    def accepted(self, listener: Listener, cause: bytes, interval: float) -> Listen:
        """Whoever keeps the torrent's peers has taken the announce, and wants another one in
        `interval` seconds: peers get in; for longer, if another one has said so."""
        interval = min(max(interval, MIN_INTERVAL), MAX_INTERVAL)
        until = self.gateway.now + interval + MARGIN
        known = self.gateway.held_until(listener.id, cause)
        return Listen(listener.id, cause, until if known is None else max(until, known))

    def leaving(self, listener: Listener, cause: bytes) -> Listen:
        """A tracker has taken the last announce."""
        return Listen(listener.id, cause, self.gateway.now + LINGER)

    def stopped(self, listener: Listener, cause: bytes) -> Listen:
        """The host does not announce this torrent any more."""
        return Listen(listener.id, cause, self.gateway.now)

    def keeps(self, listener: Listener, cause: bytes) -> bool:
        """Whether peers get in on account of this."""
        return self.gateway.held_until(listener.id, cause) is not None

    def seen_inside(self, peer: Endpoint) -> Endpoint:
        """Where an inside host finds a peer that others were told of: a public endpoint that
        stands for an inside one is turned back into that."""
        return self.gateway.behind(peer, Transport.TCP) or peer

    def compact_inside(self, peers: bytes, size: int) -> bytes:
        """The same for a compact list of peers of `size` bytes each: 6, or 18 over IPv6."""
        return b"".join(compact(self.seen_inside(peer)) for peer in from_compact(peers, size))

    def seen_outside(self, peer: Endpoint) -> Endpoint | None:
        """Where an outside host finds a peer that inside hosts know; None: nowhere."""
        listener = self.gateway.listening(peer)
        if listener is not None:
            return listener.public
        public = self.gateway.public_of(peer.address)
        inside = peer.address != public or self.gateway.behind(peer, Transport.TCP) is not None
        return None if inside else peer


def compact(peer: Endpoint) -> bytes:
    """A peer in 6 bytes, or in 18 over IPv6 (BEP 23, BEP 7)."""
    return peer.address.packed + peer.port.to_bytes(2, "big")


def from_compact(peers: bytes, size: int) -> list[Endpoint]:
    """The peers of a compact list, of `size` bytes each: 6, or 18 over IPv6."""
    return [_peer(peers[at : at + size]) for at in range(0, len(peers), size)]


def _peer(data: bytes) -> Endpoint:
    address: Address = IPv4Address(data[:4]) if len(data) == 6 else IPv6Address(data[:16])
    return Endpoint(address, int.from_bytes(data[-2:], "big"))
