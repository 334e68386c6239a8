"""The stream editor between two model endpoints, with everything about it watched.

`Moderator` decides about both streams by a seeded `Rule`, as the session would for an inspector;
`Wiretap` sees every segment that goes into and comes out of the editor and raises AssertionError
at the first one that is wrong; `Scenario` is one conversation, from which `converse` makes a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from ryu_alg.engine.editor import EditorLimits, Header, Phase, StreamEditor
from ryu_alg.engine.segment import ACK, FIN, RST, SYN, Segment
from ryu_alg.inspection.endpoints import Direction
from tests.engine.channel import Application, Emission, Network, Weather
from tests.engine.tcp_model import (
    DEFAULT_MSS,
    MODULUS,
    OVER,
    Endpoint,
    Profile,
    State,
    parse_options,
    signed,
)

CLIENT = (b"\x0a\x00\x00\x02", 40000)
CLIENT_SEEN = (b"\xcb\x00\x71\x01", 50000)
SERVER = (b"\xc0\xa8\x14\x02", 2121)
SERVER_SEEN = (b"\xc6\x33\x64\x07", 21)
HEADERS = {
    Direction.TO_SERVER: Header(*CLIENT_SEEN, *SERVER),
    Direction.TO_CLIENT: Header(*SERVER_SEEN, *CLIENT),
}
"""Both ends are behind an address translation of their own."""


# ---- what is decided


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one message."""

    pieces: tuple[tuple[int, bytes | None], ...]
    """(length, replacement) in turn; None forwards."""
    injected: tuple[tuple[Direction, bytes], ...] = ()
    hold: float = 0.0
    """Hold until the other direction makes progress, at most so many seconds."""
    gate: float = 0.0
    """Close the gate before this message for so many seconds."""

    def output(self, message: bytes) -> bytes:
        """What leaves in the message's own direction, injections aside."""
        parts = []
        for length, data in self.pieces:
            parts.append(message[:length] if data is None else data)
            message = message[length:]
        assert not message
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Rule:
    """How messages are framed and what becomes of them. Chances are per cent per message."""

    seed: int = 0
    lines: bool = False
    """Messages are lines, else they have random lengths."""
    longest: int = 40
    edit: int = 0
    inject: int = 0
    hold: int = 0
    gate: int = 0

    def frame(self, direction: Direction, index: int, data: bytes, ended: bool) -> int:
        """Length of the next message, 0 when it is not complete yet."""
        if self.lines:
            end = data.find(b"\n", 0, self.longest) + 1 or self.longest
        else:
            end = _random(self.seed, "length", direction.value, index).randint(1, self.longest)
        if end <= len(data):
            return end
        return len(data) if ended else 0

    def verdict(self, direction: Direction, index: int, message: bytes) -> Verdict:
        """The same for the same message, whenever it is asked."""
        return _verdict(self, direction, index, message)


def _random(*seed: object) -> Random:
    return Random("/".join(map(str, seed)))


@lru_cache(4096)
def _verdict(rule: Rule, direction: Direction, index: int, message: bytes) -> Verdict:
    random = _random(rule.seed, direction.value, index)

    def chance(per_cent: int) -> bool:
        return random.random() * 100 < per_cent

    def text() -> bytes:
        size = random.choice((0, 0, 1, random.randint(1, 8), random.randint(1, 3 * rule.longest)))
        return random.randbytes(size)

    length = len(message)
    at = random.randint(0, length)
    pieces: list[tuple[int, bytes | None]]
    if not chance(rule.edit):
        pieces = [(length, None)] if random.random() < 0.7 else [(at, None), (length - at, None)]
    else:
        kind = random.choice(("replace", "delete", "insert", "middle", "ends", "all"))
        match kind:
            case "replace":
                pieces = [(length, text())]
            case "delete":
                pieces = [(length, b"")]
            case "insert":
                pieces = [(at, None), (0, text()), (length - at, None)]
            case "middle":
                end = random.randint(at, length)
                pieces = [(at, None), (end - at, text()), (length - end, None)]
            case "ends":
                pieces = [(0, text()), (length, None), (0, text())]
            case _:
                pieces = [(1, text()) for _ in range(length)] if length < 9 else [(length, text())]
    injected: tuple[tuple[Direction, bytes], ...] = ()
    if chance(rule.inject):
        target = direction if random.random() < 0.2 else direction.opposite
        injected = ((target, random.randbytes(random.randint(1, rule.longest))),)
    return Verdict(
        tuple(pieces),
        injected,
        hold=random.random() if chance(rule.hold) else 0.0,
        gate=random.random() if chance(rule.gate) else 0.0,
    )


def edited(rule: Rule, direction: Direction, stream: bytes) -> tuple[bytes, list[bytes]]:
    """What the rule makes of a whole stream: (its output, what it injects the other way)."""
    output, injected = bytearray(), []
    at = index = 0
    while at < len(stream):
        length = rule.frame(direction, index, stream[at:], ended=True)
        message = stream[at : at + length]
        verdict = rule.verdict(direction, index, message)
        output += verdict.output(message)
        for target, data in verdict.injected:
            if target is direction:
                output += data
            else:
                injected.append(data)
        at += length
        index += 1
    return bytes(output), injected


class Moderator:
    """Takes the decisions and remembers what must therefore come out."""

    def __init__(self, editor: StreamEditor, rule: Rule) -> None:
        self.editor = editor
        self.rule = rule
        self.expected = {direction: bytearray() for direction in Direction}
        """What must leave, injections included, in the order in which it was decided."""
        self.own = {direction: bytearray() for direction in Direction}
        """The same without what the other direction's messages injected."""
        self.injected: dict[Direction, list[bytes]] = {direction: [] for direction in Direction}
        """By the direction of the messages that caused it; includes what came too late."""
        self.finished = dict.fromkeys(Direction, False)
        self.gate_mark: dict[Direction, int] | None = None
        """How much may have left of each direction while the gate is closed."""
        self._index = dict.fromkeys(Direction, 0)
        self._gated = dict.fromkeys(Direction, -1)
        self._held: dict[Direction, tuple[int, float, int]] = {}
        """Index of the held message, until when, and where the other direction was."""
        self._gate_until: float | None = None
        self._pumped = 0.0

    def next_timeout(self) -> float | None:
        due = [until for _, until, _ in self._held.values() if until > self._pumped]
        if self._gate_until is not None:
            due.append(self._gate_until)
        return min(due) if due else None

    def pump(self, now: float) -> None:
        """Decide all that can be decided."""
        self._pumped = now
        if self._gate_until is not None and self._gate_until <= now:
            self._gate_until = self.gate_mark = None
            self.editor.open_gate()
        while sum(self._decide(direction, now) for direction in Direction):
            pass

    def _decide(self, direction: Direction, now: float) -> bool:
        editor, rule = self.editor, self.rule
        if self.finished[direction] or self._gate_until is not None:
            return False
        ended = editor.ended(direction)
        data = editor.undecided(direction)
        assert len(data) <= editor.limits.undecided, "undecided bytes exceed their limit"
        index = self._index[direction]
        length = rule.frame(direction, index, data, ended) if data else 0
        if not length:
            if ended and not data:
                self.finished[direction] = True
                editor.finish(direction)
                return True
            return False
        message = data[:length]
        verdict = rule.verdict(direction, index, message)
        if self._holds(direction, verdict, now):
            return False
        if verdict.gate and self._gated[direction] < index:
            self._gated[direction] = index
            self.gate_mark = {each: len(self.expected[each]) for each in Direction}
            self._gate_until = now + verdict.gate
            editor.close_gate()
        for size, replacement in verdict.pieces:
            if replacement is None:
                editor.forward(direction, size)
            else:
                editor.replace(direction, size, replacement)
        output = verdict.output(message)
        self.expected[direction] += output
        self.own[direction] += output
        for target, inserted in verdict.injected:
            if not self.finished[target]:
                editor.inject(target, inserted)
                self.expected[target] += inserted
            if target is direction:
                self.own[direction] += inserted
            else:
                self.injected[direction].append(inserted)
        self._index[direction] += 1
        self._held.pop(direction, None)
        return True

    def _holds(self, direction: Direction, verdict: Verdict, now: float) -> bool:
        if not verdict.hold:
            return False
        index, other = self._index[direction], self._index[direction.opposite]
        held, until, seen = self._held.get(direction, (-1, 0.0, 0))
        if held != index:
            self._held[direction] = (index, now + verdict.hold, other)
            return True
        if other > seen or until <= now:
            self._held.pop(direction)
            return False
        return True


# ---- what is watched


@dataclass(slots=True)
class Side:
    """What the wiretap knows about one direction. Offsets: 0 is the first byte."""

    initial: int | None = None
    mss: int = DEFAULT_MSS
    """What the receiver announced."""
    scale: int | None = None
    """The sender's window scale option."""
    first: bytearray = field(default_factory=bytearray)
    """The first copy of each byte that arrived from the sender."""
    arrived: bytearray = field(default_factory=bytearray)
    in_order: int = 0
    end_arrived: int = MODULUS
    """Where the FIN is."""
    conflicts: int = 0
    emitted: bytearray = field(default_factory=bytearray)
    fin_emitted: int | None = None
    edge: int = 0
    """The furthest that the receiver's windows allow."""
    told: int = -1
    """The last acknowledgement that the sender was sent."""
    told_edge: int = 0
    urgent: int = 0
    """The furthest urgent pointer that left."""


class Wiretap:
    """Sees both sides of the editor, and knows what must not be there."""

    def __init__(self, moderator: Moderator) -> None:
        self.moderator = moderator
        self.sides = {direction: Side() for direction in Direction}
        self.counters: Counter[str] = Counter()

    def _scale(self, side: Side) -> int:
        both = all(each.scale is not None for each in self.sides.values())
        return side.scale or 0 if both else 0

    def entering(self, direction: Direction, segment: Segment, *, forged: bool = False) -> None:
        """A segment from the sender of `direction` reaches the editor."""
        side, other = self.sides[direction], self.sides[direction.opposite]
        if segment.flags & SYN:
            if side.initial is None:
                options = dict(parse_options(segment.options))
                side.initial = segment.seq
                side.scale = options[3][0] if 3 in options else None
                other.mss = int.from_bytes(options[2], "big") if 2 in options else DEFAULT_MSS
                other.edge = segment.window
            return
        if side.initial is None or other.initial is None or segment.flags & RST:
            return
        if segment.flags & ACK and not forged:
            acked = self._offset(other, segment.ack, len(other.emitted))
            other.edge = max(other.edge, acked + (segment.window << self._scale(side)))
        start = self._offset(side, segment.seq, side.in_order)
        end = start + len(segment.payload)
        if segment.payload and start < side.end_arrived:
            # (The garbage byte of a keepalive probe may stand where the FIN was.)
            self._note(side, start, segment.payload[: side.end_arrived - start])
        if segment.flags & FIN and not forged:
            side.end_arrived = end

    def _note(self, side: Side, start: int, payload: bytes) -> None:
        missing = start + len(payload) - len(side.first)
        if missing > 0:
            side.first += bytes(missing)
            side.arrived += bytes(missing)
        for at, byte in enumerate(payload, start):
            if at < 0:
                continue
            if not side.arrived[at]:
                side.arrived[at] = 1
                side.first[at] = byte
            elif side.first[at] != byte:
                side.conflicts += 1
        gap = side.arrived.find(0, side.in_order)
        side.in_order = len(side.arrived) if gap < 0 else gap

    @staticmethod
    def _offset(side: Side, sequence: int, near: int) -> int:
        assert side.initial is not None
        return near + signed(sequence - side.initial - 1 - near)

    def leaving(self, direction: Direction, segment: Segment) -> None:
        """A segment leaves the editor in `direction`."""
        self.counters["out"] += 1
        header = HEADERS[direction]
        assert (segment.src, segment.sport) == (header.src, header.sport)
        assert (segment.dst, segment.dport) == (header.dst, header.dport)
        assert 0 <= segment.window <= 0xFFFF
        assert 0 <= segment.seq < MODULUS
        assert 0 <= segment.ack < MODULUS
        if segment.flags & SYN:
            self._check_syn(direction, segment)
            return
        assert not segment.options, "options outside of a SYN"
        if segment.flags & RST:
            self.counters["reset"] += 1
            return
        assert segment.flags & ACK
        self._check_text(direction, segment)
        self._check_acknowledgement(direction, segment)

    def _check_syn(self, direction: Direction, segment: Segment) -> None:
        side, other = self.sides[direction], self.sides[direction.opposite]
        assert segment.seq == side.initial, "the initial sequence number changed"
        assert not segment.payload, "a SYN with payload"
        assert not segment.flags & FIN
        options = dict(parse_options(segment.options))
        assert set(options) <= {2, 3}, f"SYN options {options}"
        assert int.from_bytes(options[2], "big") <= other.mss
        assert side.scale == (options[3][0] if 3 in options else None)
        if segment.flags & ACK:
            assert other.initial is not None
            assert segment.ack == (other.initial + 1) % MODULUS

    def _check_text(self, direction: Direction, segment: Segment) -> None:
        side, moderator = self.sides[direction], self.moderator
        payload, emitted = segment.payload, side.emitted
        start = self._offset(side, segment.seq, len(emitted))
        end = start + len(payload)
        assert len(payload) <= side.mss, f"{len(payload)} bytes exceed the MSS of {side.mss}"
        if payload:
            assert 0 <= start <= len(emitted), f"byte {start} leaves before byte {len(emitted)}"
            again = bytes(emitted[start:end])
            assert payload[: len(again)] == again, f"bytes at {start} changed in a repetition"
            if end > len(emitted):
                expected = moderator.expected[direction][len(emitted) : end]
                assert payload[len(again) :] == expected, f"not what was decided, at {start}"
                assert end <= side.edge or len(payload) == 1, (
                    f"bytes {start} to {end} are beyond the window, {side.edge}"
                )
                if moderator.gate_mark is not None:
                    assert end <= moderator.gate_mark[direction], "through a closed gate"
                emitted += payload[len(again) :]
        else:
            limit = len(emitted) + (side.fin_emitted is not None)
            assert -1 <= start <= limit, f"an empty segment at {start} of {limit}"
        if segment.flags & FIN:
            assert side.fin_emitted in (None, end), "the FIN moved"
            assert moderator.finished[direction], "a FIN before the stream was finished"
            assert end == len(moderator.expected[direction]), "a FIN before the last byte"
            assert side.fin_emitted is not None or moderator.gate_mark is None
            side.fin_emitted = end
        if payload and side.fin_emitted is not None:
            assert end <= side.fin_emitted, "data after the FIN"

    def _check_acknowledgement(self, direction: Direction, segment: Segment) -> None:
        side, sender = self.sides[direction], self.sides[direction.opposite]
        acked = self._offset(sender, segment.ack, sender.in_order)
        have = sender.in_order + (sender.end_arrived == sender.in_order)
        assert acked <= have, f"byte {acked} acknowledged, {have} arrived"
        assert acked >= sender.told, f"acknowledgement went back from {sender.told} to {acked}"
        sender.told = acked
        unit = 1 << self._scale(side)
        edge = acked + segment.window * unit
        assert edge > sender.told_edge - unit, f"window shrank from {sender.told_edge} to {edge}"
        sender.told_edge = max(edge, sender.told_edge)


def footprint(value: object, seen: set[int] | None = None) -> tuple[int, int]:
    """(bytes held, containers' entries) in everything that `value` refers to."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0, 0
    seen.add(id(value))
    parts: Iterable[Any]
    if isinstance(value, bytes | bytearray):
        return len(value), 0
    if isinstance(value, dict | Counter):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = value
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, each.name) for each in fields(value)]
        sizes = [footprint(part, seen) for part in parts]
        return sum(size for size, _ in sizes), sum(entries for _, entries in sizes)
    else:
        return 0, 0
    sizes = [footprint(part, seen) for part in parts]
    return sum(size for size, _ in sizes), len(sizes) + sum(entries for _, entries in sizes)


class EditorBox:
    """The editor as a `Middlebox`, with its moderator and its wiretap."""

    def __init__(self, rule: Rule | None = None, limits: EditorLimits | None = None) -> None:
        self.editor = StreamEditor(HEADERS, limits=limits or EditorLimits())
        self.moderator = Moderator(self.editor, rule or Rule())
        self.wiretap = Wiretap(self.moderator)
        self.forger: Forger | None = None
        self.probe_every: float | None = None
        self._probe_at = 0.0
        self.most_bytes = 0
        self.most_entries = 0
        self._measured = 0

    def receive(self, direction: Direction, segment: Segment, now: float) -> list[Emission]:
        out: list[Emission] = []
        arriving = [(segment, False)]
        if self.forger is not None:
            arriving = self.forger.around(segment)
        self.wiretap.counters["in"] += len(arriving)
        for each, forged in arriving:
            if not (forged and self.forger and self.forger.blind):
                self.wiretap.entering(direction, each, forged=forged)
            self.editor.receive(direction, each, now)
            out += self.collect(now)
        return out

    def collect(self, now: float) -> list[Emission]:
        self.moderator.pump(now)
        out = self.editor.flush(now)
        for direction, segment in out:
            self.wiretap.leaving(direction, segment)
        self._measured += 1
        if self._measured % 8 == 0:
            size, entries = footprint(self.editor)
            self.most_bytes = max(self.most_bytes, size)
            self.most_entries = max(self.most_entries, entries)
        return out

    def next_timeout(self) -> float | None:
        due = [self.editor.next_timeout(), self.moderator.next_timeout()]
        if self.probe_every is not None and self.editor.phase in (Phase.OPENING, Phase.OPEN):
            due.append(self._probe_at)
        return min((at for at in due if at is not None), default=None)

    def expire(self, now: float) -> None:
        at = self.editor.next_timeout()
        if at is not None and at <= now:
            self.wiretap.counters["expired"] += 1
            self.editor.expire(now)
        if self.probe_every is not None and self._probe_at <= now:
            self._probe_at = now + self.probe_every
            self.editor.probe(now)


@dataclass
class Forger:
    """Sends segments of its own around real ones, as an attacker on the sender's path can."""

    random: Random
    chance: int = 20
    """Per cent of the segments that a forgery goes with."""
    blind: bool = False
    """Guesses sequence numbers, and never right, else overwrites what it sees."""

    def around(self, segment: Segment) -> list[tuple[Segment, bool]]:
        """(segment, forged) in the order in which they arrive."""
        if self.random.random() * 100 >= self.chance or segment.flags & SYN:
            return [(segment, False)]
        forged = self._guess(segment) if self.blind else self._overwrite(segment)
        if forged is None:
            return [(segment, False)]
        if self.random.random() < 0.5:
            return [(forged, True), (segment, False)]
        return [(segment, False), (forged, True)]

    def _guess(self, segment: Segment) -> Segment:
        far = self.random.randrange(1 << 27, MODULUS - (1 << 27))
        flags = self.random.choice((ACK, RST, RST | ACK, SYN, FIN | ACK, ACK, SYN | ACK))
        payload = self.random.randbytes(self.random.choice((0, 1, 20)))
        match self.random.randrange(2):
            case 0:
                return replace(
                    segment, seq=(segment.seq + far) % MODULUS, flags=flags, payload=payload
                )
            case _:
                # The sequence number is right, the acknowledgement is not.
                return replace(
                    segment, ack=(segment.ack + far) % MODULUS, flags=ACK, payload=payload
                )

    def _overwrite(self, segment: Segment) -> Segment | None:
        if not segment.payload:
            return None
        start = self.random.randrange(len(segment.payload))
        end = self.random.randint(start + 1, len(segment.payload))
        other = bytes(byte ^ 0x80 for byte in segment.payload[start:end])
        return replace(
            segment,
            seq=(segment.seq + start) % MODULUS,
            payload=other,
            flags=segment.flags & ~FIN,
        )


# ---- a conversation


@dataclass(frozen=True, slots=True)
class Party:
    """What one end does."""

    profile: Profile = Profile()
    size: int = 0
    """Bytes that it sends."""
    chunk: int = 100
    """It writes at most so many at once."""
    pause: float = 0.0
    """Longest time between writes."""
    close_after_eof: bool = False
    pace: tuple[float, int] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One conversation, whole."""

    seed: int = 0
    client: Party = Party()
    server: Party = Party()
    rule: Rule = Rule()
    weather: Weather = Weather()
    """Of the links to the editor; those from it have no need to re-segment, but may."""
    weather_after: Weather = Weather()
    limits: EditorLimits = EditorLimits()
    forged: int = 0
    blind: bool = False
    probe_every: float | None = None
    """The editor sends keepalive probes so often."""
    broken: tuple[str, float] | None = None
    """Who ("client", "server" or "editor") resets the connection, and when."""


def script(scenario: Scenario, party: Party, name: str) -> list[tuple[float, bytes]]:
    """What the party writes, and when."""
    random = _random(scenario.seed, name)
    data = random.randbytes(party.size)
    if scenario.rule.lines:
        data = bytes(10 if byte < 12 else byte for byte in data)
    steps = []
    while data:
        size = random.randint(1, party.chunk)
        steps.append((random.random() * party.pause, data[:size]))
        data = data[size:]
    return steps


def connect(
    client: Profile | None = None,
    server: Profile | None = None,
    *,
    rule: Rule | None = None,
    limits: EditorLimits | None = None,
    weather: dict[str, Weather] | None = None,
    seed: str = "",
) -> tuple[Network, EditorBox]:
    """Two endpoints that will find each other through an editor."""
    box = EditorBox(rule, limits)
    network = Network(
        Endpoint("client", client or Profile(), CLIENT, SERVER_SEEN),
        Endpoint("server", server or Profile(), SERVER, CLIENT_SEEN),
        box,
        weather=weather or {},
        seed=seed,
    )
    return network, box


@dataclass
class Run:
    """A conversation that has ended, for further questions."""

    network: Network
    box: EditorBox
    client: Application
    server: Application


def converse(scenario: Scenario, *, deadline: float = 1200.0) -> Run:
    """Run the whole conversation; AssertionError when anything about it is wrong."""
    network, box = connect(
        scenario.client.profile,
        scenario.server.profile,
        rule=scenario.rule,
        limits=scenario.limits,
        weather={
            "client-box": scenario.weather,
            "server-box": scenario.weather,
            "box-server": scenario.weather_after,
            "box-client": scenario.weather_after,
        },
        seed=str(scenario.seed),
    )
    if scenario.forged:
        box.forger = Forger(_random(scenario.seed, "forger"), scenario.forged, scenario.blind)
    box.probe_every = scenario.probe_every
    up = script(scenario, scenario.client, "up")
    down = script(scenario, scenario.server, "down")
    client, server = (
        Application(endpoint, text, party.close_after_eof, party.pace)
        for endpoint, text, party in (
            (network.client, up, scenario.client),
            (network.server, down, scenario.server),
        )
    )
    network.timed = [client, server]
    network.start()
    run = Run(network, box, client, server)
    if scenario.broken is not None:
        break_off(run, *scenario.broken)
        return run

    def over() -> bool:
        return (
            network.client.state in OVER
            and network.server.state in OVER
            and not client.endpoint.unread
            and not server.endpoint.unread
            and box.editor.phase is Phase.CLOSED
        )

    done = network.run(over, deadline=deadline)
    check(run, scenario, done)
    return run


def break_off(run: Run, who: str, when: float) -> None:
    """Let the conversation go on until it is reset: what was read is what was decided."""
    network, box = run.network, run.box
    network.run(deadline=when)
    if not box.wiretap.counters["in"]:
        return  # nothing has begun
    broken = box.editor.phase in (Phase.OPENING, Phase.OPEN)
    network.timed = []
    if who == "editor":
        box.editor.abort()
        network.emit(box.collect(network.now))
    else:
        endpoint = network.client if who == "client" else network.server
        broken = broken and endpoint.state not in OVER | {State.LISTEN, State.SYN_SENT}
        if broken:
            endpoint.abort()
            network.drain()
    network.run(deadline=when + 60.0)
    for endpoint, direction in (
        (network.client, Direction.TO_CLIENT),
        (network.server, Direction.TO_SERVER),
    ):
        assert box.moderator.expected[direction].startswith(bytes(endpoint.stream))
        assert not endpoint.violations, endpoint.violations[0]
        if broken:
            assert endpoint.state in OVER | {State.LISTEN}, describe(run)
    if broken:
        assert box.editor.phase in (Phase.RESET, Phase.CLOSED)
        assert box.editor.next_timeout() is None
        assert not box.editor.undecided(Direction.TO_SERVER)


def describe(run: Run) -> str:
    """The state of things, for a failure's message."""
    lines = [f"at {run.network.now:.3f} s {dict(run.network.counters)}"]
    for endpoint in (run.network.client, run.network.server):
        lines.append(f"{endpoint.name}: {endpoint.state} {dict(endpoint.counters)}")
    editor = run.box.editor
    lines.append(f"editor: {editor.phase} {dict(editor.counters)}")
    lines += [f"{direction}: {stream}" for direction, stream in editor.streams.items()]
    return "\n".join(lines)


def check(run: Run, scenario: Scenario, done: bool) -> None:
    """What must hold when a conversation has ended."""
    network, box = run.network, run.box
    moderator, wiretap, editor = box.moderator, box.wiretap, box.editor
    assert not network.client.was_reset and not network.server.was_reset, describe(run)
    assert done, describe(run)
    assert not network.client.violations, network.client.violations[0]
    assert not network.server.violations, network.server.violations[0]
    assert not network.client.timed_out and not network.server.timed_out

    for direction, sender, receiver in (
        (Direction.TO_SERVER, network.client, run.server),
        (Direction.TO_CLIENT, network.server, run.client),
    ):
        assert sender.all_acked or sender.state is State.CLOSED
        assert receiver.endpoint.eof
        assert receiver.received == moderator.expected[direction]
        stream = bytes(wiretap.sides[direction].first)
        if not scenario.forged or scenario.blind:
            assert stream == bytes(sender.written)
        own, injected = edited(scenario.rule, direction, stream)
        assert moderator.own[direction] == own
        assert moderator.injected[direction] == injected

    if not scenario.forged:
        assert not editor.counters["conflicting_overlap"]
        assert not wiretap.counters["reset"], "a reset in a connection that closed"

    # Room for one more segment's and one more edit's worth beyond each limit.
    limits = scenario.limits
    slack = 2 * (1500 + 10 * scenario.rule.longest)
    each = limits.out_of_order + 2 * limits.undecided + limits.backlog
    assert box.most_bytes <= 2 * each + slack, f"{box.most_bytes} bytes held"
    size, entries = footprint(editor)
    assert size <= 100, f"{size} bytes are still held at the end"
    assert entries <= 120, f"{entries} entries are still held at the end"
    decided = sum(map(len, moderator.expected.values()))
    most = 100 + 6 * wiretap.counters["in"] + decided // 10 + 4 * wiretap.counters["expired"]
    assert wiretap.counters["out"] <= most, f"{wiretap.counters} for {decided} bytes"

    # Whatever is still under way must not start anything.
    out = wiretap.counters["out"]
    network.pause(20.0)
    assert wiretap.counters["out"] - out <= 60, "goes on after the end"
