"""What announces, with trackers that know what comes."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.bench import announcer
from tests.bench.announcer import AnnounceError, Announcer

HASH = bytes(range(20))
ACCEPTED = b"d8:intervali1800e5:peers0:e"


def announce(port: int, over: Callable[[Announcer], None]) -> None:
    with Announcer("127.0.0.1", HASH, 20001, port) as client:
        over(client)


@contextmanager
def background(serve: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join(5)


@contextmanager
def http_tracker(answer: bytes, requests: list[bytes]) -> Iterator[int]:
    """Gives one answer, in two pieces, and waits for the client to go."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            requests.append(connection.recv(4096))
            connection.sendall(answer[:30])
            connection.sendall(answer[30:])
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener, background(serve):
        yield listener.getsockname()[1]


def test_an_announce_over_http() -> None:
    requests: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ACCEPTED), ACCEPTED)
    with http_tracker(answer, requests) as port:
        announce(port, Announcer.http)
    line = requests[0].split(b"\r\n")[0]
    assert b"info_hash=%00%01%02" in line and b"&port=20001&" in line


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nd14:failure reason4:Nope!e!",
    ],
)
def test_a_refusal_over_http_is_a_failure(answer: bytes) -> None:
    with http_tracker(answer, []) as port, pytest.raises(AnnounceError, match="answered"):
        announce(port, Announcer.http)


@contextmanager
def udp_tracker(announced: list[bytes], *, lost: int = 0, action: int = 1) -> Iterator[int]:
    """Answers one client, after `lost` requests that it does not; announces with `action`."""

    def serve() -> None:
        left = lost
        while not announced:
            request, source = tracker.recvfrom(4096)
            if left:
                left -= 1
                continue
            number, wanted, transaction = struct.unpack_from(">QI4s", request)
            if wanted == 0:
                assert number == 0x41727101980
                tracker.sendto(struct.pack(">I4sQ", 0, b"else", 1), source)
                tracker.sendto(struct.pack(">I4sQ", 0, transaction, 0x77), source)
            else:
                assert number == 0x77
                announced.append(request)
                tracker.sendto(struct.pack(">I4s3I", action, transaction, 1800, 0, 1), source)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tracker:
        tracker.bind(("127.0.0.1", 0))
        tracker.settimeout(15)
        with background(serve):
            yield tracker.getsockname()[1]


@pytest.mark.parametrize("lost", [0, 1])
def test_an_announce_over_udp(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "_REPEAT_SECONDS", 0.05)
    announced: list[bytes] = []
    with udp_tracker(announced, lost=lost) as port:
        announce(port, Announcer.udp)
    (request,) = announced
    assert len(request) == 98 and request[16:36] == HASH
    assert request[-2:] == (20001).to_bytes(2, "big")


def test_a_refusal_over_udp_is_a_failure() -> None:
    with udp_tracker([], action=3) as port, pytest.raises(AnnounceError, match="answered"):
        announce(port, Announcer.udp)
