"""What tshark must not overlook; no gateway has touched these messages."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ryu_alg.lab import Lab
from tests.e2e import network
from tests.e2e.network import listen
from tests.e2e.sip.capture import Capture
from tests.e2e.sip.sites import CAROL

MESSAGE = (
    b"OPTIONS sip:carol@203.0.113.3 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.4:5060;branch=z9hG4bK1\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: <sip:olga@203.0.113.4>;tag=1\r\n"
    b"To: <sip:carol@203.0.113.3>\r\n"
    b"Call-ID: 1@203.0.113.4\r\n"
    b"CSeq: 1 OPTIONS\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 117\r\n\r\n"
    b"v=0\r\no=olga 1 1 IN IP4 203.0.113.4\r\ns=-\r\nc=IN IP4 203.0.113.4\r\nt=0 0\r\n"
    b"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One of its own: what is sent here is not for the captures of other tests."""
    with Lab.up("sip", f"capture{os.getpid()}") as lab:
        yield lab


@pytest.fixture
def capture(lab: Lab, tmp_path: Path) -> Iterator[Capture]:
    """One that is looked at here, and not for being right."""
    capture = Capture(lab, tmp_path)
    yield capture
    capture.stop()


def datagram(lab: Lab, data: bytes) -> None:
    with network.on(lab.host("outsider")):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with network.on(lab.host("carol")):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.bind((CAROL, 5060))
        receiver.settimeout(5)
        sender.sendto(data, (CAROL, 5060))
        assert receiver.recv(65535) == data


def stream(lab: Lab, data: bytes) -> None:
    with (
        listen(lab.host("carol"), CAROL, 5060) as listener,
        network.connect(lab.host("outsider"), CAROL, 5060) as sender,
        listener.accept()[0] as receiver,
    ):
        sender.sendall(data)
        assert receiver.recv(65535) == data


def test_a_good_message(lab: Lab, capture: Capture) -> None:
    assert len(MESSAGE.partition(b"\r\n\r\n")[2]) == 117
    datagram(lab, MESSAGE)
    stream(lab, MESSAGE.replace(b"UDP", b"TCP") * 2)
    capture.stop()
    assert capture.complaints() == []
    assert len(capture.messages("carol")) >= 2


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"Length: 117", b"Length: 116"),
        (b"Length: 117", b"Length: 118"),
        (b"CSeq: 1 OPTIONS\r\n", b"CSeq 1 OPTIONS\r\n"),
        (b"m=audio 20000 RTP/AVP 0", b"m=audio RTP/AVP 0"),
    ],
)
def test_a_bad_datagram(lab: Lab, capture: Capture, right: bytes, wrong: bytes) -> None:
    datagram(lab, MESSAGE.replace(right, wrong))
    capture.stop()
    assert capture.complaints()


def test_a_wrong_length_in_a_stream(lab: Lab, capture: Capture) -> None:
    stream(lab, MESSAGE.replace(b"Length: 117", b"Length: 108") + MESSAGE)
    capture.stop()
    assert capture.complaints()
