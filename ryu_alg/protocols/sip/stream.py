"""SIP over TCP (RFC 3261 section 18.3): messages within a stream, one after the other.

They are inspected as over UDP; what leaves takes their place in the stream. A stream that does
not go on as SIP is refused for good: where the next message begins, nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ryu_alg.inspection import (
    Abort,
    Address,
    Binding,
    Datagram,
    DatagramEffect,
    DatagramGateway,
    Direction,
    Effect,
    Endpoint,
    Forward,
    Hold,
    Inject,
    Listener,
    Party,
    Pass,
    Realm,
    Refusal,
    Release,
    Replace,
    Report,
    Send,
    StreamGateway,
    StreamInspector,
    Transport,
    Watch,
)
from ryu_alg.inspection.framing import LF
from ryu_alg.inspection.headers import Framed, Head, Unread, take_message
from ryu_alg.protocols.sip.core import SipCore
from ryu_alg.protocols.sip.message import LIMITS, is_start_line
from ryu_alg.protocols.sip.names import CONTENT_LENGTH

_LINE_ENDS = re.compile(rb"[\r\n]*")
_MAY_BECOME_START_LINE = re.compile(rb"[!-~]*(?: [^\x00-\x1f]*)?\r?")


@dataclass(frozen=True, slots=True)
class ConnectionGateway(DatagramGateway):
    """A TCP session's gateway, as for datagrams: the connection is the only way to the host.

    So it stands for every endpoint of the inside host: whoever is told its public end as a
    contact reaches the host over this very connection (RFC 5626).
    """

    stream: StreamGateway
    inside: Endpoint
    public: Endpoint

    @property
    def now(self) -> float:
        return self.stream.now

    @property
    def host(self) -> Address:
        return self.inside.address

    def realm_of(self, address: Address) -> Realm:
        return self.stream.realm_of(address)

    def public_of(self, host: Address) -> Address:
        return self.stream.public_of(host)

    def behind(self, public: Endpoint, transport: Transport) -> Endpoint | None:
        if transport is Transport.TCP and public == self.public:
            return self.inside
        return self.stream.behind(public, transport)

    def bind(
        self,
        inside: Sequence[Endpoint],
        *,
        transport: Transport = Transport.UDP,
        even: bool = False,
        public: Address | None = None,
        idle: int | None = None,
    ) -> Binding | Refusal:
        return self.stream.bind(inside, transport=transport, even=even, public=public, idle=idle)

    def listen(self, inside: Endpoint, cause: bytes) -> Listener | Refusal:
        return self.stream.listen(inside, cause)

    def listening(self, inside: Endpoint) -> Listener | None:
        return self.stream.listening(inside)

    def held_until(self, listener: int, cause: bytes) -> float | None:
        return self.stream.held_until(listener, cause)

    def causes(self) -> Collection[bytes]:
        return self.stream.causes()

    def signalling(self, inside: Endpoint) -> Endpoint | Refusal:
        return self.public


class SipStreamInspector(StreamInspector):
    """One connection; `core` makes what would inspect its host's datagrams."""

    def __init__(
        self,
        gateway: StreamGateway,
        message_limit: int,
        core: Callable[[DatagramGateway], SipCore],
    ) -> None:
        ends = gateway.conversation
        client_inside = gateway.realm_of(ends.client.address) is Realm.INSIDE
        self.inside_party = Party.CLIENT if client_inside else Party.SERVER
        self.inside = ends.actual(self.inside_party)
        self.public = ends.seen(self.inside_party)
        self.remote = ends.actual(self.inside_party.other)
        self.message_limit = message_limit
        self.core = core(ConnectionGateway(gateway, self.inside, self.public))
        self.refused = False

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about whole messages; what is none yet waits."""
        effects: list[Effect] = []
        position = 0
        while position < len(data) and not self.refused:
            blank = _LINE_ENDS.match(data, position)
            assert blank is not None
            if blank.end() > position:
                effects.append(Forward(blank.end() - position))
                position = blank.end()
                continue
            if not _may_begin(data, position):
                self._refuse("sip.stream.not_sip", "the stream does not go on as SIP", effects)
                break
            framed = take_message(data, position, LIMITS, self.message_limit, CONTENT_LENGTH)
            if framed is Unread.PARTIAL:
                break
            if not isinstance(framed, Framed):
                detail = f"a message cannot be delimited: {framed.value}"
                self._refuse(f"sip.stream.{framed.value}", detail, effects)
                break
            head = framed.head.moved(-position)
            self._message(direction, data[position : framed.end], head, effects)
            position = framed.end
        return effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Half a message is of no use to anybody; the core may have something to end."""
        if self.refused:
            return ()
        sender = Realm.INSIDE if direction.sender is self.inside_party else Realm.OUTSIDE
        return self._injected(self.core.disconnected(sender))

    def next_timeout(self) -> float | None:
        """The core's."""
        return self.core.next_timeout()

    def wake(self) -> Sequence[Effect]:
        """What the core sends leaves between messages."""
        return self._injected(self.core.wake())

    def binding_idle(self, binding: int) -> Sequence[Effect]:
        """Likewise."""
        return self._injected(self.core.binding_idle(binding))

    def _message(self, direction: Direction, raw: bytes, head: Head, effects: list[Effect]) -> None:
        """The effects for a message in place of the bytes `raw`."""
        origin = Realm.INSIDE if direction.sender is self.inside_party else Realm.OUTSIDE
        datagram = Datagram(origin, self.inside, self.public, self.remote, raw)
        left = len(raw)
        for effect in self.core.inspect(datagram, head):
            if not isinstance(effect, Send):
                effects.extend(_other([effect]))
            elif self._direction(effect.towards) is not direction:
                effects.append(Inject(direction.opposite, effect.payload))
            elif left and effect.payload == raw:
                effects.append(Forward(left))
                left = 0
            else:
                effects.append(Replace(left, effect.payload))
                left = 0
        if left:
            effects.append(Replace(left, b""))

    def _injected(self, decided: Iterable[DatagramEffect]) -> list[Effect]:
        effects: list[Effect] = []
        for effect in decided:
            if isinstance(effect, Send):
                effects.append(Inject(self._direction(effect.towards), effect.payload))
            else:
                effects.extend(_other([effect]))
        return effects

    def _direction(self, towards: Realm) -> Direction:
        receiver = self.inside_party if towards is Realm.INSIDE else self.inside_party.other
        return Direction.TO_CLIENT if receiver is Party.CLIENT else Direction.TO_SERVER

    def _refuse(self, code: str, detail: str, effects: list[Effect]) -> None:
        self.refused = True
        effects += [Report(code, detail), Abort(detail)]


def _other(effects: Iterable[DatagramEffect]) -> list[Effect]:
    """What needs no place in the stream. A connection is neither held nor released, and nothing of
    it is watched."""
    return [
        effect for effect in effects if not isinstance(effect, Hold | Release | Send | Watch | Pass)
    ]


def _may_begin(data: bytes, position: int) -> bool:
    """Whether a message may begin at `position`."""
    end = data.find(LF, position, position + LIMITS.line)
    if end >= 0:
        return is_start_line(data[position:end].rstrip(b"\r"))
    return bool(_MAY_BECOME_START_LINE.fullmatch(data, position, position + LIMITS.line))
