"""From an announced address to an armed expectation, or to the reply that refuses it.

Invariants: the port comes from the message, the host from the connection, unless the
configuration lists the host for FXP; nothing below 1024; what cannot be written in the form
that the message has is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ryu_alg.inspection import Endpoint, Expectation, Network, Party, Refusal, StreamGateway
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.ftp import addresses
from ryu_alg.protocols.ftp.addresses import Claim, Fault
from ryu_alg.protocols.ftp.commands import Command
from ryu_alg.protocols.ftp.options import MIN_PORT, FtpOptions

_LASTING = "port."
"""Refusals of the gateway that the same request would meet again."""

Writer = Callable[[Endpoint], bytes | None]


@dataclass(frozen=True, slots=True)
class Announced:
    """An armed expectation, and how the message that announces it changes."""

    expectation: int
    spans: tuple[Span, ...]
    """Where in the message it stands."""
    text: bytes | None
    """What takes its place; None: it stays as it came."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What the client is told instead, and why."""

    code: int
    text: str
    reason: str
    """Last part of the code under which it is reported."""
    detail: str
    expectation: int | None = None
    """Armed already, to be withdrawn."""


@dataclass(frozen=True, slots=True)
class Negotiator:
    """What decides about an announcement besides its text."""

    gateway: StreamGateway
    options: FtpOptions

    def active(self, command: Command) -> Announced | Refused:
        """PORT or EPRT: the client says where it listens.

        A refusal is 501, 522 if the network protocol is the wrong one (RFC 2428 section 2), or 425
        if a later try may succeed.
        """
        extended = command.name == "EPRT"
        parse = addresses.parse_eprt if extended else addresses.parse_port
        claim = parse(command.argument)
        if command.end - command.start != len(command.argument):
            claim = Fault.SYNTAX  # TELNET commands within the address: read it who may
        if claim is Fault.FAMILY:
            return self._wrong_family()
        if isinstance(claim, Fault):
            return Refused(501, "Syntax error in the address.", "syntax", "no address")

        def write(endpoint: Endpoint) -> bytes | None:
            if extended:
                return addresses.write_eprt(endpoint, claim.delimiter)
            return addresses.write_tuple(endpoint)

        span = (command.start, command.end)
        return self._announce(claim, Party.CLIENT, write, (span,))

    def passive(self, reply: bytes, texts: Sequence[Span], extended: bool) -> Announced | Refused:
        """227, or 229 if `extended`: the server says where it listens, in the first of `texts`
        that holds an address; where the others repeat it, they change alike.

        A refusal is 425, which a client that sent PASV or EPSV can make sense of.
        """
        find = addresses.find_229 if extended else addresses.find_227
        claims = [found for span in texts if isinstance(found := find(reply, *span), Claim)]
        if not claims:
            return Refused(425, "The server's address cannot be read.", "syntax", "no address")
        claim = claims[0]
        spans = tuple((c.start, c.end) for c in claims if c.means(claim))
        server_seen = self.gateway.conversation.server_seen.address

        def write(endpoint: Endpoint) -> bytes | None:
            if not extended:
                return addresses.write_tuple(endpoint)
            if endpoint.address != server_seen:
                return None  # a 229 has no address: it means the control connection's
            return addresses.write_229(endpoint.port, claim.delimiter)

        return self._announce(claim, Party.SERVER, write, spans)

    def static(self) -> Expectation | Refusal | None:
        """The server's passive ports, for a session that turns opaque; None: none are known."""
        ports = self.options.passive_range
        if ports is None:
            return None
        peers = self._peers(self.gateway.conversation.server.address.version)
        return self.gateway.expect(
            listener=Party.SERVER, port=ports[0], last_port=ports[1], peers=peers
        )

    def _announce(
        self, claim: Claim, listener: Party, write: Writer, spans: tuple[Span, ...]
    ) -> Announced | Refused:
        conversation = self.gateway.conversation
        lasting = 501 if listener is Party.CLIENT else 425
        detail = f"port {claim.port}"
        own = (conversation.actual(listener).address, conversation.seen(listener).address)
        third_party = None
        if claim.address is not None and claim.address not in own:
            detail = f"{claim.address} {detail}"
            if claim.address.version != own[0].version and listener is Party.CLIENT:
                return self._wrong_family()
            listed = within(claim.address, self.options.fxp_hosts)
            if listed and claim.address.version == own[0].version:
                third_party = claim.address
            elif self._foreign(listener) == "refuse":
                whose = "client" if listener is Party.CLIENT else "server"
                text = f"The address is not the {whose}'s own."
                return Refused(lasting, text, "foreign_address", detail)
        if claim.port < MIN_PORT:
            return Refused(lasting, "Ports below 1024 are not served.", "privileged", detail)
        peers = self._peers(own[0].version) if listener is Party.SERVER else ()
        outcome = self.gateway.expect(
            listener=listener, port=claim.port, third_party=third_party, peers=peers
        )
        if isinstance(outcome, Refusal):
            code = lasting if outcome.code.startswith(_LASTING) else 425
            detail = f"{outcome.code}: {outcome.detail}"
            return Refused(code, "The gateway cannot open this data connection.", "refused", detail)
        written = write(outcome.announced)
        if written is None:
            if listener is Party.CLIENT:
                return self._wrong_family(outcome.id)
            detail = f"{outcome.announced} cannot be written"
            text = "The address cannot be announced in this way."
            return Refused(425, text, "family", detail, outcome.id)
        said = claim.says(outcome.announced)
        return Announced(outcome.id, spans, None if said else written)

    def _foreign(self, listener: Party) -> str:
        options = self.options
        return options.foreign_port if listener is Party.CLIENT else options.foreign_pasv

    def _peers(self, version: int) -> tuple[Network, ...]:
        return tuple(host for host in self.options.fxp_hosts if host.version == version)

    def _wrong_family(self, expectation: int | None = None) -> Refused:
        number = 1 if self.gateway.conversation.client.address.version == 4 else 2
        text = f"Network protocol not supported, use ({number})."
        return Refused(522, text, "family", f"network protocol {number} wanted", expectation)
