"""One connection as the engine runs it, with a gateway in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from ryu_alg.inspection import (
    Address,
    Admit,
    Binding,
    Conversation,
    Direction,
    Effect,
    Endpoint,
    Realm,
    Refusal,
    Transport,
    Unbind,
)
from ryu_alg.protocols.rtsp import RtspInspector, RtspOptions
from tests.protocols.session import TO_CLIENT, TO_SERVER, StreamSession

FIRST_PUBLIC_PORT = 40000
INSIDE = (ip_network("192.168.0.0/16"), ip_network("2001:db8:30::/64"))
PUBLIC = ip_address("203.0.113.1")


def endpoint(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


def _conversation(client: str, server: str, client_seen: str = "", server_seen: str = "") -> Any:
    return Conversation(
        client=endpoint(client, 40100),
        client_seen=endpoint(client_seen or client, 50000 if client_seen else 40100),
        server=endpoint(server, 8554 if server_seen else 554),
        server_seen=endpoint(server_seen or server, 554),
    )


NAT = _conversation("192.168.10.2", "198.51.100.7", client_seen="203.0.113.1")
PUBLISHED = _conversation("198.51.100.9", "192.168.20.2", server_seen="203.0.113.1")
IPV6_OUT = _conversation("2001:db8:30::2", "2001:db8:1::7")
IPV6_IN = _conversation("2001:db8:1::9", "2001:db8:30::2")
ACROSS = _conversation("192.168.10.2", "192.168.20.2")
CONVERSATIONS = (NAT, PUBLISHED, IPV6_OUT, IPV6_IN, ACROSS)


@dataclass
class MemoryGateway:
    """A `StreamGateway` that knows no quotas but `refusals`."""

    conversation: Conversation
    now: float = 1000.0
    bindings: dict[int, Binding] = field(default_factory=dict)
    admitted: dict[int, Admit] = field(default_factory=dict)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    """By inside port."""
    bound: int = 0
    _next_port: int = FIRST_PUBLIC_PORT

    def realm_of(self, address: Address) -> Realm:
        inside = any(address in network for network in INSIDE)
        return Realm.INSIDE if inside else Realm.OUTSIDE

    def public_of(self, host: Address) -> Address:
        return PUBLIC if host.version == 4 and self.realm_of(host) is Realm.INSIDE else host

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        raise AssertionError("of no interest to RTSP")

    def expect(self, **_: Any) -> Any:
        raise AssertionError("RTSP binds, it does not expect")

    def bind(
        self,
        inside: Sequence[Endpoint],
        *,
        transport: Transport = Transport.UDP,
        even: bool = False,
        **_: Any,
    ) -> Binding | Refusal:
        assert even is (transport is Transport.UDP)
        for each in inside:
            assert self.realm_of(each.address) is Realm.INSIDE
            assert 1024 <= each.port <= 65535
            if each.port in self.refusals:
                return self.refusals[each.port]
        public = tuple(inside)
        address = self.public_of(inside[0].address)
        if address != inside[0].address:
            first = self._next_port + self._next_port % 2
            self._next_port = first + len(inside)
            public = tuple(Endpoint(address, first + index) for index in range(len(inside)))
        self.bound += 1
        binding = Binding(self.bound, transport, tuple(inside), public)
        self.bindings[binding.id] = binding
        return binding

    def open(self) -> set[tuple[str, str]]:
        """All that may flow: (inside endpoint, remote endpoint)."""
        return {
            (str(self.bindings[number].inside[each.index]), str(each.remote))
            for number, admit in self.admitted.items()
            for each in admit.exchanges
        }


class Connection(StreamSession):
    """With a gateway in memory."""

    def __init__(
        self, conversation: Conversation = NAT, options: dict[str, Any] | None = None
    ) -> None:
        gateway = MemoryGateway(conversation)
        super().__init__(RtspInspector(RtspOptions.model_validate(options or {}), gateway), gateway)
        self.came = {TO_SERVER: 0, TO_CLIENT: 0}
        self.watch: Callable[[], None] = lambda: None
        """Called after each effect list."""

    def feed(self, direction: Direction, data: bytes) -> None:
        self.came[direction] += len(data)
        super().feed(direction, data)

    def offer(self, direction: Direction) -> bool:
        held = self.held[direction]
        if self.opaque:
            self.decide(direction, len(held), held)
            return False
        return super().offer(direction) or self.opaque

    def end(self, direction: Direction) -> None:
        if not self.aborted and not self.opaque:
            self.carry_out(self.inspector.end(direction, self.held[direction]), direction)

    def pass_time(self, seconds: float) -> None:
        """The inspector is woken when it wants to."""
        until = self.gateway.now + seconds
        while (due := self.inspector.next_timeout()) is not None and due <= until:
            self.gateway.now = max(self.gateway.now, due)
            self.carry_out(self.inspector.wake(), TO_SERVER)
        self.gateway.now = until

    def silence(self) -> None:
        """Nothing has moved through any binding for a while."""
        for number in list(self.gateway.bindings):
            self.carry_out(self.inspector.binding_idle(number), TO_SERVER)

    def carry_out(self, effects: Sequence[Effect], direction: Direction) -> bool:
        decided = super().carry_out(effects, direction)
        for way in Direction:
            assert self.aborted or self.inspector.shift[way] == self.shift(way)
        self.watch()
        return decided

    def other(self, effect: Effect) -> None:
        match effect:
            case Admit(number, exchanges):
                assert exchanges or number in self.gateway.admitted
                assert len(set(exchanges)) == len(exchanges)
                self.gateway.admitted[number] = effect
            case Unbind(number):
                del self.gateway.bindings[number]
                self.gateway.admitted.pop(number, None)
            case _:
                raise AssertionError(effect)

    def shift(self, direction: Direction) -> int:
        """Bytes by which what left is ahead of what came and was decided."""
        return len(self.left[direction]) + len(self.held[direction]) - self.came[direction]


def message(first: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [first, *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def request(method: str, cseq: int, *headers: str, url: str = "", body: bytes = b"") -> bytes:
    url = url or "rtsp://example.com/test/stream=0"
    return message(f"{method} {url} RTSP/1.0", f"CSeq: {cseq}", *headers, body=body)


def setup(cseq: int, transport: str, *headers: str, url: str = "") -> bytes:
    return request("SETUP", cseq, f"Transport: {transport}", *headers, url=url)


def ok(cseq: int, *headers: str, body: bytes = b"") -> bytes:
    return message("RTSP/1.0 200 OK", f"CSeq: {cseq}", *headers, body=body)


def accept(cseq: int, transport: str, session: str = "12345678;timeout=60") -> bytes:
    return ok(cseq, f"Transport: {transport}", f"Session: {session}")
