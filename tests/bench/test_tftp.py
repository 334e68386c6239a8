"""What fetches files over TFTP, with servers that know what comes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.bench import tftp
from tests.bench.tftp import TftpError

_HALF = bytes(512)


@contextmanager
def server(answers: list[bytes], heard: list[bytes]) -> Iterator[int]:
    """Answers what comes in turn, from a port that is not the one that the request goes to."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as well_known,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own,
    ):
        for one in (well_known, own):
            one.bind(("127.0.0.1", 0))
            one.settimeout(15)
        thread = threading.Thread(target=_serve(well_known, own, answers, heard))
        thread.start()
        try:
            yield well_known.getsockname()[1]
        finally:
            thread.join(15)


def _serve(
    well_known: socket.socket, own: socket.socket, answers: list[bytes], heard: list[bytes]
) -> Callable[[], None]:
    def serve() -> None:
        listening = well_known
        for answer in answers:
            question, client = listening.recvfrom(1000)
            heard.append(question)
            own.sendto(answer, client)
            listening = own
        if answers[-1][:2] == b"\0\3":
            heard.append(own.recv(1000))

    return serve


def test_a_transfer() -> None:
    heard: list[bytes] = []
    answers = [b"\0\3\0\1" + _HALF, b"\0\3\0\2" + _HALF, b"\0\3\0\3"]
    with server(answers, heard) as port:
        tftp.transfer("127.0.0.1", port)
    assert heard == [b"\0\1small\0octet\0", b"\0\4\0\1", b"\0\4\0\2", b"\0\4\0\3"]


def test_a_short_file_is_a_failure() -> None:
    heard: list[bytes] = []
    with (
        server([b"\0\3\0\1" + bytes(7)], heard) as port,
        pytest.raises(TftpError, match="7 bytes instead of 1024"),
    ):
        tftp.transfer("127.0.0.1", port)
    assert heard[-1] == b"\0\4\0\1"


def test_an_error_is_a_failure() -> None:
    with (
        server([b"\0\5\0\1File not found\0"], []) as port,
        pytest.raises(TftpError, match="File not found"),
    ):
        tftp.transfer("127.0.0.1", port)
