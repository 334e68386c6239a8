"""The load: a TFTP client of a few lines (RFC 1350), the same for every gateway.

Runs as a process of its own in the client's namespace: `python -m tests.bench.tftp KIND ADDRESS
PARAMETERS`, the parameters as a JSON object. Prints one JSON object. Exit status 1 and one line on
standard error when TFTP did not work.

Only the standard library, and what `load` has: it starts in a moment.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench.load import SMALL_BYTES, SMALL_FILE, LoadError, together

PORT = 69

_BLOCK = 512
_REQUEST = b"\0\1" + SMALL_FILE.encode() + b"\0octet\0"
_DATA, _ACK = b"\0\3", b"\0\4"
_PATIENCE_SECONDS = 5.0
_REPEAT_SECONDS = 1.0
_LONGEST = 4 + _BLOCK


class TftpError(LoadError):
    """Of a transfer."""


def transfer(address: str, port: int = PORT) -> None:
    """Fetch the small file, from a port that nothing was sent from before. TftpError or OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.settimeout(_REPEAT_SECONDS)
        block, server = _answer(own, _REQUEST, (address, port))
        if server[0] != address:
            raise TftpError(f"{server[0]} answers")
        size, number = 0, 1
        while True:
            if block[:4] != _DATA + struct.pack(">H", number):
                raise TftpError(f"the server answered {block[:60]!r}")
            size += len(block) - 4
            acknowledgement = _ACK + struct.pack(">H", number)
            if len(block) < _LONGEST:
                own.sendto(acknowledgement, server)
                break
            block, _ = _answer(own, acknowledgement, server)
            number += 1
    if size != SMALL_BYTES:
        raise TftpError(f"{SMALL_FILE} came with {size} bytes instead of {SMALL_BYTES}")


def _answer(
    own: socket.socket, question: bytes, server: tuple[str, int]
) -> tuple[bytes, tuple[str, int]]:
    """What comes next, and from where; the question is repeated until then."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        own.sendto(question, server)
        try:
            answer: tuple[bytes, tuple[str, int]] = own.recvfrom(_LONGEST)
        except TimeoutError:
            if time.monotonic() > deadline:
                raise
        else:
            return answer


def transfers(address: str, *, at_once: int, seconds: float) -> dict[str, Any]:
    """How many transfers per second `at_once` clients get done in `seconds`. LoadError."""
    return together([partial(transfer, address)] * at_once, seconds)


def check(address: str, *, seconds: float) -> dict[str, Any]:
    """Wait until a transfer works; `seconds` is the patience."""
    begin = time.monotonic()
    while True:
        try:
            transfer(address)
        except (LoadError, OSError):
            if time.monotonic() > begin + seconds:
                raise
            time.sleep(0.1)
        else:
            return {"count": 1}


KINDS: dict[str, Callable[..., dict[str, Any]]] = {"transfers": transfers, "check": check}


def main(kind: str, address: str, parameters: str) -> None:
    """Run one measurement and print it."""
    try:
        print(json.dumps(KINDS[kind](address, **json.loads(parameters))))
    except (LoadError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
