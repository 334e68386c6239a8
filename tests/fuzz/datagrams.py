"""UDP control traffic through the engine: whatever is said, by whomever.

Records: `>` the inside client sends to the server, `<` the server to what stands for the client;
`o` another port of the client sends; `x` a stranger; `p` somebody outside to the published server,
`q` that one back; `s` the client sends a first datagram that its size has inspected, `w` a later
one, `a` a node answers; `+` the server answers the latest that reached it, `-` the client; `h`,
`i`, `t`, `P`, `u` as for streams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ryu_alg.engine.commands import Command, EmitDatagram, PassDatagram
from ryu_alg.engine.events import DatagramArrived, SizedDatagramArrived
from ryu_alg.engine.segment import Datagram
from ryu_alg.inspection import Endpoint, ProtocolSpec, Realm
from tests.fuzz import records
from tests.fuzz.recorders import Datagrams
from tests.fuzz.site import PUBLIC, PUBLISHED, Rules, Site, at, endpoint

CLIENTS = ("192.168.10.2", "2001:db8:30::2")
SERVERS = ("198.51.100.7", "2001:db8:2::7")
NODES = ("198.51.100.9", "2001:db8:2::9")
STRANGER = "198.51.100.66"
LONGEST = 2000
"""Bytes of a payload."""


@dataclass
class Target:
    """A protocol over UDP."""

    spec: ProtocolSpec
    options: Sequence[Any]
    rules: Rules
    port: int
    client_port: int
    seeds: Callable[[], list[bytes]]
    answer: Callable[[bytes, bytes], bytes] | None = None
    """What a record makes of the latest message that arrived."""

    def run(self, data: bytes) -> list[str]:
        """The codes of what happened. Raises AssertionError, or what an inspector raises."""
        situation, script = records.read(data)
        options = self.options[situation // len(CLIENTS) % len(self.options)]
        lan = Lan(self, options, situation % len(CLIENTS))
        lan.run(script)
        return lan.site.codes


class Lan:
    """One inside client, one published server, and who is outside."""

    def __init__(self, target: Target, options: Any, version: int) -> None:
        self.target = target
        self.inspectors: list[Datagrams] = []
        self.client = at(CLIENTS[version], target.client_port)
        self.server = at(SERVERS[version], target.port)
        self.node = at(NODES[version], 7000)
        self.published = at(PUBLISHED, target.port)
        self.visitor = at(NODES[0], 5000)
        self.latest = {self.client: b"", self.server: b""}
        self.site = Site(
            target.spec,
            options,
            target.rules,
            target.port,
            self._recorded,
            frozenset({self.client.address, self.published.address}),
        )
        self.public = at(str(PUBLIC), 49152) if version == 0 else self.client
        """What stands for the client; a guess until it has sent."""

    def run(self, script: Sequence[records.Record]) -> None:
        for kind, data in script:
            self._step(kind, data[:LONGEST])
        self.site.nothing_is_left()
        self._check_failure()

    def _recorded(self, inspector: Any) -> Datagrams:
        recorded = Datagrams(inspector)
        self.inspectors.append(recorded)
        return recorded

    def _step(self, kind: str, data: bytes) -> None:
        site = self.site
        match kind:
            case ">":
                self._sends(self.client, self.server, data)
            case "<":
                self._sends(self.server, self.public, data)
            case "o":
                other = Endpoint(self.client.address, self.client.port + 1)
                self._sends(other, self.server, data)
            case "x":
                self._sends(at(STRANGER, self.target.port), self.public, data)
            case "p":
                self._sends(self.visitor, Endpoint(PUBLIC, self.target.port), data)
            case "q":
                self._sends(self.published, self.visitor, data)
            case "s":
                self._sized(self.client, self.node, data, None)
            case "w" | "a":
                for listener in list(site.listeners)[-1:]:
                    ends = (self.client, self.node) if kind == "w" else (self.node, self.client)
                    self._sized(*ends, data, listener)
            case "+" | "-" if self.target.answer is not None:
                source = self.server if kind == "+" else self.client
                target = self.public if kind == "+" else self.server
                if self.latest[source]:
                    self._sends(source, target, self.target.answer(self.latest[source], data))
            case "h":
                site.holding = not site.holding
                self._leaves(site.confirmed())
            case "i" if site.counting:
                self._leaves(site.silence(min(site.counting)))
            case "P":
                self._leaves(site.reinstalled())
            case "u":
                self._leaves(site.unwanted())
            case "t":
                self._leaves(site.passes(float(data[0] if data else 1)))

    def _sends(self, source: Endpoint, target: Endpoint, payload: bytes) -> None:
        realm = self.site.engine.config.realm_of(source.address)
        self.site.spoken.add(realm)
        event = DatagramArrived(_wire(source, target, payload), realm, 0)
        self._leaves([*self.site.handle(event), *self.site.confirmed()], payload)

    def _sized(
        self, source: Endpoint, target: Endpoint, payload: bytes, listener: int | None
    ) -> None:
        realm = self.site.engine.config.realm_of(source.address)
        if self.target.spec.sizes is None:
            return
        self.site.spoken.add(realm)
        protocol = 0 if listener is None else None
        event = SizedDatagramArrived(_wire(source, target, payload), realm, protocol, listener)
        self._leaves([*self.site.handle(event), *self.site.confirmed()], payload)

    def _leaves(self, commands: Sequence[Command], came: bytes = b"") -> None:
        """What leaves was sent by an inspector, or is what came."""
        self._check_failure()
        sent = {came}.union(*(inspector.sent for inspector in self.inspectors))
        for command in commands:
            match command:
                case EmitDatagram(wire):
                    source = endpoint(wire.src, wire.sport)
                    target = endpoint(wire.dst, wire.dport)
                    if self.site.engine.config.realm_of(target.address) is Realm.OUTSIDE:
                        assert source.address in (PUBLIC, self.client.address), source
                    if target == self.server:
                        self.public = source
                    if target in self.latest:
                        self.latest[target] = wire.payload
                    assert wire.payload in sent, wire.payload
                case PassDatagram(wire):
                    assert wire.payload in sent, wire.payload
                case _:
                    pass

    def _check_failure(self) -> None:
        for inspector in self.inspectors:
            if inspector.failure is not None:
                raise inspector.failure


def _wire(source: Endpoint, target: Endpoint, payload: bytes) -> Datagram:
    return Datagram(source.address.packed, target.address.packed, source.port, target.port, payload)
