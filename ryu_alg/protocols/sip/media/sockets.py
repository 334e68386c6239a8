"""The public ports that stand for the inside's, as long as the call needs them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ryu_alg.inspection import Binding, Endpoint, Gateway, Realm, Refusal, Transport
from ryu_alg.protocols.sip.media.outcome import RefusalError

Owner = tuple[Realm, bytes, bytes]
"""A call: realm, Call-ID and tag of whoever began it, as its host's table of calls knows it."""
MAX_BINDINGS = 48
"""Of one call, on all its branches."""


@dataclass(slots=True)
class Sockets:
    """The bindings of one call."""

    gateway: Gateway
    owner: Owner | None = None
    owners: dict[int, Owner] | None = None
    """Of all bindings of the host, by their number. None: nobody asks."""
    bindings: tuple[Binding, ...] = ()

    def take(self, inside: tuple[Endpoint, ...], transport: Transport) -> Binding:
        """What stands for these endpoints: what did so before, or something new.

        The inside end of RTP stays where it is when RTCP comes to share its port, so a binding
        with more ports will do.
        """
        for binding in self.bindings:
            if binding.transport is transport and binding.inside[: len(inside)] == inside:
                return binding
        if len(self.bindings) >= MAX_BINDINGS:
            raise RefusalError("sip.media.too_many", f"{MAX_BINDINGS} bindings in one call")
        paired = transport is Transport.UDP and len(inside) > 1
        outcome = self.gateway.bind(inside, transport=transport, even=paired)
        if isinstance(outcome, Refusal):
            raise RefusalError("sip.media.refused", f"{outcome.code}: {outcome.detail}")
        self.bindings += (outcome,)
        if self.owners is not None and self.owner is not None:
            self.owners[outcome.id] = self.owner
        return outcome

    def keep(self, used: Collection[int]) -> tuple[int, ...]:
        """Only these are needed; the others, which are returned, are to be unbound."""
        unused = tuple(binding.id for binding in self.bindings if binding.id not in used)
        if unused:
            self.bindings = tuple(binding for binding in self.bindings if binding.id in used)
            if self.owners is not None:
                for number in unused:
                    self.owners.pop(number, None)
        return unused

    def have(self, number: int) -> bool:
        """Whether one of them has this number."""
        return any(binding.id == number for binding in self.bindings)
