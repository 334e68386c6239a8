"""The media of one call, as its offers and answers (RFC 3264, RFC 6337) make them."""

from __future__ import annotations

from ryu_alg.inspection import Address, Gateway, Network, Realm
from ryu_alg.protocols.sip.media.outcome import MediaEffect, Refused, Rewritten


class CallMedia:
    """Offers and answers of one call, on all its branches.

    A `leg` is what tells the dialogues of a forked call apart: any bytes that are the same for
    all messages of one dialogue (the tag of whoever was called, say), b"" as long as there is
    none, as in the first INVITE. Legs that answer an offer made on b"" share the inside's ports
    of it.

    Nothing is opened by an offer alone. What is said again is answered as the first time, with
    no new port.
    """

    def __init__(
        self, gateway: Gateway, host: Address, media_servers: tuple[Network, ...] = ()
    ) -> None:
        """`host` is the inside host whose call it is; what it announces must be its own, or in
        `media_servers`."""
        self._gateway = gateway
        self._host = host
        self._media_servers = media_servers

    def from_inside(self, description: bytes, leg: bytes, *, answer: bool) -> Rewritten | Refused:
        """A description on its way out: inside endpoints become public ones.

        `answer`: to an offer of the other side on this leg; repeated answers (183, then 200)
        are answers too. See `offered`.
        """
        raise NotImplementedError

    def from_outside(self, description: bytes, leg: bytes, *, answer: bool) -> Rewritten | Refused:
        """A description on its way in: public endpoints of inside hosts become inside ones."""
        raise NotImplementedError

    def offered(self, origin: Realm, leg: bytes) -> bool:
        """Whether `origin` waits for an answer on this leg: then what the other side sends in
        ACK or PRACK is that answer. (In a response it is, if the request had an offer.)"""
        raise NotImplementedError

    def offer_failed(self, origin: Realm, leg: bytes) -> tuple[MediaEffect, ...]:
        """The offer of `origin` was refused (a re-INVITE or UPDATE that failed): what was
        agreed before stays."""
        raise NotImplementedError

    def winner(self, leg: bytes) -> tuple[MediaEffect, ...]:
        """A 2xx: this leg is the call, all others are over."""
        raise NotImplementedError

    def leg_failed(self, leg: bytes) -> tuple[MediaEffect, ...]:
        """One branch is over."""
        raise NotImplementedError

    def close(self) -> tuple[MediaEffect, ...]:
        """The call is over: every binding is unbound. May be called again."""
        raise NotImplementedError

    def owns(self, binding: int) -> bool:
        """Whether a binding is one of this call's."""
        raise NotImplementedError

    def idle(self, binding: int) -> bool:
        """A binding of this call is idle (`Timed.binding_idle`). True if with it all media of
        the call are, and none is on hold: then the call may be taken for dead."""
        raise NotImplementedError
