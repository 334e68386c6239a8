"""From an announced endpoint to an armed expectation, or to the reason why there is none.

Invariants: the port comes from the message, the host from the connection; nothing below 1024;
what a session remembers of its offers is what still stands for one of its client's ports.
"""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Endpoint, Party, Realm, Refusal, StreamGateway, Transport
from ryu_alg.inspection.edits import Edit
from ryu_alg.protocols.irc.dcc import Dcc
from ryu_alg.protocols.irc.dialogue import Dialogue
from ryu_alg.protocols.irc.options import IrcOptions
from ryu_alg.protocols.irc.verbs import Shape

MIN_PORT = 1024
"""No connection is let in to a lower port."""
MAX_ANNOUNCED = 64
"""Public ports that a session remembers."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a DCC that passes."""

    edits: tuple[Edit, ...] = ()
    opens: int | None = None
    """The expectation that it announces."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why it does not pass."""

    reason: str
    """Last part of the code under which it is reported."""
    detail: str
    text: str
    """For the user."""
    arms: int | None = None
    """An expectation, to be withdrawn."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What decides about the endpoints of a DCC."""

    gateway: StreamGateway
    options: IrcOptions
    dialogue: Dialogue

    def sent(self, dcc: Dcc) -> Change | Refused:
        """The session's user announces something."""
        if dcc.verb is None:
            return Change()
        if dcc.verb.shape is Shape.POSITION:
            # An ACCEPT names the user's own port, a RESUME the other user's.
            return self._position(
                dcc, self._public(dcc.port) if dcc.verb.name == "ACCEPT" else None
            )
        if dcc.place is None:
            return Change()
        conversation = self.gateway.conversation
        own, seen = conversation.client.address, conversation.client_seen.address
        if dcc.port == 0:
            # The other user is to say a port; some clients name any address here.
            names_own = dcc.place.address == own
            edits = dcc.edits(Endpoint(seen, 0)) if names_own else None
            return Change(tuple(edits or ()))
        if dcc.place.address not in (own, seen):
            detail = f"{dcc.place.address} port {dcc.port}"
            return Refused("foreign_address", detail, "the address is not yours")
        if dcc.port < MIN_PORT:
            return Refused("privileged", f"port {dcc.port}", "ports below 1024 are not served")
        return self._announce(dcc)

    def received(self, dcc: Dcc) -> Change:
        """Another user announces something, or answers; what names a public port of an inside host
        means that host's own, for somebody inside."""
        conversation = self.gateway.conversation
        if dcc.verb is None or dcc.port == 0:
            return Change()
        if self.gateway.realm_of(conversation.client.address) is not Realm.INSIDE:
            return Change()
        if dcc.verb.shape is Shape.POSITION:
            # A RESUME names the user's own port, an ACCEPT the other user's.
            return self._position(dcc, self._own(dcc.port) if dcc.verb.name == "RESUME" else None)
        if dcc.place is None:
            return Change()
        named = Endpoint(dcc.place.address, dcc.port)
        inside = self.gateway.behind(named, Transport.TCP)
        return Change(tuple(dcc.edits(inside) or ()) if inside is not None else ())

    def _announce(self, dcc: Dcc) -> Change | Refused:
        self._forget()
        if len(self.dialogue.announced) >= MAX_ANNOUNCED:
            return Refused("too_many", f"{MAX_ANNOUNCED} are under way", "too many at a time")
        version = self.gateway.conversation.client.address.version
        outcome = self.gateway.expect(
            listener=Party.CLIENT,
            port=dcc.port,
            peers=tuple(peer for peer in self.options.dcc_peers if peer.version == version),
            wait=self.options.offer_wait,
        )
        if isinstance(outcome, Refusal):
            detail = f"{outcome.code}: {outcome.detail}"
            return Refused("refused", detail, "the gateway cannot open this connection")
        edits = dcc.edits(outcome.announced)
        if edits is None:
            detail = f"{outcome.announced} cannot be written"
            text = "the address cannot be announced in this way"
            return Refused("family", detail, text, outcome.id)
        if outcome.announced != outcome.listener:
            self.dialogue.announced[outcome.announced.port] = dcc.port
        return Change(tuple(edits), outcome.id)

    def _forget(self) -> None:
        """What does not stand for a port of the client any more."""
        conversation = self.gateway.conversation
        own, seen = conversation.client.address, conversation.client_seen.address
        announced = self.dialogue.announced
        for public, inside in list(announced.items()):
            if self.gateway.behind(Endpoint(seen, public), Transport.TCP) != Endpoint(own, inside):
                del announced[public]

    def _own(self, public: int) -> int | None:
        """The client's port in whose place this one was announced."""
        announced = self.dialogue.announced
        if public in announced:
            announced[public] = announced.pop(public)  # the last one: the answer is about it
        return announced.get(public)

    def _public(self, port: int) -> int | None:
        """The port that was announced in place of the client's, as spoken of last."""
        announced = reversed(self.dialogue.announced.items())
        return next((public for public, inside in announced if inside == port), None)

    def _position(self, dcc: Dcc, port: int | None) -> Change:
        if port is None or port == dcc.port:
            return Change()
        return Change(((dcc.port_span, b"%d" % port),))
