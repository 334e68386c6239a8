"""The extension handshake (BEP 10): what a peer says of itself, as the other side finds it."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Endpoint, Party, StreamGateway
from ryu_alg.protocols.bittorrent import bencode, pex
from ryu_alg.protocols.bittorrent.announcing import MAX_PORT

MAX_ID = 255
"""Of an extended message: one byte."""
_VERSION = b"v"
_MOST_PREFIX = 4
"""Bytes in front of a name: up to three digits, and a colon."""


@dataclass(frozen=True, slots=True)
class ExtensionHandshake:
    """One that was read."""

    raw: bytes
    fields: bencode.Dictionary

    @classmethod
    def read(cls, raw: bytes) -> ExtensionHandshake | None:
        """None: this is no such handshake."""
        try:
            fields, _ = bencode.parse_prefix(raw)
        except bencode.BencodeError:
            return None
        return cls(raw, fields) if isinstance(fields, bencode.Dictionary) else None

    @property
    def pex(self) -> int | None:
        """The id of the messages with which its sender wants to be told of peers, 0 if it does
        not. None: nothing is said, so what was said before holds."""
        extensions = self.fields.dictionary(b"m")
        identifier = extensions.number(pex.NAME) if extensions is not None else None
        return identifier if identifier is None or 0 <= identifier <= MAX_ID else 0

    def outward(self, gateway: StreamGateway, sender: Party, *, same_length: bool) -> bytes:
        """As it leaves for an outside peer, of the same length if that is possible. `yourip` stays:
        it is what the receiver is seen as."""
        host = gateway.conversation.actual(sender).address
        edits: list[tuple[bencode.Value, bytes]] = []
        port = self.fields.items.get(b"p")
        if isinstance(port, bencode.Number) and 0 < port.value <= MAX_PORT:
            public = public_port(gateway, sender, port.value)
            if public != port.value:
                edits.append((port, bencode.number(public)))
        own = self.fields.items.get(b"ipv4" if host.version == 4 else b"ipv6")
        if isinstance(own, bencode.Text) and own.data == host.packed:
            address = gateway.public_of(host)
            if address != host:
                edits.append((own, bencode.text(address.packed)))
        longer = len(bencode.edited(self.raw, edits)) - len(self.raw)
        version = self.fields.items.get(_VERSION)
        if longer and same_length and isinstance(version, bencode.Text):
            edits += _made_up_for(longer, version)
        return bencode.edited(self.raw, edits)


def public_port(gateway: StreamGateway, inside: Party, port: int) -> int:
    """The port at which an outside peer finds `port` of the inside one."""
    ends = gateway.conversation
    endpoint = Endpoint(ends.actual(inside).address, port)
    listener = gateway.listening(endpoint)
    if listener is not None:
        return listener.public.port
    if endpoint == ends.server:
        return ends.server_seen.port
    return port


def _made_up_for(longer: int, version: bencode.Text) -> list[tuple[bencode.Value, bytes]]:
    """What makes the name of the client's program so much shorter, or longer by blanks: it only
    informs people, and a connection whose bytes keep their numbers can leave the controller."""
    wanted = version.end - version.start - longer
    for length in range(max(wanted - _MOST_PREFIX, 1), wanted):
        name = bencode.text(version.data[:length].ljust(length))
        if len(name) == wanted:
            return [(version, name)]
    return []
