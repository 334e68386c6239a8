"""A TCP conversation through the engine: whatever is said, in order.

Records: `>` the client sends, `<` the server; `)` and `(` the same in small segments; `+` the
server answers the latest message that reached it, `-` the client; `f`, `F` a FIN of the client, of
the server; `r`, `R` a RST; `h` the switch holds its answers back, or does so no longer; `i` data
that moved falls silent; `t` time passes; `P` the switch is installed anew; `u` the session is
unwanted.

What reaches either end is what the inspector decided: byte for byte, in order, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ryu_alg.engine.commands import Command, Emit
from ryu_alg.engine.events import SegmentArrived
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.inspection import Direction, Endpoint, ProtocolSpec
from tests.fuzz import records
from tests.fuzz.recorders import Stream
from tests.fuzz.site import PUBLIC, PUBLISHED, Rules, Site, at, endpoint

TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
SEGMENT, SMALL = 1400, 7
DELAYED = 2 * SEGMENT
"""Bytes that an end owes at most before it acknowledges them."""
ANSWERS = {"+": TO_CLIENT, "-": TO_SERVER}
SENDS = {
    ">": (TO_SERVER, SEGMENT),
    "<": (TO_CLIENT, SEGMENT),
    ")": (TO_SERVER, SMALL),
    "(": (TO_CLIENT, SMALL),
}
CLIENT, SERVER = "192.168.10.2", "198.51.100.7"
ENDS = {
    "nat": (at(CLIENT, 40000), SERVER, SERVER),
    "published": (at("198.51.100.9", 40000), str(PUBLIC), PUBLISHED),
    "ipv6": (at("2001:db8:30::2", 40000), "2001:db8:2::7", "2001:db8:2::7"),
}
"""The client, whom it connects to, and who that is."""
INSIDE = frozenset(at(host, 0).address for host in (CLIENT, PUBLISHED, "2001:db8:30::2"))


@dataclass
class Target:
    """A protocol over TCP."""

    spec: ProtocolSpec
    options: Sequence[Any]
    rules: Rules
    port: int
    seeds: Callable[[], list[bytes]]
    answer: Callable[[bytes, bytes], bytes] | None = None
    """What a record makes of the latest message that arrived."""

    def run(self, data: bytes) -> list[str]:
        """The codes of what happened. Raises AssertionError, or what an inspector raises."""
        situation, script = records.read(data)
        ends = tuple(ENDS.values())[situation % len(ENDS)]
        options = self.options[situation // len(ENDS) % len(self.options)]
        talk = Talk(self, options, *ends)
        talk.run(script)
        return talk.site.codes


@dataclass
class Party:
    """One end. It acknowledges with what it says next, as TCPs do (RFC 9293 section 3.8.6.3), and
    at once where there is more than a little to acknowledge, a FIN or a repetition."""

    own: Endpoint
    other: Endpoint
    seq: int
    ack: int = 0
    acknowledged: int = 0
    """What it has said last of that."""
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    latest: bytes = b""
    """The payload of the last segment that arrived."""
    ended: bool = False
    finished: bool = False
    """The other end has sent a FIN."""

    def segment(self, flags: int, payload: bytes = b"") -> Segment:
        own, other = self.own, self.other
        made = Segment(
            own.address.packed,
            other.address.packed,
            own.port,
            other.port,
            self.seq & 0xFFFFFFFF,
            self.ack & 0xFFFFFFFF if flags & ACK else 0,
            flags,
            65535,
            payload,
        )
        self.seq += len(payload) + bool(flags & (SYN | FIN))
        self.acknowledged = self.ack
        return made

    def takes(self, segment: Segment) -> bool:
        """Whether it is to be acknowledged at once."""
        ahead = (segment.seq - self.ack + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        assert ahead <= 0, "a gap in what leaves"
        fresh = segment.payload[-ahead:]
        self.received += fresh
        self.ack += len(fresh)
        if fresh:
            self.latest = fresh
        if segment.flags & FIN and ahead + len(segment.payload) >= 0 and not self.finished:
            self.finished = True
            self.ack += 1
        return bool(segment.flags & FIN) or ahead < 0 or self.ack - self.acknowledged >= DELAYED


class Talk:
    """One conversation."""

    def __init__(
        self, target: Target, options: Any, client: Endpoint, named: str, server: str
    ) -> None:
        self.target = target
        self.inspector: Stream | None = None
        port = target.port
        self.site = Site(
            target.spec,
            options,
            target.rules,
            port,
            self._recorded,
            INSIDE & {client.address, at(server, 0).address},
        )
        self.client = Party(client, at(named, port), 0xFFFFFF00)
        self.server = Party(at(server, port), client, 7000)
        self.over = False

    def run(self, script: Sequence[records.Record]) -> None:
        self._opens()
        for kind, data in script:
            if self.over:
                break
            self._step(kind, data)
            self._check_bytes()
        for party in (self.client, self.server):
            if not self.over and party.ack != party.acknowledged:
                self._carry(self._arrives(party, ACK))
        if not self.over and not self.site.holding:
            self._check_bytes(all_of_it=not (self.client.ended or self.server.ended))
        self.site.nothing_is_left()
        self._check_failure()

    def _recorded(self, inspector: Any) -> Stream:
        assert self.inspector is None, "a second inspector"
        self.inspector = Stream(inspector)
        return self.inspector

    def _opens(self) -> None:
        for segment in self._emitted(self._arrives(self.client, SYN)):
            self.server.other = endpoint(segment.src, segment.sport)
            self.server.ack = segment.seq + 1
        for segment in self._emitted(self._arrives(self.server, SYN | ACK)):
            self.client.ack = segment.seq + 1
        self._carry(self._arrives(self.client, ACK))

    def _step(self, kind: str, data: bytes) -> None:
        site = self.site
        match kind:
            case ">" | "<" | ")" | "(":
                direction, size = SENDS[kind]
                self._says(self._sender(direction), data, size)
            case "+" | "-" if self.target.answer is not None:
                party = self._sender(ANSWERS[kind])
                if party.latest:
                    self._says(party, self.target.answer(party.latest, data), SEGMENT)
            case "f" | "F":
                party = self.client if kind == "f" else self.server
                if not party.ended:
                    party.ended = True
                    self._carry(self._arrives(party, FIN | ACK))
            case "r" | "R":
                self._carry(self._arrives(self.client if kind == "r" else self.server, RST | ACK))
                self.over = True
            case "h":
                site.holding = not site.holding
                self._carry(site.confirmed())
            case "i" if site.counting:
                self._carry(site.silence(min(site.counting)))
            case "P":
                self._carry(site.reinstalled())
            case "u":
                self._carry(site.unwanted())
            case "t":
                self._carry(site.passes(float(data[0] if data else 1)))

    def _says(self, party: Party, data: bytes, size: int) -> None:
        if party.ended:
            return
        realm = self.site.engine.config.realm_of(party.own.address)
        for start in range(0, len(data), size):
            if self.over:
                return
            self.site.spoken.add(realm)
            piece = data[start : start + size]
            party.sent += piece
            self._carry(self._arrives(party, ACK, piece))

    def _sender(self, direction: Direction) -> Party:
        return self.client if direction is TO_SERVER else self.server

    def _arrives(self, party: Party, flags: int, payload: bytes = b"") -> list[Command]:
        """A segment of `party` comes to the gateway."""
        realm = self.site.engine.config.realm_of(party.own.address)
        segment = party.segment(flags, payload)
        commands = list(self.site.handle(SegmentArrived(segment, realm, 0)))
        self._check_failure()
        return commands

    def _carry(self, commands: list[Command]) -> None:
        """What leaves arrives, until all is quiet."""
        while commands:
            answers: list[Command] = []
            for segment in self._emitted(commands):
                party = self.server if self._is_for(self.server, segment) else self.client
                if segment.flags & RST:
                    self.over = True
                elif party.takes(segment):
                    answers += self._arrives(party, ACK)
            commands = answers + self.site.confirmed()
            self._check_failure()
        self.over |= bool(self.site.offloaded) or not self.site.engine.sessions

    def _is_for(self, party: Party, segment: Segment) -> bool:
        return (segment.dst, segment.dport) == (party.own.address.packed, party.own.port)

    @staticmethod
    def _emitted(commands: Sequence[Command]) -> list[Segment]:
        return [command.segment for command in commands if isinstance(command, Emit)]

    def _check_failure(self) -> None:
        if self.inspector is not None and self.inspector.failure is not None:
            raise self.inspector.failure

    def _check_bytes(self, *, all_of_it: bool = False) -> None:
        inspector = self.inspector
        assert inspector is not None, self.site.codes
        for way, sender, receiver in (
            (TO_SERVER, self.client, self.server),
            (TO_CLIENT, self.server, self.client),
        ):
            assert sender.sent.startswith(inspector.came[way]), "inspected is not what was sent"
            expected = bytes(inspector.expected[way])
            if inspector.opaque:
                expected += bytes(sender.sent[inspector.decided[way] :])
            got = bytes(receiver.received)
            assert expected.startswith(got), (way, got, expected)
            assert not all_of_it or self.over or len(got) == len(expected), (way, got, expected)
