"""Parcel over UDP."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from ryu_alg.inspection import (
    Admit,
    Binding,
    Datagram,
    Endpoint,
    Exchange,
    Realm,
    Refusal,
    Report,
    Send,
    Transport,
    Unbind,
)
from ryu_alg_parcel import PROTOCOL


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


CALLER, SEEN, SERVER = at("192.168.10.2", 7000), at("203.0.113.1", 49152), at("203.0.113.2", 7117)


class Gateway:
    """What the inspector asks."""

    now = 100.0
    bound = 0

    def bind(self, inside: Sequence[Endpoint]) -> Binding | Refusal:
        if inside[0].port < 1024:
            return Refusal("port.privileged", f"port {inside[0].port}")
        self.bound += 1
        public = at("203.0.113.1", 32767 + self.bound)
        return Binding(self.bound, Transport.UDP, tuple(inside), (public,))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def calls(gateway: Any) -> Any:
    assert PROTOCOL.datagram is not None
    return PROTOCOL.datagram(PROTOCOL.options(answer_wait=20), gateway)


def outward(payload: bytes, remote: Endpoint = SERVER) -> Datagram:
    return Datagram(Realm.INSIDE, CALLER, SEEN, remote, payload)


def inward(payload: bytes) -> Datagram:
    return Datagram(Realm.OUTSIDE, CALLER, SEEN, SERVER, payload)


def test_a_call_leaves_with_a_public_port_and_opens_when_it_is_answered(calls: Any) -> None:
    called = Send(Realm.OUTSIDE, CALLER, SERVER, b"CALL 203.0.113.1 32768\r\n")
    assert calls.inspect(outward(b"CALL 192.168.10.2 5000\r\n")) == [called]
    assert calls.inspect(outward(b"CALL 192.168.10.2 5000\r\n")) == [called], "repeated"
    answer = inward(b"HERE 203.0.113.2 6000\r\n")
    assert calls.inspect(answer) == [
        Admit(1, (Exchange(0, at("203.0.113.2", 6000)),)),
        Send(Realm.INSIDE, CALLER, SERVER, answer.payload),
    ]
    assert calls.next_timeout() is None
    assert calls.binding_idle(1) == [Unbind(1)]
    assert calls.calls == {}


def test_a_call_without_answer_is_given_up(calls: Any, gateway: Gateway) -> None:
    calls.inspect(outward(b"CALL 192.168.10.2 5000"))
    assert calls.next_timeout() == 120.0
    assert calls.wake() == []
    gateway.now = 120.0
    assert calls.wake() == [Unbind(1)]
    assert calls.next_timeout() is None


def test_a_call_from_another_port_replaces_the_one_before(calls: Any) -> None:
    calls.inspect(outward(b"CALL 192.168.10.2 5000"))
    unbind, sent = calls.inspect(outward(b"CALL 192.168.10.2 5002"))
    assert unbind == Unbind(1)
    assert sent.payload == b"CALL 203.0.113.1 32769\r\n"


@pytest.mark.parametrize(
    ("datagram", "code"),
    [
        (outward(b"hello"), "parcel.datagram.malformed"),
        (outward(b"CALL 192.168.10.66 5000"), "parcel.datagram.malformed"),
        (outward(b"CALL 192.168.10.2 22"), "parcel.call.port.privileged"),
        (outward(b"HERE 192.168.10.2 5000"), "parcel.datagram.unasked"),
        (inward(b"HERE 203.0.113.2 6000"), "parcel.datagram.unasked"),
        (inward(b"CALL 203.0.113.2 6000"), "parcel.datagram.unasked"),
    ],
)
def test_what_is_dropped(calls: Any, datagram: Datagram, code: str) -> None:
    (report,) = calls.inspect(datagram)
    assert isinstance(report, Report)
    assert report.code == code


def test_there_is_a_limit(calls: Any) -> None:
    for port in range(16):
        calls.inspect(outward(b"CALL 192.168.10.2 5000", at("203.0.113.2", 8000 + port)))
    (report,) = calls.inspect(outward(b"CALL 192.168.10.2 5000"))
    assert report == Report("parcel.calls.limit", "16 calls")
