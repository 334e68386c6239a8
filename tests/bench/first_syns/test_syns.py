"""What is counted as a lost SYN, and what is not."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from tests.bench.first_syns.syns import Syn, count, count_apart
from tests.openflow.frames import tcp, with_checksum

SYN, ACK = 0x02, 0x10
SERVER, CLIENT = ("192.0.2.1", 20), ("10.0.0.2", 4000)
SENT = Syn("server", True, False, SERVER, ("203.0.113.1", 40_000), 1000, 7)
COME = Syn("client", False, False, SERVER, CLIENT, 1000, 7)
ANSWER = Syn("client", True, True, CLIENT, SERVER, 5000, 9)
ANSWERED = Syn("server", False, True, ("203.0.113.1", 40_000), SERVER, 5000, 9)


def test_a_connection() -> None:
    counted = count([SENT, COME, ANSWER, ANSWERED])
    assert (counted.connections, counted.lost, counted.repeats) == (1, (), 0)


def test_a_first_syn_that_does_not_arrive() -> None:
    again, comes = replace(SENT, stamp=1007), replace(COME, stamp=1007)
    counted = count([SENT, again, comes, ANSWER, ANSWERED])
    assert (counted.connections, counted.lost, counted.repeated) == (1, (SENT,), 1)


def test_an_answer_that_is_late_or_lost_is_no_lost_syn() -> None:
    again, comes = replace(SENT, stamp=1007), replace(COME, stamp=1007)
    counted = count([SENT, again, COME, comes, ANSWER, replace(ANSWER, stamp=1009)])
    assert counted.lost == ()
    assert (counted.repeated, counted.answers_repeated, counted.repeats) == (1, 1, 2)


def test_a_repeated_syn_that_is_lost_is_not_the_first_one() -> None:
    assert count([SENT, replace(SENT, stamp=1007), COME]).lost == ()


def test_without_timestamps_what_comes_is_counted() -> None:
    """As of control connections, whose options the gateway takes away."""
    again, comes = replace(SENT, stamp=1007), replace(COME, stamp=0)
    assert count([SENT, comes]).lost == ()
    assert count([SENT, again, comes]).lost == (SENT,)
    assert count([SENT, again, comes, comes]).lost == ()


def test_control_connections_are_counted_apart() -> None:
    to_control = replace(SENT, destination=("203.0.113.1", 21), sequence=2000)
    from_control = replace(ANSWER, source=("10.0.0.2", 21))
    data, control = count_apart([SENT, COME, ANSWER, to_control, from_control], (21,))
    assert (data.connections, data.lost) == (1, ())
    assert (control.connections, control.lost) == (1, (to_control,))


def test_sums() -> None:
    one, other = count([SENT, COME]), count([replace(SENT, sequence=2000)])
    assert (one + other).connections == 2
    assert len((one + other).lost) == 1


def ipv4(segment: bytes) -> bytes:
    header = bytes((0x45, 0, 0, 20 + len(segment), 0, 0, 0, 0, 64, 6, 0, 0))
    ends = socket.inet_aton(SERVER[0]) + socket.inet_aton(CLIENT[0])
    return with_checksum(header + ends, 10) + segment


@pytest.mark.parametrize(("flags", "answer"), [(SYN, False), (SYN | ACK, True)])
def test_a_packet_is_read(flags: int, answer: bool) -> None:
    segment = tcp(SERVER[0], CLIENT[0], (20, 4000), flags)
    read = Syn.parse("client", False, ipv4(segment))
    assert read == Syn("client", False, answer, SERVER, CLIENT, 1000, 0)


def test_a_timestamp_is_read_behind_other_options() -> None:
    options = bytes.fromhex("020405b40402080a000000070000000001030307")
    segment = bytearray(tcp(SERVER[0], CLIENT[0], (20, 4000), SYN) + options)
    segment[12] = (len(segment) // 4) << 4
    assert Syn.parse("client", False, ipv4(bytes(segment))).stamp == 7


def test_a_packet_over_ipv6() -> None:
    ends = (
        socket.inet_pton(socket.AF_INET6, address) for address in ("2001:db8::1", "2001:db8::2")
    )
    header = bytes((0x60, 0, 0, 0, 0, 20, 6, 64)) + b"".join(ends)
    read = Syn.parse("client", True, header + tcp("::1", "::2", (20, 4000), SYN))
    assert read.source == ("2001:db8::1", 20) and read.destination == ("2001:db8::2", 4000)
    assert read.sequence == 1000
