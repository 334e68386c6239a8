"""From the candidates of a stanza to open pinholes, and until nobody can want them any more.

Invariants: a candidate opens something only at the address of the user that offers it, which the
connection tells and not the stanza; what cannot be opened is taken out of the offer, so that the
other side goes on to what is left, or says in its own terms that there is nothing; no stanza is
ever dropped or added, since both sides may count them (XEP-0198).

The pinhole opens before the offer leaves: the other user connects first, and answers then
(XEP-0065), or begins to while a person is still asked (XEP-0260 section 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ryu_alg.inspection import (
    Address,
    Close,
    Effect,
    Endpoint,
    Expectation,
    Network,
    Open,
    Party,
    Realm,
    Refusal,
    Report,
    StreamGateway,
    Transport,
)
from ryu_alg.inspection.addresses import within
from ryu_alg.inspection.edits import Edit
from ryu_alg.protocols.xmpp import candidates, names
from ryu_alg.protocols.xmpp.dialogue import Dialogue, Offer
from ryu_alg.protocols.xmpp.elements import Element
from ryu_alg.protocols.xmpp.options import XmppOptions

MAX_CANDIDATES = 16
"""Of one offer, those that something would have to be opened for."""
MAX_OFFERS = 32
"""Of one session, at a time."""
_LIFETIME = 300
"""Seconds after which an offer that nobody had to accept is forgotten."""
_INITIATE = "session-initiate"
_ENDING = frozenset({"session-terminate", "transport-replace"})
"""Jingle actions after which nobody connects any more (XEP-0166, XEP-0260 section 3)."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who waits at an address that may be opened, and for whom."""

    third_party: Address | None = None
    peers: tuple[Network, ...] = ()


@dataclass(slots=True)
class Draft:
    """What becomes of one stanza."""

    raw: bytes
    effects: list[Effect] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    expectations: list[int] = field(default_factory=list)

    def move(self, candidate: Element, endpoint: Endpoint) -> None:
        """The candidate leaves with this endpoint."""
        edits = candidates.moved(self.raw, candidate, endpoint)
        if edits:
            self.edits += edits
            self.effects.append(Report("xmpp.rewritten", f"{_shown(candidate)} -> {endpoint}"))

    def remove(self, candidate: Element, code: str, why: str) -> None:
        """The candidate does not leave."""
        self.edits.append((candidate.span, b""))
        self.effects.append(Report(f"xmpp.candidate.{code}", f"{_shown(candidate)}: {why}"))


@dataclass(frozen=True, slots=True)
class Bytestreams:
    """What decides about offers besides their text."""

    gateway: StreamGateway
    options: XmppOptions
    dialogue: Dialogue

    def take(self, stanza: Element, raw: bytes, sender: Party) -> Draft:
        """An IQ set of `sender` that negotiates a bytestream, and reads as `raw`."""
        draft = Draft(raw)
        self._heard(stanza, sender, draft.effects)
        now = self.gateway.now
        self.dialogue.offers = [offer for offer in self.dialogue.offers if offer.until > now]
        action = stanza.child(names.JINGLE_ACTION)
        asks = action is not None and action.attributes.get("action") == _INITIATE
        wait = self.options.offer_wait if asks else None
        for candidate in candidates.offered(stanza):
            self._candidate(candidate, sender, wait, draft)
        if draft.expectations:
            draft.effects += [Open(number) for number in draft.expectations]
            self.dialogue.offers.append(
                Offer(
                    sender=sender,
                    peer=_jid(stanza, "to"),
                    iq=stanza.attributes.get("id", ""),
                    sid=None if action is None else action.attributes.get("sid", ""),
                    expectations=tuple(draft.expectations),
                    until=now + (wait or _LIFETIME),
                )
            )
        return draft

    def answered(self, stanza: Element, sender: Party, effects: list[Effect]) -> None:
        """An IQ result or error: what it answers is over, unless it only confirms (Jingle)."""
        kind = stanza.attributes.get("type")
        if kind not in ("result", "error"):
            return

        def settles(offer: Offer) -> bool:
            return (
                offer.sender is sender.other
                and offer.iq == stanza.attributes.get("id", "")
                and offer.peer == _jid(stanza, "from")
                and (kind == "error" or offer.sid is None)
            )

        self._close([offer for offer in self.dialogue.offers if settles(offer)], effects)

    def _heard(self, stanza: Element, sender: Party, effects: list[Effect]) -> None:
        """A Jingle action: the other side has connected, or cannot, or one side gives up."""
        action = stanza.child(names.JINGLE_ACTION)
        if action is None:
            return
        ends = action.attributes.get("action") in _ENDING
        answers = any(
            transport.child(names.CANDIDATE_USED) or transport.child(names.CANDIDATE_ERROR)
            for transport in candidates.transports(stanza)
        )

        def settles(offer: Offer) -> bool:
            own = offer.sender is sender
            return (
                offer.sid == action.attributes.get("sid", "")
                and offer.peer == _jid(stanza, "to" if own else "from")
                and (ends or (answers and not own))
            )

        self._close([offer for offer in self.dialogue.offers if settles(offer)], effects)

    def _close(self, offers: Sequence[Offer], effects: list[Effect]) -> None:
        for offer in offers:
            self.dialogue.offers.remove(offer)
            effects += [Close(number) for number in offer.expectations]

    def _candidate(self, candidate: Element, sender: Party, wait: int | None, draft: Draft) -> None:
        host, port = candidates.host_of(candidate), candidates.port_of(candidate)
        listener = None if host is None else self._listener(host, sender)
        if listener is None:
            self._elsewhere(candidate, sender, draft)
        elif port is None:
            draft.remove(candidate, "syntax", "no port")
        elif len(draft.expectations) >= MAX_CANDIDATES:
            draft.remove(candidate, "too_many", f"an offer has {MAX_CANDIDATES} at most")
        elif len(self.dialogue.offers) >= MAX_OFFERS:
            draft.remove(candidate, "too_many", f"{MAX_OFFERS} offers are open already")
        else:
            outcome = self.gateway.expect(
                listener=sender,
                port=port,
                third_party=listener.third_party,
                peers=listener.peers,
                wait=wait,
            )
            match outcome:
                case Expectation(number, _, _, announced):
                    draft.expectations.append(number)
                    draft.move(candidate, announced)
                case Refusal(code, detail):
                    draft.remove(candidate, "refused", f"{code}: {detail}")

    def _listener(self, host: Address, sender: Party) -> Listener | None:
        """Who waits at `host`, if `sender` may have that opened; None if not."""
        conversation = self.gateway.conversation
        actual = conversation.actual(sender).address
        own = host in (actual, conversation.seen(sender).address)
        if not self.dialogue.authenticated:
            return Listener() if own else None
        inward = self._realm(sender) is Realm.INSIDE and self._realm(sender.other) is Realm.OUTSIDE
        if not inward:
            return None
        if sender is Party.CLIENT:
            version = actual.version
            peers = tuple(peer for peer in self.options.peers if peer.version == version)
            return Listener(peers=peers) if own else None
        relayed = within(host, self.options.relayed_hosts)
        if not relayed or self.gateway.realm_of(host) is not Realm.INSIDE:
            return None
        return Listener(third_party=None if host == actual else host)

    def _elsewhere(self, candidate: Element, sender: Party, draft: Draft) -> None:
        """A candidate that nothing is opened for. What stands outside for a host inside is
        translated back for one that is inside as well."""
        host, port = candidates.host_of(candidate), candidates.port_of(candidate)
        if host is not None and port is not None and self._realm(sender.other) is Realm.INSIDE:
            behind = self.gateway.behind(Endpoint(host, port), Transport.TCP)
            if behind is not None:
                draft.move(candidate, behind)
                return
        speaks_for_itself = sender is Party.CLIENT or not self.dialogue.authenticated
        if speaks_for_itself and self.options.other_hosts == "remove":
            draft.remove(candidate, "foreign", "not the sender's own address")

    def _realm(self, party: Party) -> Realm:
        return self.gateway.realm_of(self.gateway.conversation.actual(party).address)


def _jid(stanza: Element, attribute: str) -> str:
    """Servers prepare addresses that they pass on (RFC 7622): upper case may become lower."""
    return stanza.attributes.get(attribute, "").casefold()


def _shown(candidate: Element) -> str:
    return (
        f"{candidate.attributes.get('host', '')!a:.64} {candidate.attributes.get('port', '')!a:.16}"
    )
