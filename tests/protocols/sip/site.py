"""An inside host behind a gateway, and its correspondents: what they send, and what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Admit,
    Datagram,
    DatagramEffect,
    Endpoint,
    Hold,
    Realm,
    Refusal,
    Report,
    Send,
    Unbind,
)
from ryu_alg.protocols.sip import SipOptions
from ryu_alg.protocols.sip.message import Message, parse
from ryu_alg.protocols.sip.transparent import TransparentInspector
from tests.protocols.sip.gateway import HOST, MemoryGateway, World, endpoint

PHONE = endpoint(HOST, 5060)
PROXY = endpoint("198.51.100.7", 5060)
PUBLIC_PHONE = endpoint("203.0.113.1", 49152)
"""What stands for `PHONE`, which is the first to send."""


@dataclass
class Site:
    """One inside host. `inside` and `outside` send, and return what leaves on the other side."""

    options: SipOptions = field(default_factory=SipOptions)
    world: World = field(default_factory=World)
    phone: Endpoint = PHONE
    reports: list[str] = field(default_factory=list)
    held: dict[Endpoint, float] = field(default_factory=dict)
    sends: list[Send] = field(default_factory=list)
    """Of the last message."""

    def __post_init__(self) -> None:
        self.gateway: MemoryGateway = self.world.gateway(self.phone.address)
        self.inspector = TransparentInspector(self.options, self.gateway)
        self.public(self.phone)

    def public(self, inside: Endpoint) -> Endpoint:
        """What stands for an endpoint; as the engine, bound when it first sends."""
        found = self.gateway.signalling(inside)
        assert not isinstance(found, Refusal)
        return found

    def inside(
        self, raw: bytes, remote: Endpoint = PROXY, source: Endpoint | None = None
    ) -> list[Send]:
        """The inside host sends."""
        here = source or self.phone
        return self.feed(Datagram(Realm.INSIDE, here, self.public(here), remote, raw))

    def outside(
        self, raw: bytes, remote: Endpoint = PROXY, to: Endpoint | None = None
    ) -> list[Send]:
        """Somebody outside sends to what stands for `to`."""
        here = to or self.phone
        return self.feed(Datagram(Realm.OUTSIDE, here, self.public(here), remote, raw))

    def feed(self, datagram: Datagram) -> list[Send]:
        self.carry_out(self.inspector.inspect(datagram))
        return self.sends

    def carry_out(self, effects: object) -> None:
        self.sends = []
        assert isinstance(effects, list | tuple)
        for effect in effects:
            self._one(effect)

    def _one(self, effect: DatagramEffect) -> None:
        match effect:
            case Send():
                assert effect.inside.address == self.phone.address
                self.sends.append(effect)
            case Hold(inside, until):
                self.held[inside] = until
            case Report(code, detail):
                assert detail.isprintable()
                self.reports.append(code)
            case Admit() | Unbind():
                assert not self.sends, "the message leaves before its pinhole is asked for"
                self.world.carry_out([effect])

    def sleep(self, seconds: float) -> None:
        """Time passes; whatever is due is done on the way."""
        end = self.world.now + seconds
        while (due := self.inspector.next_timeout()) is not None and due <= end:
            self.world.now = max(due, self.world.now)
            self.carry_out(self.inspector.wake())
            assert self.inspector.next_timeout() != due
        self.world.now = end

    @property
    def remembers(self) -> int:
        """How many entries its tables have."""
        state = self.inspector.state
        tables = (state.passages.table, state.calls.table, state.registrations.table)
        return sum(len(table) for table in tables)


def only(sends: list[Send], towards: Realm) -> bytes:
    """The payload of the one datagram that leaves, and does so this way."""
    assert [send.towards for send in sends] == [towards]
    return sends[0].payload


def read(raw: bytes) -> Message:
    """A message that must be one."""
    found = parse(raw)
    assert isinstance(found, Message), found
    return found


def status_of(sends: list[Send], towards: Realm) -> int:
    """The status of the one response that leaves."""
    return read(only(sends, towards)).status
