"""Whatever comes: no exception, nothing unbounded, nothing of the inside outside."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Datagram, Endpoint, Realm, Send
from tests.protocols.sip.b2bua.desk import INSIDE, LEAKS, PROXY, Desk, sdp, with_options
from tests.protocols.sip.gateway import HOST

LIMITS = {
    "calls_per_host": 3,
    "registrations_per_host": 2,
    "transactions_per_host": 16,
    "messages_per_second": 100_000,
}
METHODS = [
    *("INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "REFER"),
    *("NOTIFY", "SUBSCRIBE", "INFO", "MESSAGE", "OPTIONS", "REGISTER", "PUBLISH"),
]


def corpus(desk: Desk) -> list[tuple[Realm, bytes]]:
    """Messages of either side, of all kinds, some of which belong together."""
    found: list[tuple[Realm, bytes]] = []
    for phone, address in ((desk.alice, str(HOST)), (desk.bob, str(PROXY.address))):
        for method in METHODS:
            body = sdp(address, 4000) if method in ("INVITE", "UPDATE", "ACK") else b""
            found.append((phone.realm, phone.request(method, body, headers=["Event: x"])))
    return found


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32))
def test_a_storm_of_broken_and_whole_messages(seed: int) -> None:
    chance = random.Random(seed)
    desk = Desk(with_options(LIMITS))
    messages = corpus(desk)
    for _ in range(60):
        realm, raw = chance.choice(messages)
        if chance.random() < 0.4:
            raw = broken(raw, chance)
        datagram = Datagram(realm, INSIDE, desk.public, PROXY, raw)
        for effect in desk.core.inspect(datagram):
            desk.world.carry_out([effect])
            if not isinstance(effect, Send):
                continue
            if effect.towards is not realm:
                # Answered, acknowledged, repeated by the other side, one way or another.
                messages.append((effect.towards, answered(effect.payload, chance)))
                messages.append((effect.towards, turned(effect.payload, chance)))
            if effect.towards is Realm.OUTSIDE and realm is Realm.INSIDE:
                assert str(HOST).encode() not in effect.payload, effect.payload
        desk.world.now += chance.choice([0.0, 0.1, 5.0])
        desk.world.carry_out(desk.core.wake())
        agent = desk.core.agent
        assert len(agent.calls) <= 2 * LIMITS["calls_per_host"]
        assert len(agent.transactions) <= 2 * LIMITS["transactions_per_host"]
        assert len(agent.exchanges) <= LIMITS["transactions_per_host"]
        assert len(desk.core.registrations) <= LIMITS["registrations_per_host"]
    drain(desk)


def drain(desk: Desk) -> None:
    for _ in range(10_000):
        deadline = desk.core.next_timeout()
        if deadline is None:
            break
        desk.world.now = max(desk.world.now, deadline)
        desk.world.carry_out(desk.core.wake())
    assert desk.core.empty, vars(desk.core.agent)
    assert not desk.world.bindings


def broken(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw))
    end = min(len(raw), start + chance.randrange(1, 12))
    piece = bytes(
        chance.choice(b'\r\n :;<>@=,"0aZ\x00\xff[]?/') for _ in range(chance.randrange(6))
    )
    return raw[:start] + piece + raw[end:]


def answered(raw: bytes, chance: random.Random) -> bytes:
    """A response made of a request by changing its first line."""
    first, _, rest = raw.partition(b"\r\n")
    status = chance.choice([100, 180, 183, 200, 200, 200, 302, 401, 404, 481, 487, 491, 603])
    tag = b";tag=t%d\r\n" % chance.randrange(3)
    lines = rest.split(b"\r\n")
    lines = [
        line + tag.strip() if line.startswith(b"To:") and b"tag=" not in line else line
        for line in lines
    ]
    if first.startswith(b"SIP/"):
        return raw
    return b"SIP/2.0 %d X\r\n" % status + b"\r\n".join(lines)


def turned(raw: bytes, chance: random.Random) -> bytes:
    """A request in the same dialogue, the other way, made of a message with both tags."""
    lines = raw.split(b"\r\n")
    method = chance.choice(METHODS).encode()
    turned_lines = [b"%s sip:x@%s SIP/2.0" % (method, str(PROXY.address).encode())]
    for line in lines[1:]:
        if line.startswith(b"From:"):
            line = b"To:" + line[5:]
        elif line.startswith(b"To:"):
            line = b"From:" + line[3:]
        elif line.startswith(b"CSeq:"):
            line = b"CSeq: %d %s" % (chance.randrange(1, 9), method)
        elif line.startswith(b"Via:"):
            line = b"Via: SIP/2.0/UDP x;branch=z9hG4bK%d" % chance.randrange(1_000_000)
        turned_lines.append(line)
    return b"\r\n".join(turned_lines)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(list(Realm)))
def test_bytes(raw: bytes, realm: Realm) -> None:
    desk = Desk()
    desk.core.inspect(Datagram(realm, INSIDE, desk.public, Endpoint(PROXY.address, 5062), raw))
    drain(desk)


def test_malformed_requests_are_answered_and_counted() -> None:
    desk = Desk()
    raw = desk.alice.request("INVITE").replace(b"Max-Forwards: 70", b"Max-Forwards: x")
    (answer,) = desk.give(desk.alice, raw)
    assert answer.status == 400
    assert "sip.malformed.number" in desk.codes


def test_who_names_no_transaction_is_refused() -> None:
    desk = Desk()
    raw = desk.bob.request("INVITE").replace(b"z9hG4bK-", b"old")
    (answer,) = desk.give(desk.bob, raw)
    assert answer.status == 400
    assert "sip.b2bua.old" in desk.codes
    assert not any(leak in answer.raw for leak in LEAKS)


def test_keepalives_pass() -> None:
    desk = Desk()
    datagram = Datagram(Realm.INSIDE, INSIDE, desk.public, PROXY, b"\r\n\r\n")
    assert desk.core.inspect(datagram) == [Send(Realm.OUTSIDE, INSIDE, PROXY, b"\r\n\r\n")]


def test_paths_of_calls_are_kept_alive() -> None:
    desk = Desk()
    assert list(desk.core.keep_alive()) == []
    desk.call_out()
    assert list(desk.core.keep_alive()) == [Send(Realm.OUTSIDE, INSIDE, PROXY, b"\r\n\r\n")]
    pong = Datagram(Realm.OUTSIDE, INSIDE, desk.public, PROXY, b"\r\n")
    assert list(desk.core.inspect(pong)) == []
