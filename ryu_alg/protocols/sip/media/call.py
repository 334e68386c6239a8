"""The media of one call, as its offers and answers (RFC 3264, RFC 6337) make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field

from ryu_alg.inspection import Address, Admit, Endpoint, Gateway, Network, Realm, Unbind
from ryu_alg.protocols.sip.media import draft as drafts
from ryu_alg.protocols.sip.media.draft import Draft
from ryu_alg.protocols.sip.media.exchanges import CLOSED, Agreement, Opening, openings
from ryu_alg.protocols.sip.media.inward import Inward
from ryu_alg.protocols.sip.media.outcome import MediaEffect, RefusalError, Refused, Rewritten
from ryu_alg.protocols.sip.media.outward import Outward
from ryu_alg.protocols.sip.media.sockets import Owner, Sockets
from ryu_alg.protocols.sip.media.streams import Inside, Outside

MAX_LEGS = 16
"""Branches of a forked call."""


@dataclass(slots=True)
class _Leg:
    """One dialogue."""

    offer_inside: Inside | None = None
    """Of the inside, not answered yet."""
    offer_outside: Outside | None = None
    agreed: Agreement | None = None
    answer: bytes = b""
    """What answered last, as it came."""
    first: tuple[Realm, bytes, bytes] | None = None
    """The first answer: whose, as it came, and as it left."""

    def branch(self) -> _Leg:
        """One that answers the same offers."""
        return _Leg(self.offer_inside, self.offer_outside)

    def waits(self, origin: Realm) -> bool:
        """Whether an offer of `origin` is not answered yet."""
        offer = self.offer_inside if origin is Realm.INSIDE else self.offer_outside
        return offer is not None

    def forget_offer(self, origin: Realm) -> None:
        """It will not be answered, or has been."""
        if origin is Realm.INSIDE:
            self.offer_inside = None
        else:
            self.offer_outside = None

    def repeated(self, origin: Realm, answer: bytes) -> bytes | None:
        """How an answer left that is of no effect any more: a 2xx repeats what was answered in a
        18x, and has been replaced since by PRACK or UPDATE (RFC 6337 section 3.1.1)."""
        if self.first is None or self.waits(origin.other) or answer == self.answer:
            return None
        whose, came, left = self.first
        return left if (whose, came) == (origin, answer) else None

    def answered_by_outside(self) -> Inside | None:
        """The offer that an answer from outside is to."""
        agreed = self.agreed
        if self.offer_inside is None and agreed is not None and agreed.offerer is Realm.INSIDE:
            return agreed.inside  # A 2xx may say something else than the 18x did.
        return self.offer_inside

    def answered_by_inside(self) -> Outside | None:
        """The offer that an answer from inside is to."""
        agreed = self.agreed
        if self.offer_outside is None and agreed is not None and agreed.offerer is Realm.OUTSIDE:
            return agreed.outside
        return self.offer_outside

    def bindings(self) -> Iterator[int]:
        """Those of all that the inside said and that counts, agreed or not."""
        agreed = self.agreed.inside if self.agreed is not None else None
        for side in (agreed, self.offer_inside):
            for stream in side.streams if side is not None else ():
                if stream.binding is not None:
                    yield stream.binding

    def seen_inside(self) -> dict[Endpoint, Endpoint]:
        """Public endpoints of other inside hosts, by what the inside saw in their stead."""
        agreed = self.agreed.outside if self.agreed is not None else None
        return {
            inside: public
            for side in (agreed, self.offer_outside)
            for stream in (side.streams if side is not None else ())
            for inside, public in stream.direct
        }


@dataclass(slots=True)
class CallMedia:
    """Offers and answers of one call, on all its branches.

    A `leg` is what tells the dialogues of a forked call apart: any bytes that are the same for
    all messages of one dialogue (the tag of whoever was called, say), b"" as long as there is
    none, as in the first INVITE. Legs that answer an offer made on b"" share the inside's ports
    of it.

    Nothing is opened by an offer alone. What is said again is answered as the first time, with
    no new port.
    """

    gateway: Gateway
    host: Address
    """The inside host whose call it is: what it announces must be its own, or in
    `media_servers`."""
    media_servers: tuple[Network, ...] = ()
    owner: InitVar[Owner | None] = None
    owners: InitVar[dict[int, Owner] | None] = None
    """In which the numbers of its bindings are noted, with `owner`."""
    _sockets: Sockets = field(init=False)
    _legs: dict[bytes, _Leg] = field(default_factory=dict, init=False)
    _admitted: tuple[tuple[int, Opening], ...] = field(default=(), init=False)
    """What is open, by binding."""
    _silent: tuple[int, ...] = field(default=(), init=False)
    """Bindings that are open and idle."""

    def __post_init__(self, owner: Owner | None, owners: dict[int, Owner] | None) -> None:
        self._sockets = Sockets(self.gateway, owner, owners)

    def from_inside(self, description: bytes, leg: bytes, *, answer: bool) -> Rewritten | Refused:
        """A description on its way out: inside endpoints become public ones.

        `answer`: to an offer of the other side on this leg; repeated answers (183, then 200)
        are answers too. See `offered`.
        """
        return self._take(Realm.INSIDE, description, leg, answer)

    def from_outside(self, description: bytes, leg: bytes, *, answer: bool) -> Rewritten | Refused:
        """A description on its way in: public endpoints of inside hosts become inside ones."""
        return self._take(Realm.OUTSIDE, description, leg, answer)

    def offered(self, origin: Realm, leg: bytes) -> bool:
        """Whether `origin` waits for an answer on this leg: then what the other side sends in
        ACK or PRACK is that answer. (In a response it is, if the request had an offer.)"""
        found = self._legs.get(leg) or self._legs.get(b"")
        return found is not None and found.waits(origin)

    def offer_failed(self, origin: Realm, leg: bytes) -> tuple[MediaEffect, ...]:
        """The offer of `origin` was refused (a re-INVITE or UPDATE that failed): what was
        agreed before stays."""
        found = self._legs.get(leg)
        if found is not None:
            found.forget_offer(origin)
        return self._settle()

    def winner(self, leg: bytes) -> tuple[MediaEffect, ...]:
        """A 2xx: this leg is the call, all others are over. What it answers goes through
        `from_inside` or `from_outside` first."""
        if self._legs:
            self._legs = {leg: self._find(leg)}
        return self._settle()

    def leg_failed(self, leg: bytes) -> tuple[MediaEffect, ...]:
        """One branch is over."""
        if leg:
            self._legs.pop(leg, None)
        return self._settle()

    def close(self) -> tuple[MediaEffect, ...]:
        """The call is over: every binding is unbound. May be called again."""
        self._legs.clear()
        return self._settle()

    def owns(self, binding: int) -> bool:
        """Whether a binding is one of this call's."""
        return self._sockets.have(binding)

    def idle(self, binding: int) -> bool:
        """A binding of this call is idle (`Timed.binding_idle`). True if with it all media of
        the call are, and none is on hold: then the call may be taken for dead."""
        admitted = {number for number, _ in self._admitted}
        if binding not in admitted:
            return False
        if binding not in self._silent:
            self._silent += (binding,)
        held = any(leg.agreed is not None and leg.agreed.on_hold for leg in self._legs.values())
        return admitted.issubset(self._silent) and not held

    def _take(
        self, origin: Realm, description: bytes, leg: bytes, answer: bool
    ) -> Rewritten | Refused:
        if leg not in self._legs and len(self._legs) > MAX_LEGS:
            return Refused("sip.media.too_many", f"more than {MAX_LEGS} branches of a call")
        state = self._find(leg)
        if answer and (left := state.repeated(origin, description)) is not None:
            return Rewritten(left)
        try:
            draft = drafts.read(description)
            if origin is Realm.INSIDE:
                self._outward(draft, state, answer)
            else:
                self._inward(draft, state, answer)
        except RefusalError as error:
            return Refused(error.code, error.detail, self._settle())
        body = draft.result()
        if answer:
            state.forget_offer(origin.other)
            state.answer = description
            state.first = state.first or (origin, description, body)
        self._legs[leg] = state
        return Rewritten(body, (*draft.reports, *self._settle()))

    def _outward(self, draft: Draft, state: _Leg, answer: bool) -> None:
        offer = state.answered_by_inside() if answer else None
        if answer and offer is None:
            raise RefusalError("sip.media.no_offer", "an answer to nothing")
        outward = Outward(
            self.gateway,
            self.host,
            self.media_servers,
            self._sockets,
            draft,
            offer,
            state.seen_inside(),
        )
        said = outward.rewrite()
        if offer is None:
            state.offer_inside = said
        else:
            state.agreed = Agreement(Realm.OUTSIDE, said, offer)

    def _inward(self, draft: Draft, state: _Leg, answer: bool) -> None:
        offer = state.answered_by_outside() if answer else None
        if answer and offer is None:
            raise RefusalError("sip.media.no_offer", "an answer to nothing")
        said = Inward(self.gateway, self.host, draft).rewrite()
        if offer is None:
            state.offer_outside = said
        else:
            state.agreed = Agreement(Realm.INSIDE, offer, said)

    def _find(self, leg: bytes) -> _Leg:
        """The state of a leg; a new one is a branch of what has no name yet."""
        found = self._legs.get(leg)
        if found is not None:
            return found
        unnamed = self._legs.get(b"")
        return unnamed.branch() if unnamed is not None else _Leg()

    def _settle(self) -> tuple[MediaEffect, ...]:
        """What brings the gateway in line with what all legs say by now."""
        used = {binding for leg in self._legs.values() for binding in leg.bindings()}
        unbound = self._sockets.keep(used)
        before, wanted = dict(self._admitted), self._wanted()
        # What goes makes room first: the same inside endpoint may be on its way to other ports.
        effects: list[MediaEffect] = [Unbind(binding) for binding in unbound]
        closed = [binding for binding in before if binding not in wanted]
        effects += [Admit(binding, ()) for binding in closed if binding not in unbound]
        changed = {
            binding: opening
            for binding, opening in wanted.items()
            if not opening.same(before.get(binding, CLOSED))
        }
        effects += [Admit(binding, opening.exchanges) for binding, opening in changed.items()]
        if self._silent:
            gone = {*closed, *changed}
            self._silent = tuple(binding for binding in self._silent if binding not in gone)
        self._admitted = tuple(wanted.items())
        return tuple(effects)

    def _wanted(self) -> dict[int, Opening]:
        wanted: dict[int, Opening] = {}
        for leg in self._legs.values():
            if leg.agreed is not None:
                for binding, opening in openings(leg.agreed).items():
                    wanted[binding] = wanted.get(binding, CLOSED) | opening
        return wanted
