"""What peers say to each other (BEP 3, 5, 10, 11), written beside the specifications."""

from __future__ import annotations

from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import compact
from tests.protocols.bittorrent.gateway import endpoint

HASH = bytes(range(20))
OTHER_HASH = bytes(range(20, 40))
ID = b"-XX0100-abcdefghijkl"
EXTENSIONS, DHT = bytes((0, 0, 0, 0, 0, 0x10, 0, 0)), bytes((0, 0, 0, 0, 0, 0, 0, 1))
BOTH = bytes((0, 0, 0, 0, 0, 0x10, 0, 1))
NONE = bytes(8)


def handshake(reserved: bytes = BOTH, info_hash: bytes = HASH) -> bytes:
    return b"\x13BitTorrent protocol" + reserved + info_hash + ID


def message(kind: int, payload: bytes = b"") -> bytes:
    return (1 + len(payload)).to_bytes(4, "big") + bytes((kind,)) + payload


def extended(identifier: int, payload: bytes) -> bytes:
    return message(20, bytes((identifier,)) + payload)


def introduction(**values: object) -> bytes:
    """An extension handshake. `pex`: the id that its sender gives to peer exchange."""
    items = {}
    for name, value in values.items():
        match value:
            case int() if name == "pex":
                items[b"m"] = bencode.dictionary(
                    {b"ut_metadata": bencode.number(2), b"ut_pex": bencode.number(value)}
                )
            case int():
                items[name.encode()] = bencode.number(value)
            case bytes():
                items[name.encode()] = bencode.text(value)
            case _:
                raise TypeError(name)
    return extended(0, bencode.dictionary(items))


def port(number: int) -> bytes:
    return message(9, number.to_bytes(2, "big"))


def piece(length: int = 16384) -> bytes:
    return message(7, bytes(8) + b"\x5a" * length)


def peers(*named: tuple[str, int]) -> bytes:
    """Peers in compact form."""
    return b"".join(compact(endpoint(*each)) for each in named)


def exchange(**lists: bytes) -> bytes:
    """The payload of a message of peer exchange: `added_f` is `added.f`."""
    return bencode.dictionary(
        {name.replace("_", ".").encode(): bencode.text(data) for name, data in lists.items()}
    )


KEEP_ALIVE = bytes(4)
BITFIELD = message(5, b"\xff" * 40)
INTERESTED, UNCHOKE, HAVE = message(2), message(1), message(4, bytes(4))
REQUEST = message(6, bytes(12))
