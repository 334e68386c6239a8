"""Whole conversations, as both sides send them: in tests cut at every byte, and mutated."""

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Conversation, Direction
from tests.protocols.rtsp.connection import (
    IPV6_IN,
    NAT,
    PUBLISHED,
    TO_CLIENT,
    TO_SERVER,
    accept,
    message,
    ok,
    request,
    setup,
)

SESSION = "Session: 12345678"
FRAME = b"$\x00\x00\x08\r\n\r\nOPTI"
RTCP = b"$\x01\x00\x04SETU"


def sdp(address: str, control: str = "stream=0", port: int = 0) -> bytes:
    return "\r\n".join(
        [
            *("v=0", f"o=- 1188340656180883 1 IN IP4 {address}", "s=Session", "i=rtsp-server"),
            *(f"c=IN IP4 {address}", "t=0 0", "a=tool:test", "a=control:*", "a=range:npt=now-"),
            *(f"m=video {port} RTP/AVP 26", f"a=control:{control}", ""),
        ]
    ).encode()


def sdp_ipv6(address: str) -> bytes:
    return sdp(address).replace(b"IP4", b"IP6")


@dataclass(frozen=True)
class Dialogue:
    """Arrivals in order."""

    name: str
    conversation: Conversation
    arrivals: tuple[tuple[Direction, bytes], ...]
    opened: int = 0
    """Exchanges that it opens in all."""
    opaque: bool = False


def _arrivals(*sent: bytes) -> tuple[tuple[Direction, bytes], ...]:
    """What is a response, or a frame of the server, comes from the server."""
    return tuple(
        (TO_CLIENT if text.startswith((b"RTSP/", b"$\x00")) else TO_SERVER, text) for text in sent
    )


def play(base: str, address: str, asked: str, answered: str) -> tuple[bytes, ...]:
    url = f"{base}/stream=0"
    return (
        request("OPTIONS", 1, url=base),
        ok(1, "Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY"),
        request("DESCRIBE", 2, "Accept: application/sdp", url=base),
        ok(
            2,
            *("Content-Type: application/sdp", f"Content-Base: {base}/"),
            "Server: a server",
            body=sdp(address, url),
        ),
        setup(3, asked, url=url),
        accept(3, answered),
        request("PLAY", 4, SESSION, "Range: npt=0-", url=base),
        ok(4, SESSION, f"RTP-Info: url={url};seq=9810092;rtptime=3450012"),
    )


def close(base: str) -> tuple[bytes, ...]:
    return (
        request("GET_PARAMETER", 5, SESSION, url=base),
        ok(5, SESSION),
        request("TEARDOWN", 6, SESSION, url=base),
        ok(6),
    )


_UDP = "RTP/AVP;unicast;client_port=45880-45881"
_OUT, _IN = "rtsp://198.51.100.7/test", "rtsp://192.168.20.2:8554/test"

DIALOGUES = (
    Dialogue(
        "play, client inside",
        NAT,
        _arrivals(
            *play(
                _OUT,
                "198.51.100.7",
                f"RTP/SAVP;unicast;client_port=4-5,{_UDP},RTP/AVP/TCP;interleaved=0-1",
                "RTP/AVP;unicast;client_port=40000-40001;server_port=6256-6257;ssrc=1",
            ),
            *close(_OUT),
        ),
        opened=2,
    ),
    Dialogue(
        "play, server inside",
        PUBLISHED,
        _arrivals(
            *play(
                _IN,
                "192.168.20.2",
                _UDP,
                f"{_UDP};server_port=6256-6257;source=192.168.20.2",
            ),
            *close(_IN),
        ),
        opened=2,
    ),
    Dialogue(
        "record, client inside",
        NAT,
        _arrivals(
            request(
                "ANNOUNCE",
                1,
                "Content-Type: application/sdp",
                url=_OUT,
                body=sdp("192.168.10.2", port=5000),
            ),
            ok(1),
            setup(2, f"{_UDP};mode=record", url=_OUT),
            accept(2, "RTP/AVP;unicast;client_port=40000-40001;server_port=6256-6257;mode=record"),
            request("RECORD", 3, SESSION, url=_OUT),
            ok(3, SESSION),
            *close(_OUT),
        ),
        opened=2,
    ),
    Dialogue(
        "interleaved, client inside",
        NAT,
        _arrivals(
            *play(
                _OUT,
                "198.51.100.7",
                "RTP/AVP/TCP;unicast;interleaved=0-1",
                "RTP/AVP/TCP;unicast;interleaved=0-1",
            ),
            *(FRAME, FRAME),
        ),
        opaque=True,
    ),
    Dialogue(
        "interleaved, server inside",
        PUBLISHED,
        _arrivals(
            *play(
                _IN,
                "192.168.20.2",
                "RTP/AVP/TCP;unicast;interleaved=0-1",
                "RTP/AVP/TCP;unicast;interleaved=0-1",
            ),
            *(FRAME, FRAME),
        ),
        opaque=True,
    ),
    Dialogue(
        "frames among messages",
        NAT,
        _arrivals(
            setup(1, "RTP/AVP/TCP;unicast;interleaved=0-1", url=_OUT),
            accept(1, "RTP/AVP/TCP;unicast;interleaved=0-1"),
            FRAME + FRAME,
            RTCP,
            setup(2, _UDP, url=f"{_OUT}/2"),
            FRAME,
            accept(2, "RTP/AVP;unicast;client_port=40000-40001;server_port=6256-6257"),
            request("PLAY", 3, SESSION, url=_OUT),
            ok(3),
            FRAME + ok(9) + FRAME,
            RTCP + request("GET_PARAMETER", 4, SESSION, body=b"$\x00\x00\x04packets\r\n") + RTCP,
            FRAME,
            ok(4),
        ),
        opened=2,
    ),
    Dialogue(
        "without translation, with requests of the server",
        IPV6_IN,
        (
            *_arrivals(
                request("DESCRIBE", 1),
                ok(
                    1,
                    "Content-Type: application/sdp",
                    "Content-Base: rtsp://[2001:db8:30::2]/test/",
                    body=sdp_ipv6("2001:db8:30::2"),
                ),
                setup(2, 'RTP/AVP;unicast;dest_addr=":4588"/":4589"'),
                accept(
                    2,
                    'RTP/AVP;unicast;dest_addr=":4588"/":4589";'
                    'src_addr="[2001:db8:30::2]:6256"/"[2001:db8:30::2]:6257"',
                ),
                b"\r\n",
            ),
            (TO_CLIENT, request("SET_PARAMETER", 1, SESSION, body=b"volume: 11\r\n")),
            (TO_SERVER, ok(1)),
            (TO_CLIENT, request("TEARDOWN", 2, SESSION)),
            (TO_SERVER, ok(2)),
        ),
        opened=2,
    ),
    Dialogue(
        "refused, tried again",
        NAT,
        _arrivals(
            setup(1, f"{_UDP};destination=192.168.10.9"),
            setup(2, _UDP),
            message("RTSP/1.0 401 Unauthorized", "CSeq: 2", 'WWW-Authenticate: Basic realm="x"'),
            setup(3, _UDP, "Authorization: Basic eDp5"),
            message("RTSP/1.0 461 Unsupported transport", "CSeq: 3"),
            setup(4, "RTP/AVP/TCP;unicast;interleaved=0-1"),
            accept(4, "RTP/AVP/TCP;unicast;interleaved=0-1"),
            request("PLAY", 5, SESSION),
            ok(5),
            FRAME,
        ),
    ),
)
