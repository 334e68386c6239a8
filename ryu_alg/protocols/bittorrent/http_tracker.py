"""One HTTP connection of an inside client with a tracker, or with a proxy (RFC 9112, BEP 3).

    between messages --head--> body --its end--> between messages

Each direction is at one of these by itself (`Lane`). Requests await their answers in `pending`, in
order. A message is decided when its head is whole, an answer to an announce when all of it is; all
other bodies leave as they come.

Invariants: nothing opens but by a 200 with a tracker's dictionary to an announce of this client;
a refusal of our own stands behind all answers to what was asked before; where it is not clear any
more which answer belongs to which request, nothing is read any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ryu_alg.inspection import (
    Abort,
    Direction,
    Effect,
    Inject,
    Opaque,
    Realm,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.inspection.edits import Decisions, Edit
from ryu_alg.inspection.headers import Head, Unread, take_head
from ryu_alg.protocols.bittorrent import bencode, http
from ryu_alg.protocols.bittorrent.announcing import Announcing, Denied
from ryu_alg.protocols.bittorrent.bencode import BencodeError
from ryu_alg.protocols.bittorrent.http import LIMITS, Answer, Body, Chunked, Counted, Endless
from ryu_alg.protocols.bittorrent.http_announces import BROWSER, Announce, read_announce
from ryu_alg.protocols.bittorrent.http_answers import Accepted, read_answer
from ryu_alg.protocols.bittorrent.options import BitTorrentOptions

MAX_PENDING = 8
"""Requests without an answer; further ones wait."""
MAX_ANSWER = 40 * 1024
"""Bytes of a tracker's answer, with its head: what any sender's window lets be held."""
_LINE_ENDS = re.compile(rb"[\r\n]+")
_SWITCHING = 101
_OK = 200


@dataclass(slots=True)
class Lane:
    """Where one direction is."""

    body: Body | None = None
    """Of the present message; None: between messages."""
    dropped: bool = False
    """It does not leave."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request without an answer."""

    method: bytes
    announce: Announce | None = None
    """None: another request, or one whose answer opens nothing."""


class _UnreadableError(Exception):
    """An answer to an announce that does not tell whether it is accepted."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A whole answer to an announce."""

    body: Body
    end: int
    """Of the body."""
    accepted: Accepted | None


class HttpTracker(StreamInspector):
    """One connection."""

    def __init__(self, options: BitTorrentOptions, gateway: StreamGateway) -> None:
        ends = gateway.conversation
        inside = gateway.realm_of(ends.client.address) is Realm.INSIDE
        outside = gateway.realm_of(ends.server.address) is Realm.OUTSIDE
        self.announcing = Announcing(options, gateway, ends.client.address)
        self.opens = inside and outside and self.announcing.reachable
        self.lanes = {direction: Lane() for direction in Direction}
        self.pending: list[Pending] = []
        self.ended = False
        """It is not read any more."""
        self.answered = False
        """The server has said all that it will say."""
        self.concerns = inside and (self.opens or options.selective)

    # -- StreamInspector ------------------------------------------------------------------------

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide about bodies, and about messages whose head is whole."""
        if not self.concerns:
            self.ended = True
            return [Opaque()]
        return self._inspect(direction, data, last=False)

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """What is left of requests is none; an answer may end so."""
        effects: list[Effect] = []
        if direction is Direction.TO_CLIENT:
            effects += self._inspect(direction, data, last=True)
            self.answered = True
        decisions = Decisions()
        for asked in self.pending:
            if asked.announce is not None:
                self._not_taken(asked.announce, decisions)
        return effects + decisions.effects

    def _inspect(self, direction: Direction, data: bytes, *, last: bool) -> list[Effect]:
        decisions = Decisions()
        lane = self.lanes[direction]
        position = 0
        while not self.ended and position < len(data):
            before = position
            if lane.body is not None:
                position = self._body(lane, data, position, decisions)
            elif direction is Direction.TO_SERVER:
                position = self._request(data, position, decisions)
            else:
                position = self._answer(data, position, decisions, last=last)
            if position == before:
                break
        if last and not self.ended:
            decisions.forward(len(data) - position)
        return decisions.effects

    def _begin(self, direction: Direction, body: Body, *, dropped: bool = False) -> None:
        """A head has been decided."""
        lane = self.lanes[direction]
        lane.body, lane.dropped = None if body.done else body, dropped

    def _body(self, lane: Lane, data: bytes, position: int, decisions: Decisions) -> int:
        """What there is of a body leaves, or is dropped."""
        assert lane.body is not None
        end = lane.body.take(data, position)
        if isinstance(end, Unread):
            return self._give_up("a body that is none", position, decisions)
        if not lane.dropped:
            decisions.forward(end - position)
        elif end > position:
            decisions.replace(end - position, b"")
        if lane.body.done:
            lane.body = None
        return end

    def _give_up(self, why: str, position: int, decisions: Decisions) -> int:
        """It is not clear where messages end: nothing that follows is read."""
        self.ended = True
        decisions.do(Report("bittorrent.http.syntax", why), Opaque())
        return position

    # -- requests -------------------------------------------------------------------------------

    def _request(self, data: bytes, position: int, decisions: Decisions) -> int:
        """The next request; returns `position` if it has to wait."""
        if (blank := _LINE_ENDS.match(data, position)) is not None:
            decisions.forward(blank.end() - position)
            return blank.end()
        if self.answered or len(self.pending) >= MAX_PENDING:
            return position
        head = take_head(data, position, LIMITS)
        if head is Unread.PARTIAL:
            return position
        if isinstance(head, Unread):
            return self._give_up(f"the head of a request: {head.value}", position, decisions)
        request = http.read_request(data, head)
        body = None if request is None else http.request_body(request)
        if request is None or body is None:
            return self._give_up("a request that is none", position, decisions)
        announce = read_announce(request, self.announcing, opens=self.opens)
        if isinstance(announce, Denied):
            return self._refuse(announce, head, body, decisions)
        if announce is not None and announce.left_out:
            decisions.do(Report("bittorrent.http.family", "an address was left out"))
        decisions.edit(position, head.end, announce.edits if announce is not None else ())
        self.pending.append(Pending(request.method, announce))
        self._begin(Direction.TO_SERVER, body)
        if request.method == b"CONNECT":
            self.ended = True
            decisions.do(Opaque())
        return head.end

    def _refuse(self, denied: Denied, head: Head, body: Body, decisions: Decisions) -> int:
        """An announce does not leave; the client reads why, behind what it asked before."""
        if self.pending or self.lanes[Direction.TO_CLIENT].body is not None:
            return head.start
        decisions.do(Report(denied.code, denied.reason))
        decisions.replace(head.end - head.start, b"")
        decisions.do(Inject(Direction.TO_CLIENT, _refusal(denied)))
        self._begin(Direction.TO_SERVER, body, dropped=True)
        return head.end

    # -- answers --------------------------------------------------------------------------------

    def _answer(self, data: bytes, position: int, decisions: Decisions, *, last: bool) -> int:
        """The next answer; returns `position` if it has to wait."""
        if not self.pending:
            # To let it pass would be to take it for the answer to what the client asks next.
            self.ended = True
            decisions.do(
                Report("bittorrent.http.unasked", "an answer to no request"),
                Abort("an answer to no request"),
            )
            return position
        head = take_head(data, position, LIMITS)
        if head is Unread.PARTIAL:
            return position
        if isinstance(head, Unread):
            return self._give_up(f"the head of an answer: {head.value}", position, decisions)
        asked = self.pending[0]
        answer = http.read_answer(data, head)
        body = None if answer is None else http.answer_body(answer, asked.method)
        if answer is None or body is None:
            return self._give_up("an answer that is none", position, decisions)
        if answer.status < _OK:
            decisions.forward(head.end - position)
            if answer.status == _SWITCHING:
                self.ended = True
                decisions.do(Opaque())
            return head.end
        announce = asked.announce
        if announce is not None and answer.status == _OK:
            try:
                told = self._read(answer, body, last=last)
            except _UnreadableError as error:
                decisions.do(Report("bittorrent.http.unreadable", str(error)))
                body = http.answer_body(answer, asked.method)
                assert body is not None  # it was not before
            else:
                if told is None:
                    return position
                del self.pending[0]
                return self._tell(answer, announce, told, decisions)
        del self.pending[0]
        if announce is not None:
            self._not_taken(announce, decisions)
        decisions.forward(head.end - position)
        self._begin(Direction.TO_CLIENT, body)
        return head.end

    def _read(self, answer: Answer, body: Body, *, last: bool) -> _Told | None:
        """What a tracker answers, once all of it is there; raises _UnreadableError."""
        if any(value.lower() != b"identity" for value in answer.values(b"content-encoding")):
            raise _UnreadableError("it is compressed")
        start = answer.head.start
        if isinstance(body, Counted) and answer.head.end + body.left - start > MAX_ANSWER:
            raise _UnreadableError(f"it has more than {MAX_ANSWER} bytes")
        end = body.take(answer.raw, answer.head.end, keep=True)
        if isinstance(end, Unread):
            raise _UnreadableError("its body is none")
        if end - start > MAX_ANSWER:
            raise _UnreadableError(f"it has more than {MAX_ANSWER} bytes")
        if not (body.done or (last and isinstance(body, Endless))):
            if last:
                raise _UnreadableError("it ends too early")
            return None
        try:
            accepted = read_answer(bytes(body.content), self.announcing)
        except BencodeError as error:
            raise _UnreadableError(str(error)) from None
        return _Told(body, end, accepted)

    def _tell(self, answer: Answer, announce: Announce, told: _Told, decisions: Decisions) -> int:
        """A tracker's whole answer leaves; if it accepts, peers get in before."""
        edits: list[Edit] = []
        if told.accepted is None:
            self._not_taken(announce, decisions)
        else:
            self._taken(announce, told.accepted.interval, decisions)
            if told.accepted.body != told.body.content:
                edits = list(_with_body(answer, told.body, told.end, told.accepted.body))
        decisions.edit(answer.head.start, told.end, edits)
        return told.end

    def _taken(self, announce: Announce, interval: int, decisions: Decisions) -> None:
        listener = announce.listener
        if listener is None:
            return
        if not announce.stops:
            decisions.do(self.announcing.accepted(listener, announce.info_hash, interval))
        elif self.announcing.keeps(listener, announce.info_hash):
            decisions.do(self.announcing.leaving(listener, announce.info_hash))

    def _not_taken(self, announce: Announce, decisions: Decisions) -> None:
        """Whatever the tracker says to the last announce, or if it says nothing: it is the last."""
        listener = announce.listener
        if listener is None or not announce.stops:
            return
        if self.announcing.keeps(listener, announce.info_hash):
            decisions.do(self.announcing.stopped(listener, announce.info_hash))


def _with_body(answer: Answer, body: Body, end: int, content: bytes) -> Iterator[Edit]:
    """The edits that give an answer another body."""
    length = b"%d" % len(content)
    if isinstance(body, Chunked):
        for coding in answer.fields(b"transfer-encoding"):
            yield (coding.start, coding.end), b"Content-Length: " + length + b"\r\n"
    elif len(content) != len(body.content):
        for counted in answer.fields(b"content-length"):
            yield (counted.value_start, counted.value_end), length
    yield (answer.head.end, end), content


def _refusal(denied: Denied) -> bytes:
    """Our own answer: a tracker's (BEP 3), and to a browser that it may not ask."""
    status = b"403 Forbidden" if denied.code == BROWSER else b"200 OK"
    body = bencode.dictionary({b"failure reason": bencode.text(denied.reason.encode())})
    fields = (
        b"HTTP/1.1 " + status,
        b"Content-Type: text/plain",
        b"Content-Length: %d" % len(body),
    )
    return b"\r\n".join((*fields, b"", body))
