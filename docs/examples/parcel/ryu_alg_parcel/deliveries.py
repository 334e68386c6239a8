"""Parcel over TCP. Lines of at most 512 bytes; each request has one answer, in order.

    GIVE address port name      the client has a parcel, to be fetched from there
        TAKE                    the server connects
    WANT name                   the client would like to have one
        FETCH address port      the client connects
    (either)
        NO reason

Nothing opens before both sides have said so, and only towards the two hosts of the connection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from ipaddress import ip_address

from ryu_alg.inspection import (
    Abort,
    Close,
    Direction,
    Effect,
    Expectation,
    Forward,
    Inject,
    Open,
    Party,
    Refusal,
    Replace,
    Report,
    StreamGateway,
    StreamInspector,
)
from ryu_alg.inspection.framing import Line, Unframed, take_line
from ryu_alg.inspection.names import may_fit, path_spellings, printable
from ryu_alg_parcel.options import ParcelOptions

MAX_LINE = 512
_PLACE = rb"(?P<place>(?P<address>[0-9A-Fa-f:.]{2,45}) (?P<port>[0-9]{1,5}))"
_GIVE = re.compile(rb"GIVE " + _PLACE + rb" (?P<name>\S+)")
_WANT = re.compile(rb"WANT (?P<name>\S+)")
_FETCH = re.compile(rb"FETCH " + _PLACE)
_NO = re.compile(rb"NO( .*)?")


class Asked(Enum):
    """The request that has no answer yet."""

    GIVE = "give"
    WANT = "want"


class Deliveries(StreamInspector):
    """One connection."""

    def __init__(self, options: ParcelOptions, gateway: StreamGateway) -> None:
        self.options = options
        self.gateway = gateway
        self.asked: Asked | None = None
        self.given: int | None = None
        """The expectation of a GIVE."""

    def inspect(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """Decide line by line. What is not decided is offered again, with what comes then."""
        effects: list[Effect] = []
        position = 0
        # What is behind a request waits until that has its answer.
        while direction is Direction.TO_CLIENT or self.asked is None:
            line = take_line(data, position, MAX_LINE)
            if line is Unframed.PARTIAL:
                break
            if line is Unframed.OVERLONG:
                return [*effects, *_abort("parcel.line.overlong", direction.value)]
            position += len(line.raw)
            decide = self._request if direction is Direction.TO_SERVER else self._answer
            effects += decide(line)
        return effects

    def end(self, direction: Direction, data: bytes) -> Sequence[Effect]:
        """A line without its end is none."""
        return ()

    def _request(self, line: Line) -> Sequence[Effect]:
        if give := _GIVE.fullmatch(line.text):
            if self._denied(give["name"]):
                return _refuse(line, "parcel.denied", printable(give["name"]))
            expected = self._expect(Party.CLIENT, give)
            if isinstance(expected, Refusal):
                return _refuse(line, f"parcel.give.{expected.code}", expected.detail)
            self.asked, self.given = Asked.GIVE, expected.id
            return _announce(line, give, expected)
        if want := _WANT.fullmatch(line.text):
            if self._denied(want["name"]):
                return _refuse(line, "parcel.denied", printable(want["name"]))
            self.asked = Asked.WANT
            return [Forward(len(line.raw))]
        return _refuse(line, "parcel.request.malformed", printable(line.text))

    def _answer(self, line: Line) -> Sequence[Effect]:
        asked, given = self.asked, self.given
        self.asked = self.given = None
        if asked is Asked.GIVE and given is not None:
            if line.text == b"TAKE":
                return [Open(given), Forward(len(line.raw))]
            if _NO.fullmatch(line.text):
                return [Close(given), Forward(len(line.raw))]
        if asked is Asked.WANT:
            if fetch := _FETCH.fullmatch(line.text):
                expected = self._expect(Party.SERVER, fetch)
                if isinstance(expected, Refusal):
                    report = Report(f"parcel.fetch.{expected.code}", expected.detail)
                    return [Replace(len(line.raw), b"NO not through this gateway\r\n"), report]
                return [Open(expected.id), *_announce(line, fetch, expected)]
            if _NO.fullmatch(line.text):
                return [Forward(len(line.raw))]
        return _abort("parcel.answer.unasked", printable(line.text))

    def _expect(self, listener: Party, place: re.Match[bytes]) -> Expectation | Refusal:
        """The port comes from the message; the address has to be the listener's own."""
        conversation = self.gateway.conversation
        own = {conversation.actual(listener).address, conversation.seen(listener).address}
        try:
            address = ip_address(place["address"].decode())
        except ValueError:
            return Refusal("no_address", printable(place["address"]))
        if address not in own:
            return Refusal("foreign_address", str(address))
        return self.gateway.expect(listener=listener, port=int(place["port"]))

    def _denied(self, name: bytes) -> bool:
        return may_fit(self.options.deny, path_spellings(name))


def _announce(line: Line, place: re.Match[bytes], expected: Expectation) -> list[Effect]:
    """The line, with the place that the other side has to connect to; all else as it came."""
    start, end = place.span("place")
    there = f"{expected.announced.address} {expected.announced.port}".encode()
    return [Forward(start), Replace(end - start, there), Forward(len(line.raw) - end)]


def _refuse(line: Line, code: str, detail: str) -> list[Effect]:
    """A request that does not reach the server: answered in its stead."""
    answer = Inject(Direction.TO_CLIENT, b"NO not through this gateway\r\n")
    return [Replace(len(line.raw), b""), answer, Report(code, detail)]


def _abort(code: str, detail: str) -> list[Effect]:
    """From here on, nobody knows which answer belongs to what."""
    return [Report(code, detail), Abort("this is not Parcel")]
