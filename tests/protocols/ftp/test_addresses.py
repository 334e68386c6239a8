"""Addresses and ports as FTP writes them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.ftp.addresses import (
    Claim,
    Fault,
    find_227,
    find_229,
    parse_eprt,
    parse_port,
    write_229,
    write_eprt,
    write_tuple,
)

ipv4_endpoints = st.builds(Endpoint, st.ip_addresses(v=4), st.integers(0, 65535))
endpoints = st.builds(Endpoint, st.ip_addresses(), st.integers(0, 65535))


def said(claim: Claim | Fault) -> tuple[str, int]:
    assert isinstance(claim, Claim)
    return str(claim.address), claim.port


def in_227(text: bytes) -> Claim | Fault:
    return find_227(b"227 " + text, 4, 4 + len(text))


def in_229(text: bytes) -> Claim | Fault:
    return find_229(b"229 " + text, 4, 4 + len(text))


@pytest.mark.parametrize(
    "argument", [b"192,0,2,1,4,5", b"192, 0, 2, 1, 4, 5", b"192,000,002,001,04,005"]
)
def test_port(argument: bytes) -> None:
    assert said(parse_port(argument)) == ("192.0.2.1", 4 * 256 + 5)


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"192,0,2,1,4",
        b"192,0,2,1,4,5,6",
        b"192,0,2,256,4,5",
        b"192,0,2,1,256,5",
        b"192,0,2,1,4,261",
        b"192,0,2,1,4,0005",
        b"192,0,2,1,4,5x",
        b"192.0.2.1.4.5",
        b"-1,0,2,1,4,5",
        b"+1,0,2,1,4,5",
        b"1_9,0,2,1,4,5",
        b"192,0,2,1,,5",
        b"(192,0,2,1,4,5)",
        "１９２,0,2,1,4,5".encode(),
        b"192,0,2,1,4,99999999999999999999",
    ],
)
def test_not_port(argument: bytes) -> None:
    assert parse_port(argument) is Fault.SYNTAX


@pytest.mark.parametrize(
    ("argument", "address", "port"),
    [
        (b"|1|192.0.2.1|6275|", "192.0.2.1", 6275),
        (b"|2|2001:db8::1|6275|", "2001:db8::1", 6275),
        (b"!1!192.0.2.1!6275!", "192.0.2.1", 6275),
        (b"~2~2001:DB8:0:0:0:0:0:1~1~", "2001:db8::1", 1),
        (b"g2g::1g65535g", "::1", 65535),
        (b"|1|192.0.2.1|00021|", "192.0.2.1", 21),
    ],
)
def test_eprt(argument: bytes, address: str, port: int) -> None:
    assert said(parse_eprt(argument)) == (address, port)


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"|",
        b"|1|192.0.2.1|6275",
        b"|1|192.0.2.1|6275|x",
        b"1|192.0.2.1|6275|",
        b"|1|192.0.2.1|65536|",
        b"|1|192.0.2.1|006275|",
        b"|1|192.0.2.1||",
        b"|1|192.0.2.1| 6275|",
        b"|1|192.0.2.1|-1|",
        b"|1|192.0.2.01|6275|",
        b"|1|192.0.2|6275|",
        b"|1|2001:db8::1|6275|",
        b"|2|192.0.2.1|6275|",
        b"|2|fe80::1%eth0|6275|",
        b"|1||6275|",
        b".1.192.0.2.1.6275.",
        b" 1 192.0.2.1 6275 ",
        b"\xff1\xff192.0.2.1\xff6275\xff",
        b"||192.0.2.1|6275|",
        b"|1|192.0.2.\xff|6275|",
    ],
)
def test_not_eprt(argument: bytes) -> None:
    assert parse_eprt(argument) is Fault.SYNTAX


def test_eprt_of_an_unknown_family() -> None:
    assert parse_eprt(b"|3|x|6275|") is Fault.FAMILY
    assert parse_eprt(b"|01|192.0.2.1|6275|") is Fault.FAMILY


@pytest.mark.parametrize(
    "text",
    [
        b"Entering Passive Mode (192,0,2,1,4,5)",
        b"Entering Passive Mode (192,0,2,1,4,5).",
        b"Entering Passive Mode. (192,0,2,1,4,5), bye",
        b"Entering Passive Mode 192,0,2,1,4,5",
        b"Entering Passive Mode 192,0,2,1,4,5, bye",
        b"Entering Passive Mode.192,0,2,1,4,5.",
        b"=192,0,2,1,4,5",
        b"192,0,2,1,4,5",
        b"Entering Passive Mode (192, 0, 2, 1, 4, 5)",
        b"Entering Passive Mode ( 192,0,2,1,4,5 )",
        b"Entering Passive Mode (192 ,0 ,2 ,1 ,4 ,5)",
        b"Entering Passive Mode 192, 0, 2, 1, 4, 5",
        b"Mode 2 on port 1029 (192,0,2,1,4,5)",
        b"Mode 2, 192,0,2,1,4,5",
        b"(mode 1,2) 192,0,2,1,4,5",
        b"v1.2,3 (192,0,2,1,4,5)",
        b"Take 10,20,30,40,50,60,70 or (192,0,2,1,4,5)",
        b"[192,0,2,1,4,5]",
    ],
)
def test_227(text: bytes) -> None:
    claim = in_227(text + b"\r\n")
    assert said(claim) == ("192.0.2.1", 1029)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Entering Passive Mode",
        b"(192,0,2,1,4)",
        b"(192,0,2,1,4,256)",
        b"192,0,2,1,4,5,6",
        b"1,192,0,2,1,4,5",
        b"1, 192, 0, 2, 1, 4, 5",
        b"1192,0,2,1,4,5",
        b"192,0,2,1,4,5000",
        b"1.192,0,2,1,4,5",
        b"(|||1029|)",
    ],
)
def test_not_227(text: bytes) -> None:
    assert in_227(text + b"\r\n") is Fault.SYNTAX


def test_227_is_looked_for_within_its_line_only() -> None:
    reply = b"227-(192,0,2,1,4,5)\r\n227 (192,0,2,2,4,5)\r\n"
    assert said(find_227(reply, 4, 21)) == ("192.0.2.1", 1029)
    assert said(find_227(reply, 25, len(reply))) == ("192.0.2.2", 1029)


@pytest.mark.parametrize(
    "text",
    [
        b"Entering Extended Passive Mode (|||1029|)",
        b"Entering Extended Passive Mode (|||1029|).",
        b"Entering Extended Passive Mode (!!!1029!)",
        b"Mode 229 ( |||1029| )",
        b"Entering Extended Passive Mode |||1029|",
        b"||| (|||1029|)",
    ],
)
def test_229(text: bytes) -> None:
    assert said(in_229(text + b"\r\n")) == ("None", 1029)


def test_229_with_an_address() -> None:
    assert said(in_229(b"x (|1|192.0.2.1|1029|)")) == ("192.0.2.1", 1029)
    assert said(in_229(b"x (|2|2001:db8::1|1029|)")) == ("2001:db8::1", 1029)
    assert said(in_229(b"x (||192.0.2.1|1029|)")) == ("192.0.2.1", 1029)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"(||1029|)",
        b"(|||1029)",
        b"(|||65536|)",
        b"(|||102900|)",
        b"(||||)",
        b"(|1|192.0.2.300|1029|)",
        b"(|1|2001:db8::1|1029|)",
        b"(192,0,2,1,4,5)",
    ],
)
def test_not_229(text: bytes) -> None:
    assert in_229(text + b"\r\n") is Fault.SYNTAX


@given(ipv4_endpoints)
def test_tuples_read_as_written(endpoint: Endpoint) -> None:
    text = write_tuple(endpoint)
    assert text is not None
    claim = parse_port(text)
    assert isinstance(claim, Claim)
    assert claim.says(endpoint)
    claim = in_227(b"Mode (" + text + b").")
    assert isinstance(claim, Claim)
    assert claim.says(endpoint)


@given(endpoints, st.integers(33, 126))
def test_eprt_reads_as_written(endpoint: Endpoint, delimiter: int) -> None:
    claim = parse_eprt(write_eprt(endpoint, bytes([delimiter])))
    assert isinstance(claim, Claim)
    assert claim.says(endpoint)


def test_tuples_are_ipv4() -> None:
    assert write_tuple(Endpoint(ip_address("2001:db8::1"), 5)) is None


def test_what_need_not_be_rewritten() -> None:
    endpoint = Endpoint(ip_address("192.0.2.1"), 1029)
    for argument, says in (
        (b"192,0,2,1,4,5", True),
        (b"192, 0, 2, 1, 4, 5", True),
        (b"192,0,2,1,4,6", False),
        (b"192,0,2,2,4,5", False),
        (b"192,0,02,1,4,5", False),
        (b"192,0,2,1,4,05", False),
    ):
        claim = parse_port(argument)
        assert isinstance(claim, Claim)
        assert claim.says(endpoint) is says, argument
    claim = in_229(b"(|||01029|)")
    assert isinstance(claim, Claim)
    assert not claim.says(endpoint)


@given(st.binary(max_size=60))
def test_any_bytes(text: bytes) -> None:
    for found in (parse_port(text), parse_eprt(text), in_227(text), in_229(text)):
        assert isinstance(found, Fault) or found.port <= 65535


@given(st.text(alphabet="0123456789,()| .:-", max_size=60))
def test_any_text_that_looks_like_an_address(text: str) -> None:
    test_any_bytes.hypothesis.inner_test(text.encode())  # type: ignore[attr-defined]


def test_delimiter_of_229_is_kept() -> None:
    assert write_229(1029, b"!") == b"!!!1029!"
