"""Whom a packet counts for."""

from __future__ import annotations

from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.openflow.parties import Parties

CLIENT, OTHER = bytes((192, 168, 10, 2)), bytes((192, 168, 20, 2))
PUBLIC, SERVER = bytes((203, 0, 113, 1)), bytes((203, 0, 113, 2))


def segment(src: bytes, sport: int, dst: bytes, dport: int) -> Segment:
    return Segment(src, dst, sport, dport, 0, 0, 16, 100)


def test_what_a_server_answers_counts_for_who_has_asked() -> None:
    parties = Parties()
    for client, port in ((CLIENT, 50_000), (OTHER, 50_001)):
        asked = segment(client, 1024, SERVER, 21)
        assert parties.of(asked) == client
        parties.sent(segment(PUBLIC, port, SERVER, 21), client)
    for client, port in ((CLIENT, 50_000), (OTHER, 50_001)):
        assert parties.of(segment(SERVER, 21, PUBLIC, port)) == client
        parties.sent(segment(SERVER, 21, client, 1024), client)
        assert parties.of(segment(client, 1024, SERVER, 21)) == client
    assert parties.of(segment(SERVER, 21, PUBLIC, 50_002)) == SERVER


def test_somebody_outside_who_uses_an_inside_server() -> None:
    parties = Parties()
    stranger = bytes((198, 51, 100, 7))
    parties.sent(Datagram(stranger, CLIENT, 5060, 5060, b""), stranger)
    assert parties.of(Datagram(CLIENT, stranger, 5060, 5060, b"")) == stranger
    assert parties.of(Datagram(CLIENT, SERVER, 5060, 5060, b"")) == CLIENT


def test_it_is_bounded_and_keeps_who_goes_on() -> None:
    parties = Parties()
    for number in range(50_000):
        parties.sent(segment(PUBLIC, number, SERVER, 21), OTHER)
        if not number % 100:
            parties.sent(segment(PUBLIC, 60_000, SERVER, 21), CLIENT)
    assert parties.of(segment(SERVER, 21, PUBLIC, 60_000)) == CLIENT
    assert parties.of(segment(SERVER, 21, PUBLIC, 49_999)) == OTHER
    assert parties.of(segment(SERVER, 21, PUBLIC, 0)) == SERVER
    assert len(parties._answers) + len(parties._older) <= 4096
