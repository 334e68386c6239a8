"""What a request says, and which are none."""

from __future__ import annotations

import pytest

from ryu_alg.protocols.tftp import MAX_REQUEST, ErrorCode, Request, Wrong, opcode_of, read_request
from tests.protocols.tftp.site import request


def test_a_plain_request() -> None:
    assert read_request(request(name="boot/image")) == Request(False, b"boot/image", {})
    assert read_request(request(write=True, mode="NetASCII")) == Request(True, b"boot/image", {})


def test_options() -> None:
    read = read_request(
        request(
            "BlkSize", "1468", "tsize", "0", "timeout", "6", "windowsize", "16", "rollover", "x"
        )
    )
    assert isinstance(read, Request)
    assert read.options == {b"blksize": 1468, b"tsize": 0, b"timeout": 6, b"windowsize": 16}


@pytest.mark.parametrize(
    ("option", "lowest", "highest"),
    [
        ("blksize", 8, 65464),
        ("timeout", 1, 255),
        ("windowsize", 1, 65535),
        ("tsize", 0, 2**63 - 1),
    ],
)
def test_bounds_of_options(option: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert isinstance(read_request(request(option, str(value))), Request)
    for text in (str(lowest - 1), str(highest + 1), "", "x", "1e1", "+1", " 1", "9" * 21):
        read = read_request(request(option, text))
        assert isinstance(read, Wrong), text
        assert (read.code, read.error) == ("tftp.option", ErrorCode.OPTION_NEGOTIATION)
        assert option in read.text


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\0\1", "tftp.malformed"),
        (b"\0\1name", "tftp.malformed"),
        (b"\0\1name\0", "tftp.malformed"),
        (b"\0\1name\0octet", "tftp.malformed"),
        (b"\0\1name\0octet\0rest", "tftp.malformed"),
        (b"\0\1\0octet\0", "tftp.malformed"),
        (request("blksize"), "tftp.malformed"),
        (request("", "x"), "tftp.malformed"),
        (request("tsize", "1", "TSIZE", "2"), "tftp.malformed"),
        (request("odd", "1", "odd", "1"), "tftp.malformed"),
        (request(name="x" * (MAX_REQUEST - 8)), "tftp.malformed"),
        (request(mode="mail"), "tftp.mode"),
        (request(mode=""), "tftp.mode"),
        (request("multicast", ""), "tftp.option"),
    ],
)
def test_what_is_no_request(payload: bytes, code: str) -> None:
    read = read_request(payload)
    assert isinstance(read, Wrong) and read.code == code


def test_the_longest_request() -> None:
    longest = request(name="x" * (MAX_REQUEST - 9))
    assert len(longest) == MAX_REQUEST
    assert isinstance(read_request(longest), Request)


def test_what_is_no_packet_of_tftp() -> None:
    for payload in (b"", b"\0", b"\0\0", b"\0\7x", b"GET / HTTP/1.1", b"\1\1name\0octet\0"):
        assert opcode_of(payload) is None
