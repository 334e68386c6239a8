"""The XMPP inspector (RFC 6120, XEP-0174): one session's two streams.

A stream is read from its first byte on, tag by tag. What negotiates nothing of interest leaves tag
by tag as well, of whatever length it is; only a stanza that negotiates a bytestream, and what a
server offers or a client asks for before it is let in, is held until it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from ryu_alg.inspection import (
    Direction,
    Effect,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.inspection.edits import Decisions, Edit
from ryu_alg.protocols.xmpp import names
from ryu_alg.protocols.xmpp.dialogue import Dialogue, Layer, Phase, Stream
from ryu_alg.protocols.xmpp.elements import (
    Malformed,
    read_element,
    read_head,
    read_header,
)
from ryu_alg.protocols.xmpp.names import Name
from ryu_alg.protocols.xmpp.offers import Bytestreams
from ryu_alg.protocols.xmpp.options import XmppOptions
from ryu_alg.protocols.xmpp.tokens import (
    CDATA_END,
    Kind,
    Token,
    Unframed,
    take_blank,
    take_declaration,
    take_element,
    take_token,
)

_TLS_HANDSHAKE = 0x16
_HEADER_LIMIT = 4096
"""Bytes of a stream header."""
_NEGOTIATING = frozenset({names.BYTESTREAM_QUERY, names.JINGLE_ACTION})
_ASKED = {names.STARTTLS: Layer.TLS, names.COMPRESS: Layer.COMPRESSION}
_AGREED = {names.TLS_PROCEED: Layer.TLS, names.COMPRESSED: Layer.COMPRESSION}
_DECLINED = frozenset({names.TLS_FAILURE, names.COMPRESSION_FAILURE})
_DENIALS = {
    Layer.TLS: b"<failure xmlns='%b'/>" % names.TLS.encode(),
    Layer.COMPRESSION: b"<failure xmlns='%b'><setup-failed/></failure>"
    % names.COMPRESSION.encode(),
}
_CONDITIONS = {Unframed.MALFORMED: b"not-well-formed", Unframed.OVERLONG: b"policy-violation"}


class XmppInspector(StreamInspector):
    """The protocol logic of one XMPP session; what it remembers is in `dialogue`."""

    def __init__(self, options: XmppOptions, gateway: StreamGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.dialogue = Dialogue()

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about the undecided bytes of `direction`."""
        return _Reading(self.options, self.gateway, self.dialogue, direction, data).take()

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """`direction` has ended. What is left of it is half a tag, or waits for an answer that
        nobody would read: it is of no use to anybody."""
        return ()


class _Reading:
    """What becomes of the undecided bytes of one direction."""

    def __init__(
        self,
        options: XmppOptions,
        gateway: StreamGateway,
        dialogue: Dialogue,
        direction: Direction,
        data: bytes,
    ) -> None:
        self._options = options
        self._dialogue = dialogue
        self._bytestreams = Bytestreams(gateway, options, dialogue)
        self._direction = direction
        self._data = data
        self._position = 0
        self._out = Decisions()

    @property
    def _stream(self) -> Stream:
        return self._dialogue.streams[self._direction]

    def take(self) -> Sequence[Effect]:
        """Decide as far as that is possible now."""
        while self._position < len(self._data) and self._dialogue.phase is Phase.OPEN:
            before = self._position
            if self._stream.depth:
                self._within()
            else:
                self._between()
            if self._position == before:
                break
        left = len(self._data) - self._position
        if left and self._dialogue.phase is Phase.OPAQUE:
            self._out.forward(left)
        elif left and self._dialogue.phase is Phase.CLOSED:
            self._out.replace(left, b"")
        return self._out.effects

    # -- parts of a stream ----------------------------------------------------------------------

    def _between(self) -> None:
        """White space, a tag of the stream itself, or the first tag of a stanza."""
        data, stream = self._data, self._stream
        if self._direction is Direction.TO_SERVER and self._dialogue.asked is not None:
            return  # what comes may be TLS
        if (end := take_blank(data, self._position)) > self._position:
            self._forward(end)
            return
        first = self._direction is Direction.TO_SERVER and not stream.header
        if first and data[self._position] == _TLS_HANDSHAKE:
            self._tls_at_once()
            return
        if data.startswith(b"<?", self._position):
            if self._may_begin():
                declaration = take_declaration(data, self._position)
                if isinstance(declaration, int):
                    self._forward(declaration)
                else:
                    self._unframed(declaration)
            return
        token = take_token(data, self._position)
        if isinstance(token, Unframed):
            self._unframed(token)
        elif token.kind is Kind.END and stream.between:
            stream.ended = True
            self._forward(token.end)
        elif token.kind in (Kind.START, Kind.EMPTY):
            self._begins(token)
        else:
            self._unframed(Unframed.MALFORMED)

    def _within(self) -> None:
        """The next part of a stanza that passes."""
        data, stream = self._data, self._stream
        if stream.cdata:
            end = data.find(CDATA_END, self._position)
            stream.cdata = end < 0
            # The beginning of the mark may be there already.
            last = len(data) - len(CDATA_END) + 1 if end < 0 else end + len(CDATA_END)
            self._forward(max(last, self._position))
            return
        token = take_token(data, self._position)
        if isinstance(token, Unframed):
            self._unframed(token)
            return
        match token.kind:
            case Kind.START:
                stream.depth += 1
            case Kind.END:
                stream.depth -= 1
            case Kind.CDATA:
                stream.cdata = True
        self._forward(token.end)

    def _begins(self, token: Token) -> None:
        """The first tag of an element: the stream's own, or a stanza's."""
        stream = self._stream
        tag = self._data[self._position : token.end]
        if not stream.header:
            self._header(tag, read_header(tag))
            return
        head = read_head(stream.header, [tag])
        if stream.ended or isinstance(head, Malformed):
            self._unframed(Unframed.MALFORMED)
        elif head.name == names.STREAM:
            if self._may_begin():
                self._header(tag, read_header(tag))
        else:
            self._stanza(token, head.name)

    def _may_begin(self) -> bool:
        """Whether a header may come now. A client that does not wait for the server to accept it
        (XEP-0305) waits here."""
        if self._stream.may_begin:
            return True
        if not self._dialogue.authenticating or self._dialogue.authenticated:
            self._unframed(Unframed.MALFORMED)
        return False

    def _header(self, tag: bytes, name: Name | Malformed) -> None:
        stream = self._stream
        if name != names.STREAM or tag.endswith(b"/>") or len(tag) > _HEADER_LIMIT:
            self._unframed(Unframed.MALFORMED)
            return
        stream.header = tag
        stream.may_begin = False
        self._forward(self._position + len(tag))

    def _stanza(self, token: Token, name: Name) -> None:
        dialogue = self._dialogue
        if name == names.IQ:
            self._iq(token)
        elif self._direction is Direction.TO_SERVER and name in _ASKED:
            if (end := self._whole()) is not None:
                self._asks(_ASKED[name], end)
        elif self._direction is Direction.TO_SERVER:
            dialogue.authenticating = dialogue.authenticating or name in names.AUTHENTICATIONS
            self._pass(token)
        elif name == names.FEATURES and self._options.starttls == "strip":
            if (end := self._whole()) is not None:
                self._features(end)
        elif name in _AGREED and dialogue.asked is _AGREED[name]:
            if (end := self._whole()) is not None:
                self._forward(end)
                dialogue.turn_opaque(self._out.effects, f"{dialogue.asked.value} was agreed on")
        else:
            if name in _DECLINED:
                dialogue.asked = None
            elif name in names.SUCCESSES and dialogue.authenticating:
                dialogue.authenticated = True
                for stream in dialogue.streams.values():
                    stream.may_begin = True
            self._pass(token)

    # -- before a client is let in --------------------------------------------------------------

    def _asks(self, layer: Layer, end: int) -> None:
        """The client asks for what would make the rest unreadable."""
        if self._options.starttls == "pass":
            self._dialogue.asked = layer
            self._forward(end)
            return
        code = f"xmpp.{layer.value}.refused"
        told = self._direction.opposite
        detail = f"{layer.value} was not offered"
        self._refuse(code, detail, told, b"policy-violation", _DENIALS[layer])

    def _features(self, end: int) -> None:
        """What the server offers leaves without STARTTLS and compression."""
        raw = self._data[self._position : end]
        features = read_element(self._stream.header, raw)
        if isinstance(features, Malformed):
            self._unframed(Unframed.MALFORMED)
            return
        starttls = features.child(names.STARTTLS)
        if starttls is not None and starttls.child(names.STARTTLS_REQUIRED) is not None:
            told = self._direction
            detail = "the server insists on STARTTLS"
            self._refuse("xmpp.starttls.required", detail, told, b"policy-violation")
            return
        edits: list[Edit] = []
        for name in (names.STARTTLS, names.COMPRESSION_OFFER):
            for feature in features.named(name):
                edits.append((feature.span, b""))
                self._out.do(Report("xmpp.feature.removed", name.local))
        self._edit(end, edits)

    def _tls_at_once(self) -> None:
        """TLS from the first byte on (XEP-0368)."""
        if self._options.starttls == "pass":
            self._dialogue.turn_opaque(self._out.effects, "TLS from the beginning")
        else:
            self._dialogue.abort("xmpp.tls.refused", "TLS from the beginning", self._out.effects)

    # -- IQ stanzas -----------------------------------------------------------------------------

    def _iq(self, token: Token) -> None:
        """An IQ: it has one child at most, which says what it is about."""
        data, header = self._data, self._stream.header
        tags = [data[self._position : token.end]]
        if token.kind is Kind.START:
            start = take_blank(data, token.end)
            inner = take_token(data, start) if start < len(data) else Unframed.PARTIAL
            if isinstance(inner, Unframed):
                self._unframed(inner)
                return
            if inner.kind in (Kind.START, Kind.EMPTY):
                tags.append(data[start : inner.end])
        head = read_head(header, tags)
        if isinstance(head, Malformed):
            self._unframed(Unframed.MALFORMED)
            return
        about = {child.name for child in head.children}
        if head.attributes.get("type") == "set" and about & _NEGOTIATING:
            if (end := self._whole()) is not None:
                self._negotiation(end)
            return
        self._bytestreams.answered(head, self._direction.sender, self._out.effects)
        self._pass(token)

    def _negotiation(self, end: int) -> None:
        raw = self._data[self._position : end]
        stanza = read_element(self._stream.header, raw)
        if isinstance(stanza, Malformed):
            self._unframed(Unframed.MALFORMED)
            return
        draft = self._bytestreams.take(stanza, raw, self._direction.sender)
        self._out.effects += draft.effects
        self._edit(end, draft.edits)

    # -- what becomes of bytes ------------------------------------------------------------------

    def _whole(self) -> int | None:
        """The end of the element that begins here; None if it has not come, or never will."""
        end = take_element(self._data, self._position, self._options.stanza_limit)
        if isinstance(end, int):
            return end
        self._unframed(end)
        return None

    def _forward(self, end: int) -> None:
        """All up to `end` leaves as it came."""
        if end > self._position:
            self._out.forward(end - self._position)
            self._position = end

    def _pass(self, token: Token) -> None:
        """A stanza passes, whatever is in it."""
        self._stream.depth = 1 if token.kind is Kind.START else 0
        self._forward(token.end)

    def _edit(self, end: int, edits: Sequence[Edit]) -> None:
        """All up to `end` leaves with these edits, whose offsets count from here."""
        self._out.edit(0, end - self._position, edits)
        self._position = end

    def _unframed(self, why: Unframed) -> None:
        """There is nothing to be read here: not yet, or for good."""
        if why is Unframed.PARTIAL:
            if len(self._data) - self._position <= self._options.stanza_limit:
                return
            why = Unframed.OVERLONG
        if not self._stream.header:
            detail = "the stream does not begin as XMPP does"
            self._dialogue.abort("xmpp.not_xmpp", detail, self._out.effects)
            return
        told = self._direction.opposite
        code, detail = f"xmpp.stream.{why.value}", f"the stream is {why.value} here"
        self._refuse(code, detail, told, _CONDITIONS[why])

    def _refuse(
        self, code: str, detail: str, told: Direction, condition: bytes, denial: bytes = b""
    ) -> None:
        left = len(self._data) - self._position
        self._dialogue.refuse(
            code,
            detail,
            self._out.effects,
            direction=self._direction,
            left=left,
            told=told,
            condition=condition,
            denial=denial,
        )
        self._position = len(self._data)
