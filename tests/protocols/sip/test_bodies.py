"""Session descriptions within bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.protocols.sip.bodies import MAX_PARTS, MalformedBody, descriptions

SDP = b"v=0\r\ns=-\r\n"


def texts(body: bytes, content_type: bytes, encoding: bytes | None = None) -> list[bytes]:
    found = descriptions(body, content_type, encoding)
    assert not isinstance(found, MalformedBody)
    return [body[start:end] for start, end in found]


def part(content: bytes, *headers: bytes, boundary: bytes = b"b1") -> bytes:
    head = b"".join(header + b"\r\n" for header in headers)
    return b"--" + boundary + b"\r\n" + head + b"\r\n" + content + b"\r\n"


def multipart(*parts: bytes, boundary: bytes = b"b1") -> bytes:
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


TYPE = b"Content-Type: application/sdp"
MIXED = b"multipart/mixed;boundary=b1"


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/sdp",
        b"Application/SDP",
        b"application / sdp",
        b"application/sdp;charset=utf-8",
        b"application/\r\n sdp",
    ],
)
def test_a_body_that_is_a_description(content_type: bytes) -> None:
    assert texts(SDP, content_type) == [SDP]


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        (None, None),
        (b"text/plain", None),
        (b"application/sdpx", None),
        (b"application/pkcs7-mime", None),
        (b"application/sdp", b"gzip"),
        (MIXED, b"deflate"),
    ],
)
def test_a_body_that_nobody_reads(content_type: bytes | None, encoding: bytes | None) -> None:
    assert descriptions(SDP, content_type, encoding) == ()


@pytest.mark.parametrize("encoding", [b"identity", b" Identity "])
def test_an_encoding_that_is_none(encoding: bytes) -> None:
    assert texts(SDP, b"application/sdp", encoding) == [SDP]


def test_an_empty_body() -> None:
    assert descriptions(b"", b"application/sdp") == ()


@pytest.mark.parametrize(
    "content_type",
    [
        MIXED,
        b'multipart/mixed; boundary="b1"',
        b"Multipart/Alternative ; charset=x ; Boundary=b1",
        b'multipart/related;\r\n type="application/sdp";\r\n boundary="b\\1"',
    ],
)
def test_a_part_that_is_a_description(content_type: bytes) -> None:
    body = b"preamble\r\n" + multipart(
        part(b"hello", b"Content-Type: text/plain"),
        part(SDP, TYPE, b"Content-Disposition: session"),
        part(b"<x/>", b"Content-Type: application/pidf+xml"),
    )
    assert texts(body, content_type) == [SDP]


def test_bare_line_feeds() -> None:
    body = multipart(part(b"v=0\r\n", TYPE)).replace(b"\r\n", b"\n")
    assert texts(body, MIXED) == [b"v=0\n"]


def test_the_compact_header_and_a_fold() -> None:
    body = multipart(part(SDP, b"c:\r\n application/sdp"))
    assert texts(body, MIXED) == [SDP]


def test_the_line_end_before_a_delimiter_is_the_delimiters() -> None:
    body = b"--b1\r\n" + TYPE + b"\r\n\r\nv=0\r\n--b1--"
    assert texts(body, MIXED) == [b"v=0"]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Encoding: gzip",
    ],
)
def test_an_encoded_part(header: bytes) -> None:
    assert texts(multipart(part(SDP, TYPE, header)), MIXED) == []


def test_a_part_without_a_type() -> None:
    assert texts(multipart(part(SDP)), MIXED) == []


def test_an_empty_part() -> None:
    body = b"--b1\r\n" + TYPE + b"\r\n\r\n--b1--\r\n"
    assert texts(body, MIXED) == []


def test_several_descriptions() -> None:
    body = multipart(part(SDP, TYPE), part(b"v=1\r\n", TYPE))
    assert texts(body, MIXED) == [SDP, b"v=1\r\n"]


def test_a_boundary_that_begins_another() -> None:
    inner = multipart(part(SDP, TYPE, boundary=b"b11"), boundary=b"b11")
    body = multipart(
        part(inner, b"Content-Type: multipart/alternative; boundary=b11"),
        part(b"after", b"Content-Type: text/plain"),
    )
    assert texts(body, MIXED) == [SDP]


def nested(depth: int) -> tuple[bytes, bytes]:
    body, content_type = SDP, b"application/sdp"
    for level in range(depth):
        boundary = b"level%d" % level
        body = multipart(
            part(body, b"Content-Type: " + content_type, boundary=boundary), boundary=boundary
        )
        content_type = b"multipart/mixed;boundary=" + boundary
    return body, content_type


def test_nested_once() -> None:
    assert texts(*nested(2)) == [SDP]


def test_nested_too_deeply() -> None:
    assert isinstance(descriptions(*nested(3)), MalformedBody)


def test_as_many_parts_as_may_be() -> None:
    parts = [part(b"%d" % number, b"Content-Type: text/plain") for number in range(MAX_PARTS - 1)]
    assert texts(multipart(*parts, part(SDP, TYPE)), MIXED) == [SDP]
    assert isinstance(
        descriptions(multipart(*parts, part(b"", b"X: y"), part(SDP, TYPE)), MIXED), MalformedBody
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (SDP, b"nonsense"),
        (SDP, b"multipart/mixed"),
        (SDP, b"multipart/mixed;boundary="),
        (SDP, b'multipart/mixed;boundary=""'),
        (SDP, b"multipart/mixed;boundary=" + b"x" * 71),
        (SDP, MIXED),
        (part(SDP, TYPE), MIXED),
        (b"--b1", MIXED),
        (multipart(part(SDP, TYPE).replace(b"\r\n\r\n", b"\r\n", 1)), MIXED),
        (multipart(part(SDP, b"no colon")), MIXED),
        (multipart(part(SDP, b"A: " + b"x" * 5000)), MIXED),
    ],
)
def test_parts_that_cannot_be_told_apart(body: bytes, content_type: bytes) -> None:
    assert isinstance(descriptions(body, content_type), MalformedBody)


PIECES = [
    b"--b1",
    b"--b1--",
    b"--b2",
    b"--b2--",
    b"\r\n",
    b"\n",
    b" ",
    TYPE,
    SDP,
    b"Content-Type: multipart/mixed;boundary=b2",
    b"Content-Transfer-Encoding: base64",
    b"x",
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map(b"".join))
def test_any_body(body: bytes) -> None:
    found = descriptions(body, MIXED)
    if isinstance(found, MalformedBody):
        return
    position = 0
    for start, end in found:
        assert position <= start < end <= len(body)
        position = end


@given(st.binary(max_size=80), st.binary(max_size=40))
def test_any_type(content_type: bytes, body: bytes) -> None:
    descriptions(body, content_type)
