"""What a protocol implements (`StreamInspector`) and what it may ask for (`Gateway`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ryu_alg.inspection.effects import Effect
from ryu_alg.inspection.endpoints import (
    Address,
    Direction,
    Endpoint,
    Network,
    Party,
    Transport,
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Both ends of a control conversation, as they are and as the other end sees them."""

    client: Endpoint
    client_seen: Endpoint
    """The client as the server sees it; differs from `client` behind NAT."""
    server: Endpoint
    server_seen: Endpoint
    """The server as the client sees it; differs from `server` when published."""

    def actual(self, party: Party) -> Endpoint:
        """Where `party` really is."""
        return self.client if party is Party.CLIENT else self.server

    def seen(self, party: Party) -> Endpoint:
        """Where the other party believes `party` to be."""
        return self.client_seen if party is Party.CLIENT else self.server_seen


@dataclass(frozen=True, slots=True)
class Expectation:
    """A data connection that was announced. Armed only: `Open` opens its pinhole."""

    id: int
    transport: Transport
    listener: Endpoint
    """Where the data connection will really end."""
    announced: Endpoint
    """What the connecting side must be told; what the inspector writes into the message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The engine will not arm an expectation. Answer it in the protocol's own terms."""

    code: str
    """`port.privileged`, `port.denied`, `port.partition`, `quota.session`, `quota.host`,
    `quota.all`, `ports.exhausted`."""
    detail: str


class Gateway(Protocol):
    """What an inspector may ask of the session that it serves."""

    @property
    def conversation(self) -> Conversation:
        """The two hosts of this session. Addresses come from here, ports from the payload."""

    def expect(
        self,
        *,
        listener: Party,
        port: int,
        transport: Transport = Transport.TCP,
        third_party: Address | None = None,
        peers: Sequence[Network] = (),
        last_port: int | None = None,
    ) -> Expectation | Refusal:
        """Arm an expectation: `listener` waits on `port` for the other party to connect.

        With `last_port`, on all ports up to it, for any number of connections as long as the
        session lasts: for sessions that cannot be read any more. Their numbers stay the same.

        `third_party` names another host that listens in `listener`'s stead (FXP), `peers`
        further networks that may connect besides the other party; the inspector's own
        policy must have allowed both.
        """


class StreamInspector(Protocol):
    """The protocol logic of one TCP control session.

    All its state is plain data in its attributes: a session can be saved and restored.
    """

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about `data`: every undecided byte of `direction`, in order.

        Called again with what is left when more bytes came, and whenever the other
        direction made progress: so holding a complete message back is deciding nothing.

        No more than 64 KiB (48 KiB, where the sender scales its window most) are ever held:
        whoever waits for the end of a longer message waits in vain, and should refuse it.
        """

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """`direction` has ended (FIN); `data`, what is left of it, is dropped afterwards
        unless the returned effects decide it."""


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """How a protocol registers, in the entry point group `ryu_alg.protocols`."""

    name: str
    summary: str
    transport: Transport
    ports: tuple[int, ...]
    """Default server ports."""
    options: type[Any]
    """A pydantic model."""
    inspector: Callable[[Any, Gateway], StreamInspector]
    """Called with an instance of `options` and the session's gateway."""
