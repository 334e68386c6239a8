"""What HTTP clients and trackers say to each other, as tests want it."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

from ryu_alg.protocols.bittorrent import bencode
from ryu_alg.protocols.bittorrent.announcing import compact
from tests.protocols.bittorrent.gateway import endpoint

HASH = bytes(range(250, 256)) + b"a&=+ %" + bytes(range(8))
OTHER_HASH = bytes(range(20))
HOST = "Host: tracker.example.com:6969"


def request(target: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{method} {target} {version}", HOST, *fields, "", ""]).encode()


def query(info_hash: bytes = HASH, port: object = 6881, more: str = "") -> str:
    """Of an announce; `more` begins with &."""
    name = quote_from_bytes(info_hash, safe="")
    return (
        f"info_hash={name}&peer_id=-XX0100-abcdefghijkl&port={port}"
        f"&uploaded=0&downloaded=0&left=9{more}&compact=1"
    )


def announce(
    info_hash: bytes = HASH, port: object = 6881, more: str = "", *fields: str, path: str = ""
) -> bytes:
    return request(f"{path or '/announce'}?{query(info_hash, port, more)}", *fields)


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    """With its length."""
    head = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    pieces = [b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: a server\r\n\r\n"
    return head + b"".join(pieces) + b"0\r\n" + trailer + b"\r\n"


def peers(*named: str) -> bytes:
    """A compact list of `address:port`, `[address]:port`."""
    split = (each.rpartition(":") for each in named)
    return b"".join(compact(endpoint(host.strip("[]"), int(port))) for host, _, port in split)


def listed(*named: str) -> bytes:
    """A list of dictionaries, without the list around it."""
    split = (each.rpartition(":") for each in named)
    return b"".join(
        bencode.dictionary(
            {
                b"ip": bencode.text(host.strip("[]").encode()),
                b"peer id": bencode.text(b"x" * 20),
                b"port": bencode.number(int(port)),
            }
        )
        for host, _, port in split
    )


def accepted(interval: int = 1800, **values: bytes) -> bytes:
    """What a tracker says; `values` are bencoded."""
    encoded = {name.replace("_", " ").encode(): value for name, value in values.items()}
    return bencode.dictionary({b"interval": bencode.number(interval), **encoded})


ACCEPTED = accepted(peers=bencode.text(peers("198.51.100.9:6881")))
FAILED = bencode.dictionary({b"failure reason": bencode.text(b"no such torrent")})
