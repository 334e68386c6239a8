"""One DCC, as it stands in a line."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.irc import dcc
from ryu_alg.protocols.irc.dcc import Dcc, Fault, Form


def read(text: bytes) -> Dcc | Fault | None:
    """`text` as a CTCP in a line."""
    line = b"PRIVMSG bob :\1%s\1 x\r\n" % text
    return dcc.parse(line, (14, 14 + len(text)))


def understood(text: bytes) -> Dcc:
    found = read(text)
    assert isinstance(found, Dcc)
    return found


@pytest.mark.parametrize(
    ("text", "argument", "address", "port", "size"),
    [
        (b"DCC SEND a 3232238082 5000 10", b"a", "192.168.10.2", 5000, 10),
        (b"DCC SEND a 3232238082 5000", b"a", "192.168.10.2", 5000, None),
        (b"dcc  send  a   3232238082 5000  10  7 ", b"a", "192.168.10.2", 5000, 10),
        (b"DCC SEND a 192.168.10.2 5000 10", b"a", "192.168.10.2", 5000, 10),
        (b"DCC SEND a 2001:db8::1 5000 10", b"a", "2001:db8::1", 5000, 10),
        (b"DCC SEND a 0000000258 05000 10", b"a", "0.0.1.2", 5000, 10),
        (b'DCC SEND "a b" 1 5000 10', b"a b", "0.0.0.1", 5000, 10),
        (b'DCC SEND "a" 1 5000 7" 1 5001 10', b'a" 1 5000 7', "0.0.0.1", 5001, 10),
        (b'DCC SEND "" 1 5000', b"", "0.0.0.1", 5000, None),
        (b"DCC SEND a b c 3232238082 5000 10 tok", b"a b c", "192.168.10.2", 5000, 10),
        (b"DCC SEND track 12 3232238082 5000 10", b"track 12", "192.168.10.2", 5000, 10),
        (b"DCC SEND f 3232238082 5000 10 20", b"f", "192.168.10.2", 5000, 10),
        (b"DCC TSEND a 1 5000", b"a", "0.0.0.1", 5000, None),
        (b"DCC STSEND a 1 5000", b"a", "0.0.0.1", 5000, None),
        (b"DCC RECV a 1 5000 0", b"a", "0.0.0.1", 5000, 0),
        (b"DCC CHAT chat 1 5000", b"chat", "0.0.0.1", 5000, None),
        (b"DCC SCHAT chat 1 0 tok", b"chat", "0.0.0.1", 0, None),
    ],
)
def test_offers(text: bytes, argument: bytes, address: str, port: int, size: int | None) -> None:
    found = understood(text)
    assert found.place is not None
    assert found.place.address == ip_address(address)
    assert (found.argument, found.port, found.size) == (argument, port, size)


@pytest.mark.parametrize(
    ("text", "argument", "port"),
    [
        (b"DCC RESUME a 5000 10", b"a", 5000),
        (b'DCC ACCEPT "a b" 5000 10', b"a b", 5000),
        (b"DCC RESUME a b 0 10 7", b"a b", 0),
        (b"DCC RESUME a 0 10 7", b"a", 0),
    ],
)
def test_positions(text: bytes, argument: bytes, port: int) -> None:
    found = understood(text)
    assert (found.argument, found.place, found.port) == (argument, None, port)


@pytest.mark.parametrize(
    ("text", "argument", "size"),
    [
        (b"DCC RSEND a 10", b"a", 10),
        (b"DCC GET a", b"a", None),
        (b"DCC GET a b", b"a b", None),
    ],
)
def test_files_without_address(text: bytes, argument: bytes, size: int | None) -> None:
    found = understood(text)
    assert (found.argument, found.size, found.place) == (argument, size, None)


def test_what_is_not_known_announces_nothing() -> None:
    for text in (b"DCC VOICE gsm 1 5000", b"DCC TTTSEND a 1 5000", b"DCC X"):
        assert understood(text) == Dcc(None)
    assert understood(b"DCC REJECT SEND a").verb is not None


@pytest.mark.parametrize("text", [b"", b"ACTION DCC", b"DCCX a", b"XDCC SEND #1", b"VERSION"])
def test_other_ctcps(text: bytes) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(b"DCC", b"DCC ", b"DCC SEND", b"DCC SEND a", b"DCC SEND a 1", b"DCC CHAT chat 1"),
        *(b"DCC SEND a 4294967296 5000", b"DCC SEND a 1 65536", b"DCC SEND a 1 -1"),
        *(b"DCC SEND a 1.2.3 5000", b"DCC SEND a 1.2.3.4.5 5000", b"DCC SEND a ::g 5000"),
        *(
            b"DCC SEND a host.example 5000",
            b"DCC SEND a fe80::1%eth0 5000",
            b"DCC SEND a 01.2.3.4 5",
        ),
        *(b'DCC SEND "a 1 5000', b"DCC SEND a 1 5000 x", b"DCC CHAT a b 1 5000"),
        *(b"DCC RESUME a 5000", b"DCC ACCEPT a 70000 1", b"DCC SEND a \xb2 5000"),
        *(b"DCC SEND a 1 5000 10 20 30 40x 50", b"DCC SEND a 1\t5000 10"),
    ],
)
def test_what_cannot_be_read(text: bytes) -> None:
    assert read(text) is Fault.SYNTAX


@pytest.mark.parametrize("text", [b"D\x10CC SEND a", rb"\DCC SEND", b"DCC S\x10END a 1 5000"])
def test_what_only_some_clients_read(text: bytes) -> None:
    assert read(text) is Fault.QUOTED


def test_edits() -> None:
    found = understood(b"DCC SEND a 3232238082 5000 10")
    seen = Endpoint(ip_address("203.0.113.1"), 32769)
    assert found.edits(seen) == [((25, 35), b"3405803777"), ((36, 40), b"32769")]
    assert found.edits(Endpoint(ip_address("192.168.10.2"), 5000)) == []
    assert found.edits(Endpoint(ip_address("2001:db8::1"), 5000)) is None
    text = understood(b"DCC CHAT chat 192.168.10.2 5000")
    assert text.place is not None and text.place.form is Form.TEXT
    assert text.edits(seen) == [((28, 40), b"203.0.113.1"), ((41, 45), b"32769")]
    six = understood(b"DCC CHAT chat 2001:db8::1 5000")
    assert six.edits(seen) is None
    assert six.edits(Endpoint(ip_address("2001:db8::1"), 6000)) == [((40, 44), b"6000")]
