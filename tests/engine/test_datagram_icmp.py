"""ICMP errors about UDP control datagrams (RFC 5508 section 4, RFC 4787 REQ-12)."""

from __future__ import annotations

import copy
from ipaddress import ip_address
from random import Random

import pytest

from ryu_alg.engine.commands import Command, EmitIcmpError, FiveTuple
from ryu_alg.engine.config import Timers
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import IcmpErrorArrived, Timeout
from ryu_alg.inspection import Endpoint, Realm, Transport
from tests.engine.toy_datagrams import (
    PHONE,
    PLAIN_PHONE,
    PROXY,
    PUBLIC,
    PUBLISHED,
    SERVER,
    STRANGER,
    Network,
    at,
    config,
)

ROUTER = "198.51.100.254"


def network(**changes: object) -> Network:
    return Network(Engine(config(**changes), random=Random(7)))


def quoted(source: Endpoint, target: Endpoint) -> FiveTuple:
    return FiveTuple(source.address.packed, source.port, target.address.packed, target.port)


def error(
    lan: Network, realm: Realm, reporter: str, source: Endpoint, target: Endpoint
) -> list[Command]:
    """An error about a datagram from `source` to `target`, as it looked where that failed."""
    about = quoted(source, target)
    packed = ip_address(reporter).packed
    return lan.handle(IcmpErrorArrived(realm, packed, about, 0, 0, Transport.UDP)).commands


def sent_on(reporter: str, source: Endpoint, target: Endpoint) -> list[Command]:
    """What becomes of it, about the datagram as its sender knows it."""
    return [
        EmitIcmpError(
            src=ip_address(reporter).packed,
            dst=source.address.packed,
            quoted=quoted(source, target),
            quoted_sequence=0,
        )
    ]


@pytest.mark.parametrize("reporter", [PROXY, ROUTER], ids=["the other end", "a router"])
def test_an_error_reaches_the_host_that_sent_the_datagram(reporter: str) -> None:
    lan = network()
    public = lan.register()
    left = error(lan, Realm.OUTSIDE, reporter, public, at(PROXY))
    assert left == sent_on(reporter, at(PHONE), at(PROXY))


@pytest.mark.parametrize("reporter", [PHONE, "192.168.10.254"])
def test_an_error_from_inside_shows_no_inside_address(reporter: str) -> None:
    lan = network()
    public = lan.register()
    lan.send(at(PROXY), public, b"HI")
    left = error(lan, Realm.INSIDE, reporter, at(PROXY), at(PHONE))
    assert left == sent_on(str(PUBLIC), at(PROXY), public)


def test_an_error_about_what_a_published_server_was_sent_and_has_answered() -> None:
    lan = network()
    lan.send(at(STRANGER, 3000), PUBLISHED, b"HELLO")
    left = error(lan, Realm.INSIDE, SERVER, at(STRANGER, 3000), at(SERVER))
    assert left == sent_on(str(PUBLIC), at(STRANGER, 3000), PUBLISHED)
    lan.send(at(SERVER), at(STRANGER, 3000), b"HI")
    left = error(lan, Realm.OUTSIDE, ROUTER, PUBLISHED, at(STRANGER, 3000))
    assert left == sent_on(ROUTER, at(SERVER), at(STRANGER, 3000))


def test_without_nat_everything_stays() -> None:
    lan = network()
    assert lan.register(PLAIN_PHONE) == at(PLAIN_PHONE)
    left = error(lan, Realm.OUTSIDE, ROUTER, at(PLAIN_PHONE), at(PROXY))
    assert left == sent_on(ROUTER, at(PLAIN_PHONE), at(PROXY))
    left = error(lan, Realm.INSIDE, PLAIN_PHONE, at(PROXY), at(PLAIN_PHONE))
    assert left == sent_on(PLAIN_PHONE, at(PROXY), at(PLAIN_PHONE))


@pytest.mark.parametrize(
    ("realm", "source", "target"),
    [
        (Realm.OUTSIDE, at(PUBLIC, 49199), at(PROXY)),
        (Realm.OUTSIDE, at(PHONE), at(PROXY)),
        (Realm.OUTSIDE, None, at(STRANGER)),
        (Realm.INSIDE, at(STRANGER), at(PHONE)),
        (Realm.INSIDE, at(PROXY), at(PHONE, 5061)),
    ],
    ids=["no endpoint", "inside address", "never sent to", "never let in", "another port"],
)
def test_an_error_about_nothing_that_was_sent_is_dropped(
    realm: Realm, source: Endpoint | None, target: Endpoint
) -> None:
    lan = network()
    public = lan.register()
    assert error(lan, realm, ROUTER, source or public, target) == []
    assert lan.engine.counters["icmp.stray"] == 1


def test_an_error_neither_ends_nor_keeps_an_endpoint() -> None:
    lan = network(timers=Timers(datagram_idle=100.0))
    public = lan.register()
    untouched = copy.deepcopy(lan)
    for at_second in range(1, 100, 10):
        lan.now = float(at_second)
        assert error(lan, Realm.OUTSIDE, ROUTER, public, at(PROXY)) != []
    assert lan.engine.next_timeout() == untouched.engine.next_timeout() == 100.0
    assert lan.send(at(PROXY), public, b"HI").left == [(at(PROXY), at(PHONE), b"HI")]
    untouched.now = 100.0
    untouched.handle(Timeout())
    assert error(untouched, Realm.OUTSIDE, ROUTER, public, at(PROXY)) == []
