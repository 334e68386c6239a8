"""Public ports: random, exclusive, resting after use."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

from ryu_alg.engine.config import PortRange
from ryu_alg.engine.port_pool import PortPool

HOST, OTHER = ip_address("192.168.10.2"), ip_address("192.168.10.3")


def test_every_port_is_handed_out_once_and_in_no_order() -> None:
    pool = PortPool(PortRange(2000, 2099), quarantine=10.0, random=Random(3))
    taken = [pool.take_run(HOST, 1, 0.0) for _ in range(100)]
    assert sorted(port for port in taken if port is not None) == list(range(2000, 2100))
    assert taken != sorted(taken, key=lambda port: port or 0)
    assert pool.take_run(HOST, 1, 0.0) is None


def test_a_port_rests_before_it_is_handed_out_again() -> None:
    pool = PortPool(PortRange(2000, 2000), quarantine=10.0, random=Random(3))
    assert pool.take_run(HOST, 1, 0.0) == 2000
    pool.give_back(2000, 5.0)
    assert pool.take_run(HOST, 1, 14.9) is None
    assert pool.take_run(HOST, 1, 15.0) == 2000


def test_ports_in_a_row_begin_even_if_they_must_and_are_found_among_others() -> None:
    pool = PortPool(PortRange(2001, 2006), quarantine=10.0, random=Random(3))
    assert {pool.take_run(HOST, 2, 0.0, even=True) for _ in range(2)} == {2002, 2004}
    assert pool.take_run(HOST, 2, 0.0, even=True) is None
    assert pool.take_run(HOST, 2, 0.0) is None  # 2001 and 2006 are free, but apart
    assert {pool.take_run(HOST, 1, 0.0), pool.take_run(HOST, 1, 0.0)} == {2001, 2006}
    pool.give_back(2005, 0.0)
    pool.give_back(2006, 0.0)
    assert pool.take_run(HOST, 2, 9.9) is None
    assert pool.take_run(HOST, 2, 10.0) == 2005
    assert pool.take_run(HOST, 7, 100.0) is None


def test_a_host_has_no_more_than_its_share_and_what_rests_counts() -> None:
    pool = PortPool(PortRange(2000, 2009), quarantine=10.0, random=Random(3))
    taken = [pool.take_run(HOST, 1, 0.0, most=3) for _ in range(4)]
    assert taken[-1] is None and None not in taken[:3]
    assert pool.take_run(OTHER, 3, 0.0, most=3) is not None
    first, second = (port for port in taken[:2] if port is not None)
    pool.give_back(first, 0.0)
    pool.return_unused(second)
    assert pool.take_run(HOST, 2, 9.9, most=3) is None
    assert pool.take_run(HOST, 2, 10.0, most=3) is not None
    assert pool.of_host == {HOST: 3, OTHER: 3}
