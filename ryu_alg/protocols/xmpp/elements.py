"""Elements of a stream, read by expat, with where in the bytes they stand.

A parser cannot be saved, so there is none that outlives an element: each is parsed by a new one,
within the stream header that it belongs to, which has the namespaces. No document has a document
type, so there are no entities but the five of XML itself, and nothing to expand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from ryu_alg.inspection.edits import Span
from ryu_alg.protocols.xmpp.names import Name
from ryu_alg.protocols.xmpp.tokens import Kind, Token, tag_name, take_token

MAX_DEPTH = 32
MAX_ELEMENTS = 256
"""Of one stanza."""
_SEPARATOR = "\f"
"""Between namespace and local name. It cannot stand in a document."""
_ATTRIBUTE = re.compile(rb"[ \t\r\n]([^\s=<>\"'/]++)[ \t\r\n]*+=[ \t\r\n]*+(\"[^\"]*+\"|'[^']*+')")


@dataclass(slots=True)
class Element:
    """An element as it stands in the data that it was read from."""

    name: Name
    attributes: dict[str, str]
    """Those without a namespace."""
    start: int
    tag_end: int
    """Where its start tag ends."""
    end: int = 0
    children: list[Element] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """With all that is in it."""
        return self.start, self.end

    def child(self, name: Name) -> Element | None:
        """The first child of that name."""
        return next(iter(self.named(name)), None)

    def named(self, name: Name) -> list[Element]:
        """The children of that name, in order."""
        return [child for child in self.children if child.name == name]


@dataclass(frozen=True, slots=True)
class Malformed:
    """What cannot be read, or is not to be."""

    reason: str
    """Fit to be shown."""


class _ReadingError(Exception):
    """Reading ends."""


def read_header(tag: bytes) -> Name | Malformed:
    """The name of the element that a stream is, from its start tag."""
    root = _Reader(0).read(tag + _closing(tag))
    return root if isinstance(root, Malformed) else root.name


def read_element(header: bytes, raw: bytes) -> Element | Malformed:
    """The one element that `raw` is, within the stream that has that header."""
    root = _Reader(len(header)).read(header + raw + _closing(header))
    if isinstance(root, Malformed):
        return root
    if len(root.children) != 1:
        return Malformed("there is not one element")
    return root.children[0]


def read_head(header: bytes, tags: Sequence[bytes]) -> Element | Malformed:
    """As `read_element`, from nothing but the first tags, each within the one before.

    It is as if there were nothing else in these elements.
    """
    closing = (_closing(tag) for tag in reversed(tags) if not tag.endswith(b"/>"))
    return read_element(header, b"".join((*tags, *closing)))


def attribute_span(raw: bytes, element: Element, name: bytes) -> Span | None:
    """Where in `raw` the value of an attribute of `element` stands, without its quotes."""
    for match in _ATTRIBUTE.finditer(raw, element.start, element.tag_end):
        if match[1] == name:
            return match.start(2) + 1, match.end(2) - 1
    return None


def _closing(tag: bytes) -> bytes:
    return b"</" + tag_name(tag, 0) + b">"


class _Reader:
    """Reads one document; offsets count from `base` on."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._raw = b""
        self._root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        self._parser = parser = expat.ParserCreate("utf-8", _SEPARATOR)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._document_type

    def read(self, raw: bytes) -> Element | Malformed:
        self._raw = raw
        try:
            self._parser.Parse(raw, True)
        except expat.ExpatError as error:
            return Malformed(expat.ErrorString(error.code))
        except _ReadingError as error:
            return Malformed(str(error))
        assert self._root is not None  # expat insists on one
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise _ReadingError("there are too many elements")
        namespace, _, local = name.rpartition(_SEPARATOR)
        plain = {key: value for key, value in attributes.items() if _SEPARATOR not in key}
        start = self._parser.CurrentByteIndex
        tag = take_token(self._raw, start)
        if not isinstance(tag, Token):
            raise _ReadingError("a tag is too long")
        base = self._base
        element = Element(Name(namespace, local), plain, start - base, tag.end - base)
        if tag.kind is Kind.EMPTY:
            element.end = element.tag_end
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if not element.end:
            end_tag = self._parser.CurrentByteIndex
            element.end = self._raw.index(b">", end_tag) + 1 - self._base

    def _document_type(self, *declaration: object) -> None:
        raise _ReadingError("there is a document type")
