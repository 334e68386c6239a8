"""What is remembered of one XMPP session: plain data that can be saved and restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ryu_alg.inspection import Abort, Direction, Effect, Inject, Opaque, Party, Replace, Report
from ryu_alg.protocols.xmpp import names
from ryu_alg.protocols.xmpp.tokens import tag_name


class Phase(Enum):
    """How far inspection goes."""

    OPEN = "open"
    OPAQUE = "opaque"
    CLOSED = "closed"
    """The gateway has ended both streams; what is still sent does not arrive."""
    ABORTED = "aborted"


class Layer(Enum):
    """What a client may ask for that makes the rest unreadable."""

    TLS = "starttls"
    COMPRESSION = "compression"


@dataclass(slots=True)
class Stream:
    """One direction."""

    header: bytes = b""
    """The start tag that it is in; it has the namespaces of all that follows."""
    may_begin: bool = True
    """A header may come: the first one, or one more after SASL (RFC 6120 section 6.4.6)."""
    ended: bool = False
    depth: int = 0
    """Open elements of a stanza that passes without being read."""
    cdata: bool = False
    """It is within a CDATA section of that stanza."""

    @property
    def between(self) -> bool:
        """Whether a stanza might stand here."""
        return bool(self.header) and not self.ended and not self.depth

    @property
    def ending(self) -> bytes:
        """What ends it here; nothing where that is not possible."""
        return b"</%b>" % tag_name(self.header, 0) if self.between else b""

    def error(self, condition: bytes) -> bytes:
        """A stream error (RFC 6120 section 4.9.3), as it is written here between stanzas."""
        prefix, colon, _ = tag_name(self.header, 0).rpartition(b":")
        tag = prefix + colon + b"error"
        return b"<%b><%b xmlns='%b'/></%b>" % (tag, condition, names.STREAM_ERRORS.encode(), tag)


@dataclass(slots=True)
class Offer:
    """Candidates that are open for somebody to connect."""

    sender: Party
    peer: str
    """The JID that they were sent to."""
    iq: str
    """The id of the stanza that they came in."""
    sid: str | None
    """Of their Jingle session."""
    expectations: tuple[int, ...]
    until: float
    """When nothing of them can be left, on the clock of `Gateway.now`."""


@dataclass(slots=True)
class Dialogue:
    """The state of one session."""

    phase: Phase = Phase.OPEN
    streams: dict[Direction, Stream] = field(
        default_factory=lambda: {direction: Stream() for direction in Direction}
    )
    authenticating: bool = False
    """The client has asked to be let in."""
    authenticated: bool = False
    """The server has accepted the client. If not, this is a link-local stream (XEP-0174): each
    end is the user that speaks there."""
    asked: Layer | None = None
    """The client has asked for this, and what it sends waits for the answer."""
    offers: list[Offer] = field(default_factory=list)

    def turn_opaque(self, effects: list[Effect], why: str) -> None:
        """From here on nothing can be read."""
        self.phase = Phase.OPAQUE
        effects += [Report("xmpp.opaque", why), Opaque()]

    def abort(self, code: str, detail: str, effects: list[Effect]) -> None:
        """This is not, or no longer, XMPP."""
        self.phase = Phase.ABORTED
        effects += [Report(code, detail), Abort(detail)]

    def refuse(
        self,
        code: str,
        detail: str,
        effects: list[Effect],
        *,
        direction: Direction,
        left: int,
        told: Direction,
        condition: bytes,
        denial: bytes = b"",
    ) -> None:
        """End both streams in XMPP's own terms (RFC 6120 section 4.9); reset where one cannot be.

        The `left` bytes of `direction` do not arrive. What is read last in `told` is `denial`, or
        a stream error with this condition.
        """
        if not self.streams[told].between:
            self.abort(code, detail, effects)
            return
        self.phase = Phase.CLOSED
        last = {told: denial or self.streams[told].error(condition), told.opposite: b""}
        texts = {way: last[way] + stream.ending for way, stream in self.streams.items()}
        effects += [Report(code, detail), Replace(left, texts[direction])]
        if injected := texts[direction.opposite]:
            effects.append(Inject(direction.opposite, injected))
