"""Control lines, put together from the wires on both sides."""

from __future__ import annotations

from ryu_alg import packets
from ryu_alg.inspection import Direction
from ryu_alg.lab.demo.dialogue import ControlLine, Dialogue, Side
from ryu_alg.packets import Packet


class Wire:
    """What one side's capture sees of one connection."""

    def __init__(self, dialogue: Dialogue, side: Side) -> None:
        self._seen = dialogue.at(side)
        self._next = {Direction.TO_SERVER: 1, Direction.TO_CLIENT: 1}

    def carries(self, direction: Direction, payload: bytes, time: float = 0.0) -> None:
        up = direction is Direction.TO_SERVER
        frame = packets.build_tcp(
            eth_src=bytes(6),
            eth_dst=bytes(6),
            src=bytes((10, 0, 0, 1 if up else 2)),
            dst=bytes((10, 0, 0, 2 if up else 1)),
            sport=40001 if up else 21,
            dport=21 if up else 40001,
            seq=self._next[direction],
            ack=1,
            flags=16,
            window=1000,
            payload=payload,
            options=b"",
            urgent=0,
            ttl=64,
            tos=0,
        )
        self._next[direction] += len(payload)
        packet = packets.decode(frame)
        assert isinstance(packet, Packet)
        self._seen(time, packet)


def test_a_line_is_shown_once_it_is_out_on_the_other_side() -> None:
    shown: list[tuple[float, ControlLine]] = []
    dialogue = Dialogue(lambda time, line: shown.append((time, line)))
    client, server = Wire(dialogue, Side.CLIENT), Wire(dialogue, Side.SERVER)

    client.carries(Direction.TO_SERVER, b"PORT 192,168,10,2,1", time=1.0)
    client.carries(Direction.TO_SERVER, b"56,65\r\nNOOP\r\n", time=1.1)
    assert shown == []
    server.carries(Direction.TO_SERVER, b"PORT 203,0,113,1,128,7\r\n", time=1.2)
    (time, line), *rest = shown
    assert not rest
    assert time == 1.2
    assert line.before == "PORT 192,168,10,2,156,65"
    assert line.after == "PORT 203,0,113,1,128,7"
    assert line.rewritten

    # The captures' threads are not in step: what came out may be seen before what went in.
    client.carries(Direction.TO_CLIENT, b"200 ok\r\n", time=1.4)
    server.carries(Direction.TO_CLIENT, b"200 ok\r\n", time=1.3)
    assert shown[-1] == (1.4, ControlLine(Direction.TO_CLIENT, "200 ok", "200 ok"))
    assert not shown[-1][1].rewritten


def test_no_password_and_no_control_character_is_shown() -> None:
    shown: list[ControlLine] = []
    dialogue = Dialogue(lambda _time, line: shown.append(line))
    for side in Side:
        Wire(dialogue, side).carries(Direction.TO_SERVER, b"pass s3cret\r\nUSER \x1b[31mx\r\n")
    assert [line.after for line in shown] == ["pass ********", "USER \\x1b[31mx"]
