"""Who is held down when a conversation takes more than half of a network's budget."""

from __future__ import annotations

from ryu_alg.engine.segment import Datagram, Segment
from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.greedy import LASTS, Greedy, Held

RATE = 100
HALF = RATE // 2
WAN, LAN = 4, 1


def segment(port: int) -> Segment:
    return Segment(bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)), port, 21, 0, 0, 16, 100)


def send(greedy: Greedy, network: int, ports: list[int], now: float) -> list[Held]:
    found = [greedy.seen(network, segment(port), now) for port in ports]
    return [held for held in found if held is not None]


def test_who_sends_more_than_half_of_all() -> None:
    greedy = Greedy(RATE)
    others = list(range(2000, 2030))
    (held,) = send(greedy, WAN, [*others, *[1000] * 60], 5.0)
    assert (held.network, held.transport, held.sender.port) == (WAN, Transport.TCP, 1000)
    assert held.flow == (
        "table=15,cookie=0xa160110000000004,priority=350,idle_timeout=10,reg2=4,tcp,"
        "nw_src=10.0.0.1,tp_src=1000,nw_dst=10.0.0.2,tp_dst=21 actions=meter:43"
    )
    flow_mod(held.flow)


def test_at_once_while_there_is_budget_left() -> None:
    greedy = Greedy(RATE)
    assert send(greedy, WAN, [1000] * HALF, 5.0) == []
    assert len(send(greedy, WAN, [1000], 5.5)) == 1


def test_told_once_while_it_goes_on() -> None:
    greedy = Greedy(RATE)
    found = [held for second in range(60) for held in send(greedy, WAN, [1000] * 90, second)]
    assert len(found) == 1
    # It is held, as long as a packet comes now and then, whatever its rate.
    for second in range(60, 120, 3):
        assert send(greedy, WAN, [1000], second) == []
    assert send(greedy, WAN, [1000] * 90, 120) == []


def test_told_again_before_the_switch_forgets() -> None:
    greedy = Greedy(RATE)
    assert len(send(greedy, WAN, [1000] * 90, 0.0)) == 1
    assert len(send(greedy, WAN, [1000] * 90, LASTS - 1.0)) == 1


def test_nobody_whose_half_is_enough() -> None:
    greedy = Greedy(RATE)
    for second in range(5):
        assert send(greedy, WAN, [1000] * HALF, float(second)) == []


def test_nobody_where_many_send_a_little() -> None:
    greedy = Greedy(RATE)
    assert send(greedy, WAN, [1000] * 40 + list(range(2000, 2060)), 0.0) == []
    assert send(Greedy(2), WAN, [1000], 0.0) == []


def test_each_network_has_its_own_budget() -> None:
    greedy = Greedy(RATE)
    assert send(greedy, WAN, [1000] * HALF, 0.0) == []
    assert send(greedy, LAN, [1000] * HALF, 0.0) == []


def test_both_sides_of_a_conversation() -> None:
    """What answers a flood may be one as well."""
    greedy = Greedy(RATE)
    there, back = [1000] * 60, [1001] * 60
    assert [held.sender.port for held in send(greedy, WAN, there + back, 0.0)] == [1000, 1001]


def test_a_conversation_over_udp() -> None:
    greedy = Greedy(RATE)
    source, target = bytes(15) + b"\1", bytes(15) + b"\2"
    datagram = Datagram(source, target, 5060, 5070, b"")
    found = [greedy.seen(WAN, datagram, 0.0) for _ in range(HALF + 1)]
    assert found[:-1] == [None] * HALF and found[-1] is not None
    assert (found[-1].transport, found[-1].receiver) == (
        Transport.UDP,
        Endpoint(found[-1].receiver.address, 5070),
    )
    flow_mod(found[-1].flow)
