"""The peer wire protocol (BEP 3): one connection between two peers, read as far as it names places.

    handshake --its info-hash--> messages --its length--> next message
    both settled, no peer exchange, or anything that cannot be read --> opaque

Each direction is at one of these by itself (`Lane`). Messages leave as they come, by their length,
except for the few that name ports or addresses: those wait until they are whole. Nothing is opened
by what is said here, so what cannot be read is not refused: who receives it will judge it. The one
thing that is refused is a torrent, and as the protocol has no words for that, by a reset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ryu_alg.inspection import (
    Abort,
    Direction,
    Effect,
    Forward,
    Opaque,
    Party,
    Realm,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.inspection.edits import Decisions
from ryu_alg.protocols.bittorrent import pex
from ryu_alg.protocols.bittorrent.announcing import HASH_LENGTH, Announcing
from ryu_alg.protocols.bittorrent.extension_handshake import ExtensionHandshake, public_port
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions

GREETING = b"\x13BitTorrent protocol"
"""What both sides begin with: a length, and a name."""
RESERVED_LENGTH = 8
HANDSHAKE_LENGTH = len(GREETING) + RESERVED_LENGTH + 2 * HASH_LENGTH
"""The peer's id is last, of 20 bytes too."""
MAX_LENGTH = 2 * 1024 * 1024
"""Bytes of a message: the bitfield of 16 million pieces. What is longer is no length."""
MAX_READ = 16 * 1024
"""Bytes of a message that is waited for: 2,000 peers."""
_PIECE, _PORT, _EXTENDED = b"\x07", b"\x09", b"\x14"
"""Kinds of messages (BEP 3, BEP 5, BEP 10)."""
_INTRODUCTION = _EXTENDED + b"\0"
"""The extension handshake: an extended message, and its id."""
_LENGTH = 4
"""Bytes of a message's length."""
_HEAD = _LENGTH + len(_INTRODUCTION)
_PORT_LENGTH = 3
_EXTENSIONS_AT, _EXTENSIONS = 5, 0x10
"""Which of the reserved bits a peer sets that knows extended messages."""
_DHT_AT, _DHT = 7, 0x01
"""Likewise, that has a DHT node."""


@dataclass(slots=True)
class Lane:
    """Where one direction is, and what its sender has said of itself."""

    reserved: bytes | None = None
    """Of its handshake (BEP 4); None until that has come."""
    rest: int = 0
    """Bytes of the present message that are yet to come."""
    introduced: bool = False
    """Its extension handshake has left."""
    port_told: bool = False
    """The port of its DHT node has left."""
    pex: int = 0
    """The id of the messages with which it wants to be told of peers; 0: it does not."""


class PeerWire(StreamInspector):
    """One connection."""

    def __init__(self, options: BitTorrentOptions, gateway: StreamGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.lanes = {direction: Lane() for direction in Direction}
        ends = gateway.conversation
        inside = [
            party for party in Party if gateway.realm_of(ends.actual(party).address) is Realm.INSIDE
        ]
        self.inside = inside[0] if len(inside) == 1 and options.hosts else None
        """The party whose words are translated: if one is inside, and somebody may be reached."""
        host = ends.actual(self.inside or Party.CLIENT).address
        self.announcing = Announcing(options, gateway, host)
        self.flowing = False
        """A piece has come: whoever has not introduced himself by now does not."""
        self.over = False
        """It was aborted, or is not read any more."""

    # -- StreamInspector ------------------------------------------------------------------------

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about all but the beginning of what has to be whole."""
        decisions = Decisions()
        lane = self.lanes[direction]
        at = 0
        while not self.over and at < len(data):
            before = at
            if not lane.rest and lane.reserved is None:
                self._handshake(lane, data, decisions)
            elif not lane.rest:
                at += self._message(direction, data, at, decisions)
            length = min(lane.rest, len(data) - at)
            lane.rest -= length
            decisions.forward(length)
            at += length
            if at == before:
                break
            if not self.over and self._settled:
                self._leave_alone(decisions)
        return decisions.effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """What is left of a message may be of use to its receiver."""
        return [Forward(len(data))] if data else []

    # -- between messages -----------------------------------------------------------------------

    def _handshake(self, lane: Lane, data: bytes, decisions: Decisions) -> None:
        """The info-hash decides: some wait for it before they tell their own id (BEP 3)."""
        if not GREETING.startswith(data[: len(GREETING)]):
            self._unread("bittorrent.peer.greeting", "no handshake of a peer", decisions)
            return
        hash_at = len(GREETING) + RESERVED_LENGTH
        if len(data) < hash_at + HASH_LENGTH:
            return
        denied = self.announcing.denied(data[hash_at : hash_at + HASH_LENGTH])
        if denied is not None:
            self.over = True
            decisions.do(Report(denied.code, denied.reason), Abort(denied.reason))
            return
        lane.reserved = data[len(GREETING) : hash_at]
        lane.rest = HANDSHAKE_LENGTH

    def _message(self, direction: Direction, data: bytes, at: int, decisions: Decisions) -> int:
        """The bytes of a message that were decided because it was whole; 0 if it has to wait, or
        leaves as it comes: that is the lane's rest, then."""
        head = data[at : at + _HEAD]
        length = int.from_bytes(head[:_LENGTH], "big")
        whole = _LENGTH + length
        if len(head) < min(whole, _HEAD):
            return 0
        if length > MAX_LENGTH:
            self._unread("bittorrent.peer.length", f"a message of {length} bytes", decisions)
            return 0
        lane = self.lanes[direction]
        kind = head[_LENGTH:whole]
        translate = self._translator(kind, direction)
        if translate is not None and length <= MAX_READ:
            message = data[at : at + whole]
            if len(message) < whole:
                return 0
            body = translate(direction, message[_LENGTH:], decisions)
            leaving = len(body).to_bytes(_LENGTH, "big") + body
            if leaving == message:
                decisions.forward(whole)
            else:
                decisions.replace(whole, leaving)
            return whole
        if translate is not None:
            decisions.do(Report("bittorrent.peer.overlong", f"a message of {length} bytes"))
            lane.introduced = lane.introduced or kind == _INTRODUCTION
        self.flowing = self.flowing or kind[:1] == _PIECE
        lane.rest = whole
        return 0

    @property
    def _settled(self) -> bool:
        """Whether nothing is left to be translated in this connection."""
        lanes = self.lanes.values()
        sets = [lane.reserved for lane in lanes if lane.reserved is not None]
        if len(sets) < len(lanes):
            return False
        if self.inside is None:
            return True
        if any(lane.pex for lane in lanes):
            return False
        introduced = all(lane.introduced for lane in lanes)
        port_told = self.lanes[_sent_by(self.inside)].port_told
        extended = all(reserved[_EXTENSIONS_AT] & _EXTENSIONS for reserved in sets)
        dht = all(reserved[_DHT_AT] & _DHT for reserved in sets)
        return self.flowing or ((introduced or not extended) and (port_told or not dht))

    def _leave_alone(self, decisions: Decisions) -> None:
        self.over = True
        decisions.do(Opaque())

    def _unread(self, code: str, detail: str, decisions: Decisions) -> None:
        decisions.do(Report(code, detail))
        self._leave_alone(decisions)

    # -- messages that name places --------------------------------------------------------------

    def _translator(self, kind: bytes, direction: Direction) -> _Translator | None:
        """What to do with messages of a kind, if they name places."""
        if self.inside is None:
            return None
        if kind == _INTRODUCTION:
            return self._introduction
        if kind[:1] == _EXTENDED and kind[1:] == bytes((self.lanes[direction.opposite].pex,)):
            return self._peers
        if kind[:1] == _PORT and direction.sender is self.inside:
            return self._dht_port
        return None

    def _introduction(self, direction: Direction, body: bytes, decisions: Decisions) -> bytes:
        """An extension handshake (BEP 10)."""
        lane = self.lanes[direction]
        lane.introduced = True
        head = len(_INTRODUCTION)
        handshake = ExtensionHandshake.read(body[head:])
        if handshake is None:
            decisions.do(Report("bittorrent.peer.extensions", "no extension handshake"))
            return body
        if self.options.pex and handshake.pex is not None:
            lane.pex = handshake.pex
        sender = direction.sender
        if sender is not self.inside:
            return body
        stays = any(lane.pex for lane in self.lanes.values())
        return body[:head] + handshake.outward(self.gateway, sender, same_length=not stays)

    def _peers(self, direction: Direction, body: bytes, decisions: Decisions) -> bytes:
        """A message of peer exchange (BEP 11)."""
        outward = direction.sender is self.inside
        found = self.announcing.seen_outside if outward else self.announcing.seen_inside
        head = len(_INTRODUCTION)
        message = pex.translated(body[head:], found)
        if message is None:
            decisions.do(Report("bittorrent.peer.pex", "no message of peer exchange"))
            return body
        return body[:head] + message

    def _dht_port(self, direction: Direction, body: bytes, decisions: Decisions) -> bytes:
        """Where the sender's DHT node is, at the same address (BEP 5)."""
        self.lanes[direction].port_told = True
        port = int.from_bytes(body[1:], "big")
        if len(body) != _PORT_LENGTH or self.inside is None:
            return body
        public = public_port(self.gateway, self.inside, port)
        return body[:1] + public.to_bytes(2, "big")


_Translator = Callable[[Direction, bytes, Decisions], bytes]
"""A message without its length, as it leaves."""


def _sent_by(party: Party) -> Direction:
    return Direction.TO_SERVER if party is Party.CLIENT else Direction.TO_CLIENT
