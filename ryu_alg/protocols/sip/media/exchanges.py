"""Who may exchange data with whom, once offer and answer are known.

UDP: an exchange works both ways, so a stream is open if either side may send on it. RTCP goes both
ways whoever sends (RFC 3264 section 5.1), and with it, on `sendonly` and `recvonly`, RTP could: to
and from the same remote, which is no more than it had before the hold. Where neither side may send,
as during a hold with `inactive` or c=0.0.0.0, nothing is open, RTCP included.

TCP: only a connection from outside needs an opening; one from inside is like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ryu_alg.inspection import Exchange, Realm
from ryu_alg.protocols.sip.media.streams import (
    Inside,
    InsideStream,
    Kind,
    Outside,
    OutsideStream,
    Sided,
    Stream,
)

MAX_EXCHANGES = 32
"""Of one binding; those of further branches and candidates are left out."""

_RTP, _RTCP = 0, 1


@dataclass(frozen=True, slots=True)
class Agreement:
    """An offer and its answer."""

    offerer: Realm
    inside: Inside
    outside: Outside

    @property
    def answer(self) -> Inside | Outside:
        """What the one said that did not make the offer."""
        return self.outside if self.offerer is Realm.INSIDE else self.inside

    @property
    def on_hold(self) -> bool:
        """Whether a stream does not flow both ways."""
        return any(
            ours.binding is not None
            and not (_to_outside(ours, theirs) and _to_inside(ours, theirs))
            for ours, theirs in zip(self.inside.streams, self.outside.streams, strict=False)
            if ours.said.live and theirs.said.live
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What is open for one binding."""

    exchanges: tuple[Exchange, ...] = ()
    sessions: tuple[bytes, ...] = ()
    """Of MSRP: an opening for another session is another opening."""

    def __or__(self, other: Opening) -> Opening:
        """Open for both."""
        if self is CLOSED:
            return other
        exchanges = dict.fromkeys(self.exchanges + other.exchanges)
        sessions = dict.fromkeys(self.sessions + other.sessions)
        return Opening(tuple(exchanges)[:MAX_EXCHANGES], tuple(sessions))

    def same(self, other: Opening) -> bool:
        """Whether nothing has to be done to get from one to the other."""
        return self == other or (set(self.exchanges), set(self.sessions)) == (
            set(other.exchanges),
            set(other.sessions),
        )


CLOSED = Opening()


def openings(agreement: Agreement) -> dict[int, Opening]:
    """What an agreement opens, by binding."""
    pairs = tuple(zip(agreement.inside.streams, agreement.outside.streams, strict=False))
    carriers = _carriers(agreement)
    flowing = {
        carriers.get(index, index)
        for index, (ours, theirs) in enumerate(pairs)
        if ours.said.live
        and theirs.said.live
        and (_to_outside(ours, theirs) or _to_inside(ours, theirs))
    }
    found: dict[int, Opening] = {}
    for index in sorted(flowing):
        ours, theirs = pairs[index]
        if ours.binding is None:
            continue
        exchanges = tuple(dict.fromkeys(_exchanges(ours, theirs, agreement.offerer)))
        sessions = (ours.said.session, theirs.said.session)
        opening = Opening(exchanges[:MAX_EXCHANGES], sessions if any(sessions) else ())
        if opening.exchanges:
            found[ours.binding] = found.get(ours.binding, CLOSED) | opening
    return found


def connecting(offer: bytes, answer: bytes, offerer: Realm) -> Realm | None:
    """Who begins the connection, from what both say in a=setup (RFC 4145 section 4).

    Where nothing is said it is the offerer (RFC 4145 section 4, RFC 4975 section 5.4). None:
    nobody, for now, or they contradict each other.
    """
    answerer = offerer.other
    match offer or b"actpass", answer:
        case b"active" | b"actpass", b"passive":
            return offerer
        case b"passive" | b"actpass", b"active":
            return answerer
        case b"active" | b"actpass", b"":
            return offerer
        case b"passive", b"":
            return answerer
        case _:
            return None


def _to_outside(ours: InsideStream, theirs: OutsideStream) -> bool:
    return ours.said.sends and theirs.said.receives


def _to_inside(ours: InsideStream, theirs: OutsideStream) -> bool:
    return theirs.said.sends and ours.said.receives


def _exchanges(ours: InsideStream, theirs: OutsideStream, offerer: Realm) -> Iterator[Exchange]:
    if ours.said.kind is not theirs.said.kind:
        return
    if ours.said.kind is Kind.CONNECTION:
        offer, answer = ours.said.setup, theirs.said.setup
        if offerer is Realm.OUTSIDE:
            offer, answer = answer, offer
        if connecting(offer, answer, offerer) is not Realm.OUTSIDE:
            return
    muxed = _muxed(ours.said, theirs.said)
    for index, remote in enumerate(theirs.remotes[: ours.ports]):
        if remote is not None and not (muxed and index == _RTCP):
            yield Exchange(index, remote)
    if ours.said.ice and theirs.said.ice:
        for component, remote in theirs.candidates:
            index = component - 1
            if index < ours.ports and not (muxed and index == _RTCP):
                yield Exchange(index, remote)


def _muxed(ours: Stream, theirs: Stream) -> bool:
    return ours.kind is Kind.RTP and ours.mux and theirs.mux


def _carriers(agreement: Agreement) -> dict[int, int]:
    """On whose transport a bundled stream goes: by its index, the index of the other.

    It is the first one that the answer's group names (RFC 8843 section 7.3)."""
    offer = agreement.inside if agreement.offerer is Realm.INSIDE else agreement.outside
    offered = {mid for group in offer.bundles for mid in group}
    by_mid = _by_mid(agreement.answer.streams)
    found = {}
    for group in agreement.answer.bundles:
        members = [by_mid[mid] for mid in group if mid in by_mid and mid in offered]
        found.update(dict.fromkeys(members, members[0]) if members else {})
    return found


def _by_mid(streams: Sequence[Sided]) -> dict[bytes, int]:
    return {
        stream.said.mid: index
        for index, stream in enumerate(streams)
        if stream.said.mid is not None and stream.said.live
    }
