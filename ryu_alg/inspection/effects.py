"""What an inspector wants done. Plain data: the engine carries it out, or refuses.

Over TCP, `Forward` and `Replace` decide bytes from the front of the direction being inspected, in
the order in which they are returned. Bytes that no effect decides are held and offered again. Over
UDP, `Send` sends datagrams; the one that was inspected is dropped unless it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection.endpoints import Direction, Endpoint, Realm


@dataclass(frozen=True, slots=True)
class Forward:
    """The next `length` bytes leave as they came."""

    length: int


@dataclass(frozen=True, slots=True)
class Replace:
    """The next `length` bytes leave as `data`: b"" deletes them, `length` 0 inserts."""

    length: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Inject:
    """`data` is appended to what leaves in `direction`, behind all that was decided there."""

    direction: Direction
    data: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """The other side accepted: the pinhole of this armed expectation opens.

    Nothing that is decided by this effect list or later leaves, and nothing more is
    inspected, until the switch has confirmed the pinhole.
    """

    expectation: int


@dataclass(frozen=True, slots=True)
class Close:
    """The expectation is withdrawn; unused, its pinhole goes. Established data goes on."""

    expectation: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Inspection ends for good: all that follows, both ways, leaves as it came."""


@dataclass(frozen=True, slots=True)
class Abort:
    """The session is reset towards both parties."""

    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something worth showing: counted under `code`, shown with `detail` (no secrets)."""

    code: str
    """Stable, lower case, dotted: `ftp.port.foreign_address`."""
    detail: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """Who may exchange data with one port of a binding."""

    index: int
    """Which of the binding's ports."""
    remote: Endpoint
    """The other end: what comes from its address, from whatever port, is let in; what the inside
    endpoint sends to it leaves from the public one."""


@dataclass(frozen=True, slots=True)
class Admit:
    """From now on, exactly these may exchange data with a binding; what was open for others is
    closed, and established data of theirs is cut. Empty: nobody, as during a hold.

    What is decided by this effect list leaves when the switch has confirmed it. Over TCP, each
    exchange is one connection, from `connecting`.
    """

    binding: int
    exchanges: tuple[Exchange, ...]
    connecting: Realm = Realm.OUTSIDE


@dataclass(frozen=True, slots=True)
class Unbind:
    """A binding is over: its data is cut, and its public ports rest before they are used again."""

    binding: int


@dataclass(frozen=True, slots=True)
class Send:
    """A datagram leaves, with `payload`: towards outside from what stands for `inside` there to
    `remote`, towards inside from what `remote` seems to be there to `inside`."""

    towards: Realm
    inside: Endpoint
    remote: Endpoint
    payload: bytes
    binding: int | None = None
    """Towards outside, it leaves from the port of this binding that stands for `inside`: what
    answers it is data. None: from the control endpoint."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What stands for a control endpoint outside stays until `until`, on the clock of
    `Gateway.now`, also without traffic. A time that is past lets it go when it falls idle."""

    inside: Endpoint
    until: float


@dataclass(frozen=True, slots=True)
class Release:
    """A control endpoint is not wanted any more: unless it is published, nothing stands for it
    outside from now on, until it is used again. If nothing has left from its public port, that
    does not rest: nobody may have been told of it."""

    inside: Endpoint


@dataclass(frozen=True, slots=True)
class Listen:
    """Until `until`, on the clock of `Gateway.now`, anybody outside may connect to the endpoint of
    a listener, and send to it, on account of `cause`; what it sends by UDP leaves from its public
    port. A time that is past ends this cause; with the last one, nobody gets in any more.

    What is decided by this effect list leaves when the switch has confirmed it.
    """

    listener: int
    cause: bytes
    until: float


@dataclass(frozen=True, slots=True)
class Watch:
    """From now on, what an endpoint of the host sends by UDP leaves from one public port, whomever
    it is for (RFC 4787 REQ-1); that is the port of its listener, too. Of that, datagrams of the
    sizes that the protocol names are inspected. It ends when it falls idle."""

    inside: Endpoint


@dataclass(frozen=True, slots=True)
class Pass:
    """The watched datagram that was inspected goes on its way, with `payload`."""

    payload: bytes
    answered: bool = False
    """What its receiver sends back, or sends next if it came from outside, is inspected."""


Effect = (
    Forward | Replace | Inject | Open | Close | Admit | Unbind | Listen | Opaque | Abort | Report
)
DatagramEffect = Send | Hold | Release | Admit | Unbind | Listen | Watch | Pass | Report
