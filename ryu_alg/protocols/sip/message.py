"""One SIP message (RFC 3261 section 7), read in place.

`parse` takes what one datagram holds, or what a stream's framing delimited. A message that it
returns has all that routes it and names its transaction; everything else may be odd.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ryu_alg.inspection.headers import (
    Field,
    Head,
    HeadLimits,
    Unread,
    content_length,
    take_head,
)
from ryu_alg.protocols.sip.addresses import NameAddr, parse_addresses, parse_only_address
from ryu_alg.protocols.sip.grammar import TOKEN, SipSyntaxError
from ryu_alg.protocols.sip.names import (
    CONTENT_LENGTH,
    INFORMATIVE,
    REFERRING,
    ROUTING,
    SINGLE,
    long_form,
)
from ryu_alg.protocols.sip.uris import Uri, parse_uri
from ryu_alg.protocols.sip.via import Via, parse_vias

LIMITS = HeadLimits()
MAX_HOPS = 32
"""Vias of one message. Max-Forwards starts at 70, but nobody has so many proxies in a row."""
_MAX_SEQUENCE = 2**31 - 1
_MAX_SECONDS = 2**32 - 1
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([^ \t]+) [Ss][Ii][Pp]/([0-9]+\.[0-9]+)")
_LIKE_REQUEST_LINE = re.compile(TOKEN + rb"[ \t].*[ \t]SIP/[0-9]+\.[0-9]+[ \t]*", re.IGNORECASE)
_STATUS_LINE = re.compile(rb"[Ss][Ii][Pp]/([0-9]+\.[0-9]+) ([1-6][0-9]{2})(?: (.*))?", re.DOTALL)
_CSEQ = re.compile(rb"([0-9]{1,10})[ \t\r\n]+(" + TOKEN + rb")")
_BLANK = re.compile(rb"\s")
_HOPS_LEFT = re.compile(rb"[0-9]{1,8}")
_REPEATED = 256
"""Bytes of a From or To that is remembered."""
_SECONDS = re.compile(rb"[0-9]{1,10}(?![0-9])")
_NEEDED = (b"via", b"from", b"to", b"call-id", b"cseq")
_WITH_ADDRESSES = (*ROUTING, *REFERRING, *INFORMATIVE)


class Fault(Enum):
    """Why something is no message. The value is the phrase of the 400 that answers it."""

    START_LINE = "Bad Start Line"
    VERSION = "Version Not Supported"
    HEAD = "Bad Header"
    OVERLONG = "Header Too Long"
    MISSING = "Missing Header"
    REPEATED = "Repeated Header"
    VIA = "Bad Via"
    ADDRESS = "Bad Address"
    SEQUENCE = "Bad CSeq"
    NUMBER = "Bad Number"
    LENGTH = "Bad Content-Length"


@dataclass(frozen=True, slots=True)
class Malformed:
    """No message, or none that is passed on."""

    fault: Fault
    detail: str
    """Fit to be shown."""
    request: bytes | None = None
    """What `responses.respond_raw` answers: set if this is a request that names its transaction
    well enough to be refused."""

    @property
    def status(self) -> int:
        """Of the response."""
        match self.fault:
            case Fault.VERSION:
                return 505
            case Fault.OVERLONG:
                return 513
            case _:
                return 400


class RequestLine(NamedTuple):
    """METHOD uri SIP/2.0."""

    method: str
    uri: Uri


class StatusLine(NamedTuple):
    """SIP/2.0 code phrase."""

    status: int
    reason: bytes


class CSeq(NamedTuple):
    """The number and method of a request within a dialogue."""

    number: int
    method: str


class Message(NamedTuple):
    """A request or a response; all positions are within `raw`."""

    raw: bytes
    """From the start line to the end of the body."""
    head: Head
    line: RequestLine | StatusLine
    fields: dict[bytes, list[Field]]
    """By long name in lower case, in order."""
    vias: tuple[Via, ...]
    """Topmost first."""
    from_tag: bytes | None
    """The tag of From."""
    to_tag: bytes | None
    """The tag of To; None before a dialogue."""
    call_id: bytes
    cseq: CSeq
    addresses: dict[bytes, tuple[NameAddr, ...]]
    """The addresses of the headers in `names.ROUTING`, `REFERRING`, `INFORMATIVE`; an empty
    tuple stands for `Contact: *`."""

    @property
    def is_request(self) -> bool:
        """Whether it is one."""
        return isinstance(self.line, RequestLine)

    @property
    def method(self) -> str:
        """Of a request its own, of a response that of its request."""
        return self.line.method if isinstance(self.line, RequestLine) else self.cseq.method

    @property
    def status(self) -> int:
        """Of a response; 0 of a request."""
        return self.line.status if isinstance(self.line, StatusLine) else 0

    @property
    def body(self) -> bytes:
        """What is behind the empty line."""
        return self.raw[self.head.end :]

    @property
    def branch(self) -> bytes | None:
        """Of the topmost Via."""
        return self.vias[0].branch

    @property
    def sender(self) -> NameAddr:
        """From."""
        return self._only_address(b"from")

    @property
    def recipient(self) -> NameAddr:
        """To."""
        return self._only_address(b"to")

    @property
    def contact_is_star(self) -> bool:
        """Whether it says `Contact: *`."""
        return self.addresses.get(b"contact") == ()

    def value(self, name: bytes) -> bytes | None:
        """The value of the first header of this long name, as written."""
        found = self.fields.get(name)
        return self.raw[found[0].value_start : found[0].value_end] if found else None

    def number(self, name: bytes) -> int | None:
        """The number that a header begins with (Expires, Min-SE, Session-Expires)."""
        value = self.value(name)
        match = _SECONDS.match(value) if value else None
        return min(int(match[0]), _MAX_SECONDS) if match else None

    def _only_address(self, name: bytes) -> NameAddr:
        field = self.fields[name][0]
        return parse_only_address(self.raw, field.value_start, field.value_end)


def parse(
    raw: bytes, limits: HeadLimits = LIMITS, *, head: Head | None = None
) -> Message | Malformed:
    """The message that `raw` begins with; line ends in front of it are passed over.

    What Content-Length leaves of `raw` is no part of it (RFC 3261 section 18.3). `head`: its own,
    if it has been read.
    """
    if head is None:
        raw = raw.lstrip(b"\r\n")
        taken = take_head(raw, 0, limits)
        if isinstance(taken, Unread):
            detail = f"the head cannot be read: {taken.value}"
            if taken is Unread.OVERLONG:
                return Malformed(Fault.OVERLONG, detail, _beginning(raw, limits))
            return Malformed(Fault.HEAD, detail)
        head = taken
    fields = _by_name(head)
    try:
        return _message(raw, head, fields)
    except _FaultError as error:
        request = raw if _may_be_answered(raw, head, fields) else None
        return Malformed(error.fault, error.detail, request)


def is_start_line(line: bytes) -> bool:
    """Whether a line, without its end, is meant as the first one of a SIP message: whoever
    wrote it may be answered."""
    return bool(_LIKE_REQUEST_LINE.fullmatch(line) or _STATUS_LINE.fullmatch(line))


class _FaultError(Exception):
    """Reading ends."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


def _message(raw: bytes, head: Head, fields: dict[bytes, list[Field]]) -> Message:
    line = _start_line(raw, head)
    for name in _NEEDED:
        if name not in fields:
            raise _FaultError(Fault.MISSING, f"no {name.decode()}")
    for name in SINGLE:
        if name in fields and len(fields[name]) > 1:
            raise _FaultError(Fault.REPEATED, f"more than one {name.decode()}")
    cseq = _cseq(_value(raw, fields[b"cseq"][0]))
    if isinstance(line, RequestLine) and cseq.method != line.method:
        raise _FaultError(Fault.SEQUENCE, "CSeq names another method")
    call_id = _value(raw, fields[b"call-id"][0])
    if not call_id or _BLANK.search(call_id):
        raise _FaultError(Fault.HEAD, "no Call-ID")
    _check_numbers(raw, fields)
    length = content_length(raw, head, CONTENT_LENGTH)
    if isinstance(length, Unread):
        raise _FaultError(Fault.LENGTH, "Content-Length is no length")
    end = len(raw) if length is None else head.end + length
    if end > len(raw):
        raise _FaultError(Fault.LENGTH, "the body is shorter than Content-Length says")
    return Message(
        raw=raw[:end],
        head=head,
        line=line,
        fields=fields,
        vias=_vias(raw, fields[b"via"]),
        from_tag=_tag(raw, fields[b"from"][0]),
        to_tag=_tag(raw, fields[b"to"][0]),
        call_id=call_id,
        cseq=cseq,
        addresses=_addresses(raw, fields),
    )


def _by_name(head: Head) -> dict[bytes, list[Field]]:
    fields: dict[bytes, list[Field]] = {}
    for field in head.fields:
        fields.setdefault(long_form(field.name), []).append(field)
    return fields


def _beginning(raw: bytes, limits: HeadLimits) -> bytes | None:
    """The head as far as it is within the limits, if that is a request which can be answered."""
    lines = raw[: limits.head - 2].splitlines(keepends=True)[: limits.fields]
    fitting: list[bytes] = []
    for line in lines[:-1]:  # the last one may be cut
        if len(line) > limits.line:
            break
        fitting.append(line)
    kept = b"".join(fitting) + b"\r\n"
    head = take_head(kept, 0, limits)
    if isinstance(head, Unread):
        return None
    return kept if _may_be_answered(kept, head, _by_name(head)) else None


def _value(raw: bytes, field: Field) -> bytes:
    return raw[field.value_start : field.value_end]


def _start_line(raw: bytes, head: Head) -> RequestLine | StatusLine:
    text = raw[: head.line_end]
    if status := _STATUS_LINE.fullmatch(text):
        if status[1] != b"2.0":
            raise _FaultError(Fault.VERSION, "not SIP/2.0")
        return StatusLine(int(status[2]), status[3] or b"")
    request = _REQUEST_LINE.fullmatch(text)
    if request is None:
        raise _FaultError(Fault.START_LINE, "neither a request nor a response")
    if request[3] != b"2.0":
        raise _FaultError(Fault.VERSION, "not SIP/2.0")
    try:
        return RequestLine(request[1].decode("ascii"), parse_uri(raw, *request.span(2)))
    except SipSyntaxError as error:
        raise _FaultError(Fault.START_LINE, f"Request-URI: {error}") from error


def _cseq(value: bytes) -> CSeq:
    match = _CSEQ.fullmatch(value)
    if match is None or int(match[1]) > _MAX_SEQUENCE:
        raise _FaultError(Fault.SEQUENCE, "CSeq is no number and method")
    return CSeq(int(match[1]), match[2].decode("ascii"))


def _check_numbers(raw: bytes, fields: dict[bytes, list[Field]]) -> None:
    for field in fields.get(b"max-forwards", ()):
        value = _value(raw, field)
        if not _HOPS_LEFT.fullmatch(value) or int(value) > 255:
            raise _FaultError(Fault.NUMBER, "Max-Forwards is no number up to 255")


def _vias(raw: bytes, fields: list[Field]) -> tuple[Via, ...]:
    found: list[Via] = []
    try:
        for field in fields:
            found.extend(parse_vias(raw, field.value_start, field.value_end))
    except SipSyntaxError as error:
        raise _FaultError(Fault.VIA, f"Via: {error}") from error
    if len(found) > MAX_HOPS:
        raise _FaultError(Fault.VIA, f"more than {MAX_HOPS} hops")
    return tuple(found)


def _tag(raw: bytes, field: Field) -> bytes | None:
    """The tag of the one address that a field is."""
    value = _value(raw, field)
    try:
        return _tag_of(value) if len(value) <= _REPEATED else _tag_of.__wrapped__(value)
    except SipSyntaxError as error:
        raise _FaultError(Fault.ADDRESS, f"{field.name.decode()}: {error}") from error


@lru_cache(maxsize=4096)
def _tag_of(value: bytes) -> bytes | None:
    """All messages of a dialogue have the same From and To."""
    return parse_only_address(value, 0, len(value)).tag


def _addresses(raw: bytes, fields: dict[bytes, list[Field]]) -> dict[bytes, tuple[NameAddr, ...]]:
    found: dict[bytes, tuple[NameAddr, ...]] = {}
    for name in _WITH_ADDRESSES:
        if name not in fields:
            continue
        present = fields[name]
        if name == b"contact" and len(present) == 1 and _value(raw, present[0]) == b"*":
            found[name] = ()
            continue
        listed: list[NameAddr] = []
        for field in present:
            try:
                listed.extend(parse_addresses(raw, field.value_start, field.value_end))
            except SipSyntaxError as error:
                if name not in INFORMATIVE:
                    detail = f"{name.decode()}: {error}"
                    raise _FaultError(Fault.ADDRESS, detail) from error
        if listed:
            found[name] = tuple(listed)
    return found


def _may_be_answered(raw: bytes, head: Head, fields: dict[bytes, list[Field]]) -> bool:
    """Whether it is a request whose sender would know what a response is about."""
    if re.match(rb"SIP/|ACK[ \t]", raw[: head.line_end], re.IGNORECASE):
        return False
    return all(name in fields for name in _NEEDED)
