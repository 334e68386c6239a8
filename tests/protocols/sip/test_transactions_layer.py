"""The transaction layer: matching, bounds, and two of them over a bad network."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryu_alg.inspection import Address, Realm
from ryu_alg.protocols.sip.message import Message, parse
from ryu_alg.protocols.sip.responses import respond
from ryu_alg.protocols.sip.transactions import (
    Arrived,
    ClientKey,
    Leave,
    Lost,
    Over,
    ServerKey,
    Times,
    Transactions,
    Unmatched,
    cancellation,
    server_key,
)

CLIENT = ip_address("192.0.2.1")
OTHER = ip_address("192.0.2.9")
TIMES = Times()


def request(
    method: str = "INVITE",
    branch: str = "z9hG4bK1",
    sent_by: str = "client.example.com:5060",
    number: int = 1,
    cseq_method: str = "",
) -> bytes:
    return (
        f"{method} sip:bob@example.com SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {sent_by};branch={branch}\r\n"
        "Max-Forwards: 70\r\n"
        "Route: <sip:first.example.com;lr>\r\n"
        "Route: <sip:second.example.com;lr>\r\n"
        "From: Alice <sip:alice@example.com>;tag=a\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: call\r\n"
        f"CSeq: {number} {cseq_method or method}\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def read(raw: bytes) -> Message:
    message = parse(raw)
    assert isinstance(message, Message), message
    return message


def layer(limit: int = 100) -> Transactions[str]:
    return Transactions(TIMES, reliable=False, limit=limit)


def key_of(raw: bytes, source: Address = CLIENT, realm: Realm = Realm.INSIDE) -> ServerKey:
    key = server_key(read(raw), realm, source)
    assert key is not None
    return key


def test_a_new_request_is_served_once() -> None:
    transactions = layer()
    raw = request()
    assert transactions.receive_request(read(raw), Realm.INSIDE, CLIENT, 0.0) is Unmatched.NEW
    assert transactions.serve(key_of(raw), "client", 0.0)
    assert transactions.receive_request(read(raw), Realm.INSIDE, CLIENT, 0.1) == []


@pytest.mark.parametrize(
    "other",
    [
        key_of(request(branch="z9hG4bK2")),
        key_of(request(sent_by="client.example.com:5062")),
        key_of(request(sent_by="client.example.com")),
        key_of(request(method="CANCEL")),
        key_of(request(), OTHER),
        key_of(request(), realm=Realm.OUTSIDE),
    ],
)
def test_what_differs_is_another_transaction(other: ServerKey) -> None:
    assert other != key_of(request())


def test_the_host_of_a_via_has_no_case_and_an_ack_is_of_its_invite() -> None:
    assert key_of(request(sent_by="CLIENT.example.com:5060")) == key_of(request())
    assert key_of(request("ACK")) == key_of(request())
    assert key_of(request("CANCEL")).cancelled == key_of(request())


def test_who_names_no_transaction_is_told_apart() -> None:
    transactions = layer()
    for branch in ("1", "z9hG4bK"):
        old = read(request(branch=branch))
        assert transactions.receive_request(old, Realm.INSIDE, CLIENT, 0.0) is Unmatched.OLD
    stray = read(request("ACK"))
    assert transactions.receive_request(stray, Realm.INSIDE, CLIENT, 0.0) is Unmatched.STRAY


def test_a_response_is_matched_by_branch_and_method() -> None:
    transactions = layer()
    raw = request()
    key = ClientKey(b"z9hG4bK1", "INVITE")
    assert transactions.request(key, raw, "server", 0.0) == [Leave("server", raw)]
    stray = read(respond(read(request(branch="z9hG4bK2")), 180, "Ringing"))
    assert transactions.receive_response(stray, 0.1) is Unmatched.STRAY
    stray = read(respond(read(request("CANCEL")), 200, "OK"))
    assert transactions.receive_response(stray, 0.1) is Unmatched.STRAY
    ringing = read(respond(read(raw), 180, "Ringing"))
    assert transactions.receive_response(ringing, 0.1) == [Arrived(key)]
    assert transactions.proceeding(key)


def test_a_refused_invite_is_acknowledged_each_time() -> None:
    transactions = layer()
    raw = request()
    transactions.request(ClientKey(b"z9hG4bK1", "INVITE"), raw, "server", 0.0)
    busy = read(respond(read(raw), 486, "Busy Here", tag=b"b"))
    first = transactions.receive_response(busy, 0.1)
    assert isinstance(first, list)
    (sent, arrived) = first
    assert isinstance(sent, Leave)
    assert isinstance(arrived, Arrived)
    ack = read(sent.payload)
    assert ack.method == "ACK"
    assert ack.branch == b"z9hG4bK1"
    assert ack.to_tag == b"b"
    assert ack.from_tag == b"a"
    assert ack.cseq.number == 1
    assert [ack.raw[f.value_start : f.value_end] for f in ack.fields[b"route"]] == [
        b"<sip:first.example.com;lr>",
        b"<sip:second.example.com;lr>",
    ]
    assert transactions.receive_response(busy, 0.2) == [Leave("server", sent.payload)]


def test_a_cancel_is_for_the_same_hop() -> None:
    cancel = read(cancellation(request(number=7)))
    assert cancel.method == "CANCEL"
    assert cancel.branch == b"z9hG4bK1"
    assert cancel.cseq.number == 7
    assert cancel.to_tag is None
    assert len(cancel.fields[b"route"]) == 2
    assert key_of(cancel.raw).cancelled == key_of(request())


def test_there_is_no_room_for_more_than_the_limit() -> None:
    transactions = layer(limit=2)
    for number in range(4):
        key = key_of(request(branch=f"z9hG4bK{number}"))
        assert transactions.serve(key, "client", 0.0) == (number < 2)
        asked = transactions.request(ClientKey(b"%d" % number, "INFO"), b"x", "server", 0.0)
        assert (asked is not None) == (number < 2)
    assert transactions.full
    assert len(transactions) == 4


def test_when_the_transport_fails_its_transactions_are_lost() -> None:
    transactions = layer()
    here, there = ClientKey(b"1", "INFO"), ClientKey(b"2", "INFO")
    transactions.request(here, b"x", "here", 0.0)
    transactions.request(there, b"x", "there", 0.0)
    assert transactions.lose(lambda to: to == "there", 1.0) == [
        Lost(there, timeout=False),
        Over(there),
    ]
    assert len(transactions) == 1


def test_who_is_abandoned_leaves_nothing() -> None:
    transactions = layer()
    key = ClientKey(b"1", "INFO")
    transactions.request(key, b"x", "there", 0.0)
    transactions.abandon(key)
    assert len(transactions) == 0
    assert transactions.next_timeout() is None


@dataclass
class Network:
    """Loses, repeats and delays; time is a number."""

    random: random.Random
    loss: float
    now: float = 0.0
    queue: list[tuple[float, int, str, bytes]] = field(default_factory=list)
    sent: int = 0

    def send(self, to: str, payload: bytes) -> None:
        copies = 2 if self.random.random() < 0.2 else 1
        for _ in range(copies):
            if self.random.random() >= self.loss:
                self.sent += 1
                delay = self.random.random() * 0.8
                heapq.heappush(self.queue, (self.now + delay, self.sent, to, payload))


@dataclass
class Outcome:
    """What the client's user learned, and how often the server's was asked."""

    finals: list[int] = field(default_factory=list)
    lost: int = 0
    asked: int = 0


def simulate(method: str, status: int, seed: int, loss: float, *, ringing: bool) -> Outcome:
    """One request over a bad network; returns when nothing happens any more."""
    chance = random.Random(seed)
    network = Network(chance, loss)
    client, server = layer(), layer()
    outcome = Outcome()
    raw = request(method)
    key = ClientKey(b"z9hG4bK1", method)

    def carry(
        outcomes: list[Leave[str] | Arrived | Lost | Over] | Unmatched | None,
    ) -> list[Arrived]:
        assert outcomes is not None
        if isinstance(outcomes, Unmatched):
            return []
        for item in outcomes:
            match item:
                case Leave(destination, payload):
                    network.send(destination, payload)
                case Lost(of) if of == key:
                    outcome.lost += 1
        return [item for item in outcomes if isinstance(item, Arrived)]

    carry(client.request(key, raw, "server", 0.0))
    while True:
        timeouts = [client.next_timeout(), server.next_timeout()]
        if network.queue:
            timeouts.append(network.queue[0][0])
        deadlines = [deadline for deadline in timeouts if deadline is not None]
        if not deadlines:
            break
        network.now = now = max(network.now, min(deadlines))
        carry(client.expire(now))
        carry(server.expire(now))
        if not network.queue or network.queue[0][0] > now:
            continue
        _, _, to, payload = heapq.heappop(network.queue)
        message = read(payload)
        if to == "server":
            found = server.receive_request(message, Realm.INSIDE, CLIENT, now)
            if found is Unmatched.NEW:
                outcome.asked += 1
                assert server.serve(key_of(payload), "client", now)
                if ringing:
                    reply = respond(message, 180, "Ringing", tag=b"b")
                    carry(server.respond(key_of(payload), 180, reply, now))
                reply = respond(message, status, "Done", tag=b"b")
                carry(server.respond(key_of(payload), status, reply, now))
            else:
                carry(found)
        elif carry(client.receive_response(message, now)) and message.status >= 200:
            outcome.finals.append(message.status)
    if client.proceeding(key) and method == "INVITE":
        # Nothing runs in this state: how long it may ring is the user's to say.
        client.abandon(key)
    assert len(client) == len(server) == 0
    return outcome


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(["INVITE", "OPTIONS", "BYE"]),
    status=st.sampled_from([200, 302, 486]),
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]),
    ringing=st.booleans(),
)
def test_every_transaction_ends(
    method: str, status: int, seed: int, loss: float, ringing: bool
) -> None:
    outcome = simulate(method, status, seed, loss, ringing=ringing)
    if method == "INVITE" and (status < 300 or ringing):
        # 2xx are repeated, and a call that rings is given up, by users; there are none here.
        return
    assert len(set(outcome.finals)) + outcome.lost == 1
    if outcome.finals:
        assert outcome.asked >= 1


def test_at_20_percent_loss_no_request_is_lost() -> None:
    for seed in range(40):
        for method, status in (("OPTIONS", 200), ("INVITE", 486)):
            outcome = simulate(method, status, seed, 0.2, ringing=False)
            assert outcome.finals == [status]
            assert outcome.asked == 1
