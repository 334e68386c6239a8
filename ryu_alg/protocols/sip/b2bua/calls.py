"""Calls and subscriptions: which dialogues belong together. Everything here is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.inspection import Endpoint, Realm
from ryu_alg.protocols.sip.b2bua.legs import Leg, LegKey, Path
from ryu_alg.protocols.sip.media import CallMedia
from ryu_alg.protocols.sip.message import Message
from ryu_alg.protocols.sip.transactions import ClientKey, ServerKey

MAX_BRANCHES = 8
"""Early dialogues of one call."""


class Phase(Enum):
    """How far a call or a subscription has come."""

    SETUP = "setup"
    UP = "up"
    ENDING = "ending"
    """A BYE crosses: its media are closed."""
    LINGERING = "lingering"
    """Over, but a REFER in it is still being reported about (RFC 5057)."""
    OVER = "over"
    """Not known any more; requests of it may still be waiting."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request, and how it came."""

    request: Message
    key: ServerKey
    path: Path
    """The way it came."""
    back: Path
    """The way its responses go."""
    leg: Leg
    """The gateway's side of the dialogue that it is in, or may begin."""

    @property
    def origin(self) -> Realm:
        """Where it comes from."""
        return self.path.realm


@dataclass(slots=True, eq=False)
class Exchange:
    """A request that left, and waits for its final response."""

    key: ClientKey
    method: str
    leg: Leg
    """On which it left."""
    sequence: int
    destination: Path
    arrival: Arrival | None = None
    """What it was made of; None: the gateway asks for itself."""
    call: Call | None = None
    branch: Branch | None = None
    offers: bool = False
    """It holds an offer."""
    cancelled: bool = False
    """Nobody wants its response any more."""
    settled: bool = False
    """It has its final response."""
    acknowledgement: bytes | None = None
    """The ACK to its 2xx."""
    declined: dict[bytes, bytes] = field(default_factory=dict)
    """The ACKs to 2xx that were not wanted, by tag."""


@dataclass(slots=True, eq=False)
class Branch:
    """Two legs that belong together."""

    near: Leg
    """Towards who began it."""
    far: Leg
    early: bool = True
    inviting: Exchange | None = None
    """The INVITE within it that is not answered finally, or not acknowledged."""
    reliable: dict[int, int] = field(default_factory=dict)
    """RSeq of provisional responses that wait for their PRACK: near's to far's."""
    rseq: int = 0
    """The last one towards near."""
    far_rseq: int | None = None
    """The last one from far."""

    def peer(self, leg: Leg) -> Leg:
        """The other one."""
        return self.far if leg is self.near else self.near

    @property
    def name(self) -> bytes:
        """What tells the media of this branch from others'."""
        return self.far.remote_tag


@dataclass(slots=True, eq=False)
class Call:
    """What one INVITE, SUBSCRIBE or REFER began."""

    number: int
    arrival: Arrival
    """The request that began it."""
    near: Leg
    """As all branches begin."""
    far: Leg
    media: CallMedia | None
    rule: int | None = None
    """Index of the rule that allowed it."""
    time_limit: int | None = None
    """Seconds."""
    phase: Phase = Phase.SETUP
    exchange: Exchange | None = None
    """The request as it left."""
    branches: dict[bytes, Branch] = field(default_factory=dict)
    """By the tag of who was called."""
    ended_by: Realm | None = None
    """Whose BYE crossed."""
    owing: Leg | None = None
    """Ended, but for the BYE on this leg, whose other end has not acknowledged a 2xx yet."""
    referring: bool = False
    """A REFER within it is being reported about."""

    @property
    def method(self) -> str:
        """What began it."""
        return self.arrival.request.method

    @property
    def inside(self) -> Endpoint:
        """The inside endpoint that the outside sees."""
        outside = self.far if self.far.realm is Realm.OUTSIDE else self.near
        return outside.path.inside

    @property
    def winner(self) -> Branch | None:
        """The branch that it came to, once it is up."""
        return next((branch for branch in self.branches.values() if not branch.early), None)


@dataclass(slots=True)
class Found:
    """Where a message belongs."""

    call: Call
    branch: Branch
    leg: Leg
    """The one that it came on."""


class Calls:
    """All that one host has. `limit`: calls, and as many subscriptions."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._calls: dict[int, Call] = {}
        self._count = {True: 0, False: 0}
        self._legs: dict[LegKey, Found] = {}
        self._tokens: dict[tuple[Realm, bytes], Found] = {}
        self._openings: dict[tuple[Realm, bytes, bytes], Call] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not (self._calls or self._legs or self._tokens or self._openings)

    def full(self, method: str) -> bool:
        """Whether there is no room for what a request of this method begins."""
        return self._count[method == "INVITE"] >= self.limit

    def add(self, arrival: Arrival, far: Leg, media: CallMedia | None) -> Call:
        """A new call or subscription."""
        self._last += 1
        call = Call(self._last, arrival, arrival.leg, far, media)
        self._calls[call.number] = call
        self._count[call.method == "INVITE"] += 1
        self._openings[far.realm, far.call_id, far.local_tag] = call
        return call

    def get(self, number: int) -> Call | None:
        """A call by its number."""
        return self._calls.get(number)

    def opening(self, leg: Leg) -> Call | None:
        """The call of which a message that names `leg`, but for its other end, may be a branch."""
        return self._openings.get((leg.realm, leg.call_id, leg.local_tag))

    def branch(self, call: Call, near: Leg, far: Leg) -> Branch:
        """Another branch."""
        branch = Branch(near, far)
        call.branches[branch.name] = branch
        for leg in (near, far):
            found = Found(call, branch, leg)
            self._legs[leg.key] = found
            self._tokens.setdefault((leg.realm, leg.local_tag), found)
        return branch

    def may_branch(self, call: Call) -> bool:
        """Whether there is room for another early dialogue."""
        return len(call.branches) < MAX_BRANCHES

    def find(self, key: LegKey) -> Found | None:
        """Where the messages of a dialogue belong."""
        return self._legs.get(key)

    def by_token(self, realm: Realm, token: bytes) -> Found | None:
        """The leg whose contact has this user."""
        return self._tokens.get((realm, token))

    def drop(self, call: Call, branch: Branch) -> None:
        """One branch is over."""
        call.branches.pop(branch.name, None)
        for leg in (branch.near, branch.far):
            self._legs.pop(leg.key, None)
            found = self._tokens.get((leg.realm, leg.local_tag))
            if found is not None and found.branch is branch:
                del self._tokens[leg.realm, leg.local_tag]
                self._pass_on(call, leg)

    def _pass_on(self, call: Call, leg: Leg) -> None:
        """Branches share the contact of the side that was called: it stays as long as one does."""
        for other in call.branches.values():
            for candidate in (other.near, other.far):
                if (candidate.realm, candidate.local_tag) == (leg.realm, leg.local_tag):
                    found = Found(call, other, candidate)
                    self._tokens.setdefault((leg.realm, leg.local_tag), found)

    def close(self, call: Call) -> None:
        """No further branch of it will be known."""
        opening = (call.far.realm, call.far.call_id, call.far.local_tag)
        if self._openings.get(opening) is call:
            del self._openings[opening]

    def forget(self, call: Call) -> None:
        """It is over."""
        if self._calls.pop(call.number, None) is None:
            return
        call.phase = Phase.OVER
        self._count[call.method == "INVITE"] -= 1
        self.close(call)
        for branch in list(call.branches.values()):
            self.drop(call, branch)


def accepted_name(call_id: bytes, tag: bytes, sequence: int) -> bytes:
    """Of a 2xx that is repeated until the ACK with this Call-ID, To tag and CSeq comes."""
    return b"2xx %s %s %d" % (call_id, tag, sequence)


def reliable_name(branch: Branch, rseq: int) -> bytes:
    """Of a 1xx that is repeated until its PRACK comes."""
    return b"1xx %s %s %d" % (branch.near.call_id, branch.near.local_tag, rseq)
