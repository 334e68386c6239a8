"""What a SIP user agent makes of a message that has reached it, as a record says."""

from __future__ import annotations

import re

from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import SDP_TYPE, respond

_HEADER = re.compile(
    rb"^(from|to|call-id|contact)[ \t]*:[ \t]*(.*?)\r?$", re.IGNORECASE | re.MULTILINE
)
_URI = re.compile(r"sip:[^>\s]+")
_METHOD = re.compile(r"[A-Z]{3,10}")
_STATUS = re.compile(r"[0-9]{3}")
_NUMBER = re.compile(r"[0-9]{1,5}")


def answer(asked: bytes, record: bytes) -> bytes:
    """A record is `200 TAG`, a response to what has reached it, or `BYE 2`, a request within the
    same dialogue, with that sequence number; then lines of header fields, and a description from
    `v=0` on. Any other is sent as it is."""
    first, _, rest = record.partition(b"\r\n")
    head, begins, description = rest.partition(b"v=0")
    word, _, more = first.decode("latin-1").partition(" ")
    fields = [line for line in head.decode("latin-1").split("\r\n") if line]
    body = begins + description
    try:
        if _STATUS.fullmatch(word):
            return respond(asked, int(word), *fields, tag=more, body=body)
        if _METHOD.fullmatch(word) and _NUMBER.fullmatch(more):
            return _within(asked, word, int(more), fields, body)
    except (AssertionError, KeyError, UnicodeError):
        pass  # what has arrived is no message
    return record


def _within(asked: bytes, method: str, number: int, fields: list[str], body: bytes) -> bytes:
    known = {
        name.decode().lower(): value.decode("latin-1") for name, value in _HEADER.findall(asked)
    }
    own, other = known["from"], known["to"]
    if not asked.startswith(b"SIP/2.0"):
        own, other = other, own  # it was asked, and asks now
    target = _URI.search(known.get("contact", ""))
    return request(
        method,
        target[0] if target else "sip:bob@example.com",
        *fields,
        *([SDP_TYPE] if body else []),
        via=f"SIP/2.0/UDP 192.168.10.2;branch=z9hG4bK-{method}{number}",
        sender=own,
        to=other,
        call_id=known["call-id"],
        cseq=number,
        body=body,
    )
