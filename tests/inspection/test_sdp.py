"""Session descriptions, read in place."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.inspection import sdp
from ryu_alg.inspection.sdp import Description, Malformed, Span

WHOLE = (
    b"v=0\r\n"
    b"o=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\n"
    b"s=A call\r\n"
    b"i=session\r\n"
    b"c=IN IP4 192.0.2.2\r\n"
    b"b=AS:1000\r\n"
    b"t=0 0\r\n"
    b"a=group:BUNDLE a v\r\n"
    b"m=audio 49170/2 RTP/avp 0 96\r\n"
    b"i=voice\r\n"
    b"c=IN IP4 192.0.2.3\r\n"
    b"a=mid:a\r\n"
    b"a=sendonly\r\n"
    b"m=video 0 RTP/SAVPF 97\r\n"
    b"a=rtcp:53021 IN IP6 2001:db8::4\r\n"
)


def read(raw: bytes) -> Description:
    description = sdp.parse(raw)
    assert isinstance(description, Description), description
    return description


def text(raw: bytes, span: Span) -> bytes:
    return raw[span[0] : span[1]]


def lines(*more: bytes, end: bytes = b"\r\n") -> bytes:
    return b"".join(line + end for line in (b"v=0", *more))


def test_a_whole_description() -> None:
    description = read(WHOLE)
    assert description.origin is not None and description.connection is not None
    assert description.origin.address == ip_address("192.0.2.1")
    assert text(WHOLE, description.origin.span) == b"192.0.2.1"
    assert text(WHOLE, description.connection.line) == b"c=IN IP4 192.0.2.2\r\n"
    assert text(WHOLE, description.connection.host.span) == b"192.0.2.2"
    assert [attribute.value for attribute in description.named(b"group")] == [b"BUNDLE a v"]
    audio, video = description.media
    assert (audio.kind, audio.port, audio.count, audio.protocol) == (b"audio", 49170, 2, b"RTP/AVP")
    assert audio.formats == (b"0", b"96")
    assert text(WHOLE, audio.port_span) == b"49170"
    assert WHOLE[audio.insertion :].startswith(b"c=IN IP4 192.0.2.3")
    assert (video.port, video.count) == (0, 1)
    assert WHOLE[video.insertion :].startswith(b"a=rtcp")


def test_the_connection_of_a_medium() -> None:
    description = read(WHOLE)
    hosts = [description.connection_of(media) for media in description.media]
    assert [host and host.host.text for host in hosts] == [b"192.0.2.3", b"192.0.2.2"]


def test_attributes() -> None:
    audio, video = read(WHOLE).media
    mid, direction = audio.attributes
    assert (mid.name, mid.value, text(WHOLE, mid.span)) == (b"mid", b"a", b"a")
    assert text(WHOLE, mid.line) == b"a=mid:a\r\n"
    assert (direction.name, direction.value) == (b"sendonly", b"")
    assert direction.span[0] == direction.span[1]
    assert audio.attribute(b"rtcp") is None and audio.attribute(b"mid") is mid
    rtcp = video.attribute(b"rtcp")
    assert rtcp is not None
    found = sdp.read_rtcp(rtcp)
    assert isinstance(found, sdp.Rtcp) and found.host is not None
    assert (found.port, text(WHOLE, found.port_span)) == (53021, b"53021")
    assert found.host.address == ip_address("2001:db8::4")
    assert text(WHOLE, found.host.span) == b"2001:db8::4"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_line_ends(end: bytes) -> None:
    description = read(lines(b"c=IN IP4 192.0.2.1", b"m=audio 4000 RTP/AVP 0", end=end))
    assert description.line_end == end
    assert description.connection is not None
    assert description.media[0].formats == (b"0",)


@pytest.mark.parametrize("tail", [b"", b"\r\n", b"\r\n\r\n", b"\n\n"])
def test_the_last_line_may_have_no_end_or_several(tail: bytes) -> None:
    assert read(b"v=0\r\na=x:y" + tail).attributes[0].value == b"y"


@pytest.mark.parametrize(
    ("line", "address", "count"),
    [
        (b"c=IN IP4 192.0.2.1", "192.0.2.1", 1),
        (b"c=IN IP4 233.252.0.1/127", "233.252.0.1", 1),
        (b"c=IN IP4 233.252.0.1/127/3", "233.252.0.1", 3),
        (b"c=IN IP6 2001:db8::1", "2001:db8::1", 1),
        (b"c=IN IP6 ff15::101/3", "ff15::101", 3),
        (b"c=in ip4  192.0.2.1 ", "192.0.2.1", 1),
        (b"c=IN IP4 host.example.com", None, 1),
        (b"c=IN IP4 192.0.2.010", None, 1),
        (b"c=IN IP4 256.0.2.1", None, 1),
        (b"c=IN IP4 2001:db8::1", None, 1),
        (b"c=IN IP6 192.0.2.1", None, 1),
        (b"c=IN IP6 fe80::1%eth0", None, 1),
    ],
)
def test_connections(line: bytes, address: str | None, count: int) -> None:
    connection = read(lines(line)).connection
    assert connection is not None
    assert connection.host.address == (ip_address(address) if address else None)
    assert connection.addresses == count


@pytest.mark.parametrize(
    ("line", "port", "count"),
    [
        (b"m=audio 4000 RTP/AVP 0", 4000, 1),
        (b"m=audio 4000/3 RTP/AVP 0", 4000, 3),
        (b"m=audio 65535 RTP/AVP", 65535, 1),
        (b"m=image  4000\tudptl t38 ", 4000, 1),
        (b"m=message 2855 TCP/MSRP *", 2855, 1),
    ],
)
def test_media(line: bytes, port: int, count: int) -> None:
    (media,) = read(lines(line)).media
    assert (media.port, media.count) == (port, count)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"o=- 1 1 IN IP4 192.0.2.1\r\n",
        b"\r\nv=0\r\n",
        lines(b"v=0"),
        lines(b"no line"),
        lines(b"", b"a=x"),
        lines(b" c=IN IP4 192.0.2.1"),
        lines(b"a=x\rc=IN IP4 192.0.2.1"),
        lines(b"a=x\0y"),
        lines(b"a="),
        lines(b"a=:x"),
        lines(b"o=- 1 1 IN IP4"),
        lines(b"o=1 1 IN IP4 192.0.2.1"),
        lines(b"o=- 1 1 IN IP4 192.0.2.1", b"o=- 1 1 IN IP4 192.0.2.1"),
        lines(b"m=audio 4000 RTP/AVP 0", b"o=- 1 1 IN IP4 192.0.2.1"),
        lines(b"c= IN IP4 192.0.2.1"),
        lines(b"c=IN IP4"),
        lines(b"c=IN IP4 192.0.2.1 x"),
        lines(b"c=IN IP4 192.0.2.1/1/2/3"),
        lines(b"c=IN IP5 192.0.2.1"),
        lines(b"c=TN RFC2543 +1-201-406-4090"),
        lines(b"c=IN IP4 192.0.2.1", b"c=IN IP4 192.0.2.2"),
        lines(b"m=audio"),
        lines(b"m=audio 4000"),
        lines(b"m=audio 65536 RTP/AVP 0"),
        lines(b"m=audio 4294971296 RTP/AVP 0"),
        lines(b"m=audio -1 RTP/AVP 0"),
        lines(b"m=audio 0x0fa0 RTP/AVP 0"),
        lines(b"m=audio 4000/0 RTP/AVP 0"),
        lines(b"m=audio 4000/ RTP/AVP 0"),
        lines(b"m=audio 4000 RTP/AVP 0", *[b"c=IN IP4 192.0.2.1"] * (sdp.MAX_CONNECTIONS + 1)),
        lines(*[b"m=audio 4000 RTP/AVP 0"] * (sdp.MAX_MEDIA + 1)),
        lines(*[b"a=x"] * sdp.MAX_LINES),
        lines(b"s=" + b"x" * sdp.MAX_SIZE),
    ],
)
def test_malformed(raw: bytes) -> None:
    malformed = sdp.parse(raw)
    assert isinstance(malformed, Malformed)
    assert malformed.reason


def test_as_much_as_may_be() -> None:
    read(lines(*[b"m=audio 4000 RTP/AVP 0"] * sdp.MAX_MEDIA))
    read(lines(*[b"a=x"] * (sdp.MAX_LINES - 1)))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        b"65536",
        b"99999999999",
        b"53020 IN",
        b"53020 IN IP4",
        b"53020 IN IP9 1.2.3.4",
        b"53020 x IP4 1.2.3.4",
        b"53020 IN IP4 192.0.2.1 more",
    ],
)
def test_malformed_rtcp(value: bytes) -> None:
    (media,) = read(lines(b"m=audio 4000 RTP/AVP 0", b"a=rtcp:" + value)).media
    attribute = media.attribute(b"rtcp")
    assert attribute is not None
    assert isinstance(sdp.read_rtcp(attribute), Malformed)


def test_rtcp_without_an_address() -> None:
    (media,) = read(lines(b"m=audio 4000 RTP/AVP 0", b"a=rtcp:53020")).media
    attribute = media.attribute(b"rtcp")
    assert attribute is not None
    rtcp = sdp.read_rtcp(attribute)
    assert isinstance(rtcp, sdp.Rtcp) and rtcp.host is None


PIECES = [
    b"v=0",
    b"o=- 1 1 IN IP4 192.0.2.1",
    b"c=IN IP4 192.0.2.1",
    b"c=IN IP6 ::1/2",
    b"m=audio 4000/2 RTP/AVP 0",
    b"i=x",
    b"a=rtcp:1 IN IP4 h",
    b"a=x:y:z",
    b"\r\n",
    b"\n",
    b" ",
    b"/",
    b"\xff",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join) | st.binary(max_size=200))
def test_any_bytes(tail: bytes) -> None:
    raw = b"v=0\r\n" + tail
    description = sdp.parse(raw)
    if isinstance(description, Malformed):
        return
    for attribute in description.attributes:
        assert raw[attribute.span[0] : attribute.span[1]] == attribute.value
    for media in description.media:
        assert int(text(raw, media.port_span)) == media.port
        assert raw[: media.insertion].endswith(b"\n") or media.insertion == len(raw)
        connection = description.connection_of(media)
        if connection is not None:
            assert text(raw, connection.host.span) == connection.host.text
