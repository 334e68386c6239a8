"""A BitTorrent client that does nothing but announce, over HTTP (BEP 3) and UDP (BEP 15).

Runs as a process of its own in the client's namespace: `python -m tests.bench.announcer KIND
ADDRESS PARAMETERS`, the parameters as a JSON object. Prints one JSON object. Exit status 1 and one
line on standard error when announcing did not work.

Only the standard library, and what `load` has: it starts in a moment.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Self
from urllib.parse import quote_from_bytes

from tests.bench.load import LoadError, together

TRACKER_PORT = 6969

_FIRST_PORT = 20000
"""One for each client; ryu_alg forbids none of them."""
_PATIENCE_SECONDS = 5.0
_REPEAT_SECONDS = 1.0
_LONGEST = 1 << 16
_PROTOCOL_ID = 0x41727101980
_CONNECT, _ANNOUNCE = 0, 1


class AnnounceError(LoadError):
    """The tracker did not take it."""


class Announcer:
    """One client of one torrent, that says again and again that it is there."""

    def __init__(
        self, address: str, info_hash: bytes, port: int, tracker_port: int = TRACKER_PORT
    ) -> None:
        """`address` is the tracker's, `port` where the client would listen."""
        self._tracker = (address, tracker_port)
        self._info_hash = info_hash
        self._peer_id = b"-RA0100-%012d" % port
        self._port = port
        names = f"info_hash={quote_from_bytes(info_hash)}&peer_id={self._peer_id.decode()}"
        numbers = f"port={port}&uploaded=0&downloaded=0&left=0&compact=1&numwant=0"
        self._request = (
            f"GET /announce?{names}&{numbers} HTTP/1.1\r\nHost: {address}:{tracker_port}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        # One for all that is asked over UDP.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(self._tracker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def http(self) -> None:
        """One announce, on a connection of its own. AnnounceError or OSError."""
        with socket.create_connection(self._tracker, _PATIENCE_SECONDS) as connection:
            connection.sendall(self._request)
            answer = b""
            while more := connection.recv(_LONGEST):
                answer += more
                if len(answer) > _LONGEST:
                    raise AnnounceError("the tracker's answer does not end")
                if _whole(answer):
                    break
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")) or b"8:interval" not in body:
            raise AnnounceError(f"the tracker answered {answer[:200].decode('latin-1')!r}")

    def udp(self) -> None:
        """One announce, with a connection id of its own. AnnounceError or OSError."""
        (connection,) = struct.unpack_from(">Q", self._ask(_PROTOCOL_ID, _CONNECT), 8)
        announce = struct.pack(
            ">20s20s3Q3IiH",
            *(self._info_hash, self._peer_id, 0, 0, 0, 0, 0, 0, 0, self._port),
        )
        self._ask(connection, _ANNOUNCE, announce)

    def _ask(self, connection: int, action: int, body: bytes = b"") -> bytes:
        """The answer to a request, which is repeated until it comes."""
        own = self._socket
        own.settimeout(_REPEAT_SECONDS)
        transaction = os.urandom(4)
        request = struct.pack(">QI4s", connection, action, transaction) + body
        deadline = time.monotonic() + _PATIENCE_SECONDS
        own.send(request)
        while True:
            try:
                answer = own.recv(_LONGEST)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
                own.send(request)
                continue
            if answer[4:8] != transaction:
                continue
            if answer[:4] != action.to_bytes(4, "big") or len(answer) < 16:
                raise AnnounceError(f"the tracker answered {answer[8:].decode('latin-1')!r}")
            return answer


def _whole(answer: bytes) -> bool:
    """Whether that is all of what an answer's Content-Length says."""
    head, end, body = answer.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if end and name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


def announces(
    address: str, *, over: str, info_hash: str, at_once: int, seconds: float
) -> dict[str, Any]:
    """How many announces per second `at_once` clients get done in `seconds`. LoadError."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Announcer(address, bytes.fromhex(info_hash), _FIRST_PORT + number))
            for number in range(at_once)
        ]
        return together([partial(getattr(Announcer, over), it) for it in clients], seconds)


def check(address: str, *, info_hash: str, seconds: float) -> dict[str, Any]:
    """Wait until announcing works; `seconds` is the patience."""
    begin = time.monotonic()
    with Announcer(address, bytes.fromhex(info_hash), _FIRST_PORT) as client:
        while True:
            try:
                client.http()
                client.udp()
            except (LoadError, OSError):
                if time.monotonic() > begin + seconds:
                    raise
                time.sleep(0.1)
            else:
                return {"count": 2}


KINDS: dict[str, Callable[..., dict[str, Any]]] = {"announces": announces, "check": check}


def main(kind: str, address: str, parameters: str) -> None:
    """Run one measurement and print it."""
    try:
        print(json.dumps(KINDS[kind](address, **json.loads(parameters))))
    except (LoadError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
