"""Where the parts of an XML stream begin and end, byte by byte (RFC 6120 section 11).

There is no state here: what is undecided is looked at again. XMPP allows tags, text and CDATA
sections only; comments, processing instructions and declarations of any kind are never taken
for anything else, and so never get to a parser.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

TAG_LIMIT = 8192
"""Bytes of one tag."""
_TEXT = re.compile(rb"[^<]++")
_BLANK = re.compile(rb"[ \t\r\n]++")
_TAG = re.compile(rb"</?[^\s<>/!?&=\"'](?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>")
_PARTIAL_TAG = re.compile(
    rb"</?(?:[^\s<>/!?&=\"'](?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+(?:\"[^\"<]*+|'[^'<]*+)?)?"
)
_CDATA_BEGIN, CDATA_END = b"<![CDATA[", b"]]>"
_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]++version[ \t]*=[ \t]*(?:'1\.0'|\"1\.0\")"
    rb"(?:[ \t\r\n]++encoding[ \t]*=[ \t]*(?:'[Uu][Tt][Ff]-8'|\"[Uu][Tt][Ff]-8\"))?"
    rb"(?:[ \t\r\n]++standalone[ \t]*=[ \t]*(?:'(?:yes|no)'|\"(?:yes|no)\"))?[ \t\r\n]*\?>"
)
_DECLARATION_LIMIT = 128


class Unframed(Enum):
    """Why there is no token to be had, or no unit."""

    PARTIAL = "partial"
    """Its end has not come yet."""
    MALFORMED = "malformed"
    """It is no XML as XMPP allows it, whatever comes."""
    OVERLONG = "overlong"
    """Its end is not within the limit."""


class Kind(Enum):
    """What a token is."""

    TEXT = "text"
    START = "start"
    """The tag that begins an element."""
    END = "end"
    EMPTY = "empty"
    """The tag that is a whole element."""
    CDATA = "cdata"
    """`<![CDATA[`: what follows is text up to `CDATA_END`."""


class Token(NamedTuple):
    """A piece of a stream."""

    kind: Kind
    end: int
    """The offset behind it."""


def take_blank(data: bytes, start: int) -> int:
    """The end of the white space at `start`."""
    match = _BLANK.match(data, start)
    return match.end() if match else start


def take_declaration(data: bytes, start: int) -> int | Unframed:
    """The end of the XML declaration at `start`. No encoding but UTF-8 is one of XMPP's."""
    if match := _DECLARATION.match(data, start):
        return match.end()
    head = data[start : start + _DECLARATION_LIMIT]
    if b"?>" in head or len(head) >= _DECLARATION_LIMIT or not _begins_alike(head, b"<?xml"):
        return Unframed.MALFORMED
    return Unframed.PARTIAL


def take_token(data: bytes, start: int) -> Token | Unframed:
    """The token at `start`. Text ends where the data does, or the next token begins."""
    if match := _TEXT.match(data, start):
        return Token(Kind.TEXT, match.end())
    if match := _TAG.match(data, start):
        if match.end() - start > TAG_LIMIT:
            return Unframed.OVERLONG
        if data[start + 1] == 0x2F:
            return Token(Kind.END, match.end())
        empty = data[match.end() - 2] == 0x2F
        return Token(Kind.EMPTY if empty else Kind.START, match.end())
    if data.startswith(_CDATA_BEGIN, start):
        return Token(Kind.CDATA, start + len(_CDATA_BEGIN))
    if _begins_alike(data[start : start + len(_CDATA_BEGIN)], _CDATA_BEGIN):
        return Unframed.PARTIAL
    if not _PARTIAL_TAG.fullmatch(data, start):
        return Unframed.MALFORMED
    return Unframed.OVERLONG if len(data) - start > TAG_LIMIT else Unframed.PARTIAL


def take_element(data: bytes, start: int, limit: int) -> int | Unframed:
    """The end of the element that begins with the tag at `start`: at most `limit` bytes."""
    depth = 0
    position = start
    while True:
        if position - start > limit:
            return Unframed.OVERLONG
        if position >= len(data):
            return Unframed.PARTIAL
        token = take_token(data, position)
        if isinstance(token, Unframed):
            if token is Unframed.PARTIAL and len(data) - start > limit:
                return Unframed.OVERLONG
            return token
        position = token.end
        match token.kind:
            case Kind.START:
                depth += 1
            case Kind.END:
                depth -= 1
            case Kind.CDATA:
                end = data.find(CDATA_END, position)
                if end < 0:
                    too_long = len(data) - start > limit
                    return Unframed.OVERLONG if too_long else Unframed.PARTIAL
                position = end + len(CDATA_END)
        if depth == 0:
            return Unframed.OVERLONG if position - start > limit else position


def tag_name(data: bytes, start: int) -> bytes:
    """The name in the tag at `start`, as written."""
    end = start + 1
    while data[end] not in b" \t\r\n/>":
        end += 1
    return data[start + 1 : end]


def _begins_alike(head: bytes, whole: bytes) -> bool:
    return head.startswith(whole) or whole.startswith(head)
