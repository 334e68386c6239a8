"""The state machine of one connection.

    between messages --head--> message --its end--> between messages
                     --$-----> frame ---its end--> between messages

Each direction is at one of these by itself (`Lane`). A message is decided as soon as its head is
whole, one with a description as soon as that is; the rest of it, and frames, leave as they come,
by their length. A client's requests that matter await their answers in `Streams.pending`.

Invariants: nothing opens but by a 2xx to a SETUP of this client; what follows SETUP and would have
media sent waits for its answer; nothing is put in the middle of a message or a frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ryu_alg.inspection import (
    Abort,
    Direction,
    Effect,
    Opaque,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.inspection.edits import Edit
from ryu_alg.inspection.headers import Unread, content_length, take_head
from ryu_alg.inspection.sdp import Malformed
from ryu_alg.protocols.rtsp import descriptions, messages, urls
from ryu_alg.protocols.rtsp.messages import CONTENT_LENGTH, LIMITS, Message
from ryu_alg.protocols.rtsp.negotiation import Negotiator
from ryu_alg.protocols.rtsp.options import RtspOptions
from ryu_alg.protocols.rtsp.output import Output
from ryu_alg.protocols.rtsp.policy import Policy
from ryu_alg.protocols.rtsp.replies import Refused, respond
from ryu_alg.protocols.rtsp.streams import MAX_PENDING, Pending, Stream, Streams

_DOLLAR = 0x24
_FRAME_HEADER = 4
"""$, channel, and the length of what follows in two bytes (RFC 2326 section 10.12)."""
_LINE_ENDS = re.compile(rb"[\r\n]+")
_MAX_WAITING = 8
"""Answers of our own that wait for the end of a frame."""
_STARTING = frozenset({"PLAY", "RECORD"})
_AWAITED = frozenset({"SETUP", "TEARDOWN"}) | _STARTING
_GONE = 454
"""Session Not Found."""
_INFORMATIVE = (b"date", b"server")


@dataclass(slots=True)
class Lane:
    """Where one direction is."""

    rest: int = 0
    """Bytes of the present message or frame that are yet to come."""
    dropped: bool = False
    """They do not leave."""
    waiting: list[bytes] = field(default_factory=list)
    """Our own answers, for when it is between messages."""


@dataclass(frozen=True, slots=True)
class _Here:
    """A message, and where it stands in what is offered."""

    message: Message
    start: int
    length: int
    """Of its body."""

    @property
    def end(self) -> int:
        return self.message.head.end + self.length


class RtspInspector(StreamInspector):
    """One connection."""

    def __init__(self, options: RtspOptions, gateway: StreamGateway) -> None:
        self.gateway = gateway
        self.policy = Policy(options, gateway.conversation)
        self.streams = Streams(gateway)
        self.negotiator = Negotiator(self.policy, self.streams)
        self.lanes = {direction: Lane() for direction in Direction}
        self.shift = dict.fromkeys(Direction, 0)
        self.framed = False
        """Frames have been agreed on."""
        self.ended = False
        """The connection was refused, or is not read any more."""

    # -- StreamInspector ------------------------------------------------------------------------

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about frames, and about messages whose head is whole."""
        output = Output(direction, self.shift)
        lane = self.lanes[direction]
        position = 0
        while not self.ended:
            if lane.rest:
                position = self._pass_rest(lane, data, position, output)
                if lane.rest:
                    break
            while lane.waiting:
                output.replace(0, lane.waiting.pop(0))
            if position >= len(data):
                break
            before = position
            if data[position] == _DOLLAR:
                position = self._frame(lane, data, position, output)
            elif blank := _LINE_ENDS.match(data, position):
                output.forward(blank.end() - position)
                position = blank.end()
            else:
                position = self._message(data, position, output)
            if position == before:
                break
        return output.effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """With the connection, the media end."""
        self.streams.clear()
        return list(self.streams.settle())

    def next_timeout(self) -> float | None:
        """When the first silent session is over."""
        return self.streams.next_timeout()

    def wake(self) -> Sequence[Effect]:
        """Sessions end whose time is up."""
        over = self.streams.expire()
        reports = [Report("rtsp.session.expired", "no request, no media") for _ in over]
        return [*reports, *self.streams.settle()]

    def binding_idle(self, binding: int) -> Sequence[Effect]:
        """Its session may be over, if it is not heard of either."""
        self.streams.fell_silent(binding)
        return self.wake()

    # -- what is no message ---------------------------------------------------------------------

    def _pass_rest(self, lane: Lane, data: bytes, position: int, output: Output) -> int:
        length = min(lane.rest, len(data) - position)
        lane.rest -= length
        if lane.dropped:
            output.replace(length, b"")
        else:
            output.forward(length)
        return position + length

    def _frame(self, lane: Lane, data: bytes, position: int, output: Output) -> int:
        """Interleaved binary data. Where none was agreed on, other programs may read text."""
        if not self.framed:
            return self._abort("rtsp.frame.unasked", "a frame before SETUP", position, output)
        header = data[position : position + _FRAME_HEADER]
        if len(header) < _FRAME_HEADER:
            return position
        output.forward(_FRAME_HEADER)
        lane.rest, lane.dropped = int.from_bytes(header[2:], "big"), False
        return position + _FRAME_HEADER

    def _abort(self, code: str, detail: str, position: int, output: Output) -> int:
        self.ended = True
        output.do(Report(code, detail), Abort(detail))
        return position

    # -- messages -------------------------------------------------------------------------------

    def _message(self, data: bytes, position: int, output: Output) -> int:
        """The next message; returns `position` if it has to wait."""
        if not messages.may_begin(data, position):
            return self._abort("rtsp.not_rtsp", "what comes is no RTSP", position, output)
        head = take_head(data, position, LIMITS)
        if head is Unread.PARTIAL:
            return position
        if isinstance(head, Unread):
            return self._abort(f"rtsp.head.{head.value}", "no head of RTSP", position, output)
        message = messages.read(data, head)
        length = content_length(data, head, CONTENT_LENGTH)
        if message is None or isinstance(length, Unread):
            return self._abort("rtsp.head.syntax", "no head of RTSP", position, output)
        here = _Here(message, position, length or 0)
        if message.describes and here.length <= descriptions.MAX_SIZE and len(data) < here.end:
            return position
        if not message.method:
            decided = self._response(here, output)
        elif output.direction is Direction.TO_SERVER:
            decided = self._request(here, output)
        else:
            decided = self._server_request(here, output)
        return min(here.end, len(data)) if decided else position

    def _leave(self, here: _Here, edits: Sequence[Edit], output: Output) -> None:
        """A message leaves, with these edits and those that any message needs."""
        message = here.message
        made = [*edits, *self._described(here, output)]
        if output.direction is Direction.TO_CLIENT:
            made += self._urls(message)
        made += _made_up_for(message, made)
        filling = next((field.value_start for field in message.fields(b"cseq")), None)
        available = min(here.end, len(message.raw))
        output.rewrite(here.start, available, made, filling)
        self._await_rest(here, output, dropped=False)

    def _drop(self, here: _Here, output: Output, instead: bytes = b"") -> None:
        """A message does not leave."""
        available = min(here.end, len(here.message.raw))
        output.replace(available - here.start, instead)
        self._await_rest(here, output, dropped=True)

    def _await_rest(self, here: _Here, output: Output, *, dropped: bool) -> None:
        lane = self.lanes[output.direction]
        lane.rest = here.end - min(here.end, len(here.message.raw))
        lane.dropped = dropped

    def _described(self, here: _Here, output: Output) -> list[Edit]:
        """The edits of a description, and of the length of the body."""
        message = here.message
        if not message.describes or not here.length:
            return []
        if here.length > descriptions.MAX_SIZE:
            output.do(Report("rtsp.description.overlong", f"{here.length} bytes"))
            return []
        body = message.head.end
        found = descriptions.translated(
            message.raw[body : here.end],
            self.gateway,
            self.gateway.conversation,
            output.direction.sender,
        )
        if isinstance(found, Malformed):
            output.do(Report("rtsp.description.malformed", found.reason))
            return []
        longer = sum(len(text) - (high - low) for (low, high), text in found)
        edits = [((low + body, high + body), text) for (low, high), text in found]
        if longer:
            (length,) = message.fields(b"content-length")
            span = (length.value_start, length.value_end)
            edits.append((span, b"%d" % (here.length + longer)))
        return edits

    def _urls(self, message: Message) -> list[Edit]:
        """The edits of the server's own address in what it says."""
        ends = self.gateway.conversation
        spans = [
            (field.value_start, field.value_end)
            for field in message.head.fields
            if field.name in urls.HEADERS
        ]
        return [
            edit
            for start, end in (message.uri, *spans)
            for edit in urls.translated(message.raw, start, end, ends.server, ends.server_seen)
        ]

    # -- requests -------------------------------------------------------------------------------

    def _request(self, here: _Here, output: Output) -> bool:
        """A request of the client; False: it has to wait."""
        message = here.message
        method = message.method
        pending = self.streams.pending
        if method in _AWAITED and len(pending) >= MAX_PENDING:
            return False
        if method in _STARTING and self.streams.being_set_up:
            return False
        if self.policy.denied(method, output.direction.sender):
            refused = Refused(403, "rtsp.denied", f"{method} of the client")
            return self._refuse(here, refused, output)
        if method not in _AWAITED:
            self.streams.heard(message.session)
            self._leave(here, (), output)
            return True
        refusal = _unclear(message)
        if refusal is not None:
            return self._refuse(here, refusal, output)
        if method == "SETUP":
            return self._setup(here, output)
        self.streams.heard(message.session)
        self._await(here)
        if method in _STARTING:
            self.streams.resumed(message.session.name if message.session else None)
        self._leave(here, (), output)
        return True

    def _setup(self, here: _Here, output: Output) -> bool:
        if self.streams.full:
            refused = Refused(503, "rtsp.streams", "too many streams in one connection")
            return self._refuse(here, refused, output)
        asked = self.negotiator.ask(here.message)
        if isinstance(asked, Refused):
            decided = self._refuse(here, asked, output)
            output.do(*self.streams.settle())
            return decided
        self.streams.heard(here.message.session)
        self._await(here)
        self.streams.pending[-1] = replace(self.streams.pending[-1], offers=tuple(asked.offers))
        output.do(*asked.reports, *self.streams.settle())
        self._leave(here, asked.edits, output)
        return True

    def _await(self, here: _Here) -> None:
        message = here.message
        session, cseq = message.session, message.cseq
        assert cseq is not None  # or it was refused
        name = session.name if session is not None else None
        self.streams.pending.append(Pending(cseq, message.method, message.url, name))

    def _server_request(self, here: _Here, output: Output) -> bool:
        """A request of the server; False: it has to wait."""
        message = here.message
        if self.policy.denied(message.method, output.direction.sender):
            refused = Refused(403, "rtsp.denied", f"{message.method} of the server")
            return self._refuse(here, refused, output)
        if message.method == "SETUP":
            refused = Refused(405, "rtsp.setup_of_server", "only a client sets up streams")
            return self._refuse(here, refused, output)
        self.streams.heard(message.session)
        if message.method == "TEARDOWN":
            session = message.session
            self.streams.torn_down(message.url, session.name if session is not None else None)
            output.do(*self.streams.settle())
        self._leave(here, (), output)
        return True

    def _refuse(self, here: _Here, refused: Refused, output: Output) -> bool:
        """A request is answered in the receiver's stead; False: not yet."""
        back = self.lanes[output.direction.opposite]
        if len(back.waiting) >= _MAX_WAITING:
            return False
        output.do(Report(refused.code, refused.detail))
        answer = respond(here.message, refused.status)
        if back.rest or back.waiting:
            back.waiting.append(answer)
        else:
            output.inject(answer)
        self._drop(here, output)
        return True

    # -- responses ------------------------------------------------------------------------------

    def _response(self, here: _Here, output: Output) -> bool:
        message = here.message
        request = None
        final = message.status >= 200
        if output.direction is Direction.TO_CLIENT and final and message.cseq is not None:
            request = self.streams.answered(message.cseq)
        self.streams.heard(message.session)
        if request is None:
            self._leave(here, (), output)
            return True
        accepted = message.status < 300
        if request.method == "SETUP" and accepted:
            self._set_up(here, request, output)
            return True
        if request.method == "TEARDOWN" and (accepted or message.status == _GONE):
            self.streams.torn_down(request.url, request.session)
        output.do(*self.streams.settle())
        self._leave(here, (), output)
        if request.method in _STARTING and accepted:
            self._let_go(output)
        return True

    def _set_up(self, here: _Here, request: Pending, output: Output) -> None:
        """The server accepts a SETUP."""
        message = here.message
        answered = self.negotiator.answer(message, request.offers)
        if isinstance(answered, Refused):
            output.do(Report(answered.code, answered.detail), *self.streams.settle())
            self._drop(here, output, respond(message, answered.status))
            return
        self.framed = self.framed or answered.interleaved
        session = message.session
        name = session.name if session is not None else request.session or b""
        stream = Stream(
            name, request.url, answered.interleaved, answered.binding, answered.exchanges
        )
        self.streams.add(stream, session.timeout if session is not None else None)
        output.do(*answered.reports, *self.streams.settle())
        self._leave(here, answered.edits, output)

    def _let_go(self, output: Output) -> None:
        """Media move within this connection: if nothing is left to be read or changed in it,
        the switch can have it."""
        if (
            self.streams.all_interleaved
            and not self.streams.pending
            and not self.policy.denies
            and not any(self.shift.values())
            and not any(lane.waiting for lane in self.lanes.values())
        ):
            self.ended = True
            output.do(Opaque())


def _made_up_for(message: Message, edits: Sequence[Edit]) -> list[Edit]:
    """An edit that lets a response not get longer by the others: what only informs is left out.

    Otherwise media that follow in this connection could never leave the controller."""
    longer = sum(len(text) - (high - low) for (low, high), text in edits)
    if longer <= 0 or message.method:
        return []
    for name in _INFORMATIVE:
        for spare in message.fields(name):
            if spare.end - spare.start >= longer:
                return [((spare.start, spare.end), b"")]
    return []


def _unclear(message: Message) -> Refused | None:
    """Why a request cannot be told from others, or could be read in two ways."""
    if message.cseq is None:
        return Refused(400, "rtsp.head.syntax", "no CSeq, or several")
    if sum(1 for _ in message.fields(b"session")) > 1:
        return Refused(400, "rtsp.head.syntax", "several Session headers")
    return None
