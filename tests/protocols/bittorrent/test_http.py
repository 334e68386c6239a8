"""Messages of HTTP: which ones are read, and where they end (RFC 9112)."""

from __future__ import annotations

import pytest

from ryu_alg.inspection.headers import Head, Unread, take_head
from ryu_alg.protocols.bittorrent.http import (
    LIMITS,
    Body,
    Chunked,
    Counted,
    Endless,
    answer_body,
    read_answer,
    read_request,
    request_body,
)


def head(raw: bytes) -> Head:
    found = take_head(raw, 0, LIMITS)
    assert isinstance(found, Head)
    return found


def of_request(*fields: str) -> Body | None:
    raw = "\r\n".join(["POST / HTTP/1.1", *fields, "", ""]).encode()
    request = read_request(raw, head(raw))
    assert request is not None
    return request_body(request)


def of_answer(status: int, *fields: str, method: bytes = b"GET") -> Body | None:
    raw = "\r\n".join([f"HTTP/1.1 {status} Some", *fields, "", ""]).encode()
    answer = read_answer(raw, head(raw))
    assert answer is not None and answer.status == status
    return answer_body(answer, method)


@pytest.mark.parametrize(
    "line",
    [
        "GET /a?b HTTP/1.1",
        "GET http://t:80/a HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "X-a!b [::1] HTTP/1.1",
    ],
)
def test_request_lines(line: str) -> None:
    raw = f"{line}\r\nHost: h\r\n\r\n".encode()
    request = read_request(raw, head(raw))
    assert request is not None
    assert raw[slice(*request.target)].decode() == line.split(" ")[1]
    assert request.method.decode() == line.split(" ")[0]


@pytest.mark.parametrize(
    "line",
    [
        *("GET /", "GET / HTTP/2.0", "GET  / HTTP/1.1", "GET /a b HTTP/1.1", "GET / http/1.1"),
        *("GET / HTTP/1.1 ", " GET / HTTP/1.1", "G(T / HTTP/1.1", "GET /\x01 HTTP/1.1", "GET"),
    ],
)
def test_what_is_no_request_line(line: str) -> None:
    raw = f"{line}\r\nHost: h\r\n\r\n".encode()
    assert read_request(raw, head(raw)) is None


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/1.0 404 Not Found", "HTTP/1.1 599 "])
def test_status_lines(line: str) -> None:
    raw = f"{line}\r\n\r\n".encode()
    assert read_answer(raw, head(raw)) is not None


@pytest.mark.parametrize("line", ["HTTP/2 200 OK", "ICY 200 OK", "HTTP/1.1 20", "HTTP/1.1 099 A"])
def test_what_is_no_status_line(line: str) -> None:
    raw = f"{line}\r\n\r\n".encode()
    assert read_answer(raw, head(raw)) is None


def test_a_blank_before_the_colon_is_read_by_some_and_not_by_others() -> None:
    raw = b"GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n"
    assert read_request(raw, head(raw)) is None


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), Counted(0)),
        (("Content-Length: 7",), Counted(7)),
        (("Transfer-Encoding: Chunked",), Chunked()),
        (("Content-Length: 7", "Content-Length: 7"), None),
        (("Content-Length: +7",), None),
        (("Content-Length: 7, 7",), None),
        (("Content-Length: 7", "Transfer-Encoding: chunked"), None),
        (("Transfer-Encoding: gzip, chunked",), None),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), None),
        (("Transfer-Encoding: identity",), None),
    ],
)
def test_bodies_of_requests(fields: tuple[str, ...], body: Body | None) -> None:
    assert of_request(*fields) == body


def test_bodies_of_answers() -> None:
    length, chunks = "Content-Length: 7", "Transfer-Encoding: chunked"
    assert of_answer(200, length) == Counted(7)
    assert of_answer(404, chunks) == Chunked()
    assert of_answer(200) == Endless()
    assert of_answer(200, length, chunks) is None
    for status in (100, 103, 204, 304):
        assert of_answer(status, length) == Counted(0)
    assert of_answer(200, length, method=b"HEAD") == Counted(0)


CHUNKS = b"3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: a\r\n\r\n"


@pytest.mark.parametrize("size", range(1, len(CHUNKS) + 1))
def test_chunks_in_pieces(size: int) -> None:
    """What is not taken is offered again, with more behind it."""
    body, held, taken = Chunked(), b"", 0
    for start in range(0, len(CHUNKS), size):
        assert not body.done
        held += CHUNKS[start : start + size]
        end = body.take(held, 0, keep=True)
        assert isinstance(end, int)
        taken += end
        held = held[end:]
    assert body.done and bytes(body.content) == b"abc0123456789"
    assert taken == len(CHUNKS)


def test_what_follows_a_body_is_not_taken() -> None:
    assert Chunked().take(CHUNKS + b"HTTP/1.1", 0) == len(CHUNKS)
    assert Counted(3).take(b"abcdef", 1) == 4
    assert Endless().take(b"abcdef", 1) == 6
    body = Chunked()
    body.take(CHUNKS, 0)
    assert body.content == b"", "nothing is kept that was not asked for"


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"0x3\r\nabc",
            b"123456789\r\n",
            b"3 3\r\n",
            b"3\r\nabcd\r\n",
        ),
        b"3\r\nabcd\r\n",
        *(b"3;a\rb\r\n", b"3" + b";" * 600, b"0\r\n" + b"a: b\r\n" * 40, b"3\r\nabc3\r\n"),
    ],
)
def test_what_is_no_chunk(raw: bytes) -> None:
    assert Chunked().take(raw, 0) is Unread.SYNTAX
