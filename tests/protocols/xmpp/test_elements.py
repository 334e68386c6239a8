"""What expat reads, and where it says that this stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ryu_alg.protocols.xmpp.elements import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    Element,
    Malformed,
    attribute_span,
    read_element,
    read_head,
    read_header,
)
from ryu_alg.protocols.xmpp.names import IQ, STREAM
from tests.protocols.xmpp.session import CLIENT_HEADER

HEADER = CLIENT_HEADER[CLIENT_HEADER.index(b"<stream") :]


def everything(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from everything(child)


@pytest.mark.parametrize(
    ("raw", "spans"),
    [
        (b"<iq/>", [b"<iq/>"]),
        (b"<iq></iq>", [b"<iq></iq>"]),
        (b"<iq><b/></iq>", [b"<iq><b/></iq>", b"<b/>"]),
        (b"<iq ><b /><c/>x</iq >", [b"<iq ><b /><c/>x</iq >", b"<b />", b"<c/>"]),
        (
            "<iq ü='é>'>é<b>ü</b></iq>".encode(),
            ["<iq ü='é>'>é<b>ü</b></iq>".encode(), "<b>ü</b>".encode()],
        ),
        (
            b"<iq><![CDATA[<b/>]]><c a='/>'/></iq>",
            [b"<iq><![CDATA[<b/>]]><c a='/>'/></iq>", b"<c a='/>'/>"],
        ),
    ],
)
def test_where_elements_are(raw: bytes, spans: list[bytes]) -> None:
    element = read_element(HEADER, raw)
    assert isinstance(element, Element)
    assert [raw[slice(*each.span)] for each in everything(element)] == spans


def test_where_attributes_are() -> None:
    raw = b"<iq><a x=' b=\"1\"' \n b\t= '2' c:b='3' xmlns:c='c'>b='4'</a></iq>"
    element = read_element(HEADER, raw)
    assert isinstance(element, Element)
    (child,) = element.children
    assert child.attributes == {"x": ' b="1"', "b": "2"}
    span = attribute_span(raw, child, b"b")
    assert span is not None
    assert (raw[slice(*span)], raw[span[0] - 4 : span[0]]) == (b"2", b"\t= '")
    assert attribute_span(raw, child, b"d") is None


def test_heads() -> None:
    head = read_head(HEADER, [b"<iq type='set'>", b"<query xmlns='x'>"])
    assert isinstance(head, Element)
    assert head.name == IQ
    assert [child.name for child in head.children] == [("x", "query")]
    assert read_header(HEADER) == STREAM


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><iq>&b;</iq>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><iq/>",
        b"<iq>&b;</iq>",
        b"<iq a='&#0;'/>",
        b"<iq>\xff</iq>",
        b"<iq>\xed\xa0\x80</iq>",
        b"<iq/><iq/>",
        b"",
        b"</stream:stream><iq/><stream:stream xmlns:stream='a'>",
        b"<iq>" + b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1) + b"</iq>",
        b"<iq>" + b"<a/>" * MAX_ELEMENTS + b"</iq>",
        b"<iq xmlns='a\f'/>",
    ],
)
def test_what_is_not_read(raw: bytes) -> None:
    assert isinstance(read_element(HEADER, raw), Malformed)


@pytest.mark.parametrize("prologue", [b"", b"<?xml version='1.0'?>"])
def test_no_document_type(prologue: bytes) -> None:
    levels = b"".join(b"<!ENTITY a%d '%b'>" % (n + 1, b"&a%d;" % n * 10) for n in range(9))
    bomb = prologue + b"<!DOCTYPE a [<!ENTITY a0 'ha'>" + levels + b"]><a>&a9;</a>"
    assert read_header(bomb) == Malformed("there is a document type")
