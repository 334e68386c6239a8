"""The phone's own logic, with a server that knows what comes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench import phone

SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"


class Server:
    """Answers requests, echoes RTP; `lost` requests, by method, get no answer at first."""

    def __init__(self, *, status: int = 200, echo: bool = True, lost: str = "") -> None:
        self.requests: list[str] = []
        self._status, self._echo, self._lost = status, echo, lost
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for end in (self._sip, self._rtp):
            end.bind(("127.0.0.1", 0))
        self.port = self._sip.getsockname()[1]

    @contextmanager
    def up(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._serve), threading.Thread(target=self._media)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                for own in (self._sip, self._rtp):
                    end.sendto(b"", own.getsockname())
            for thread in threads:
                thread.join(5)
            self._sip.close()
            self._rtp.close()

    def _media(self) -> None:
        while True:
            packet, source = self._rtp.recvfrom(2048)
            if not packet:
                return
            if self._echo:
                self._rtp.sendto(packet, source)

    def _serve(self) -> None:
        while True:
            request, source = self._sip.recvfrom(65535)
            if not request:
                return
            head = request.decode().partition("\r\n\r\n")[0].split("\r\n")
            method = head[0].split()[0]
            self.requests.append(method)
            if (method == self._lost and self.requests.count(method) == 1) or method == "ACK":
                continue
            kept = [line for line in head[1:] if line.startswith(("Via", "From", "Call", "CSeq"))]
            to = next(line for line in head if line.startswith("To:")) + ";tag=1"
            stale = [line.replace("Call-ID: ", "Call-ID: old") for line in kept]
            contact = f"Contact: <sip:callee@127.0.0.1:{self.port}>"
            invited = method == "INVITE"
            body = SDP.format(self._rtp.getsockname()[1]) if invited else ""
            final = self._status if invited else 200
            for status, lines, text in (
                (500, stale, ""),
                *((early, kept, "") for early in (100, 180) if invited),
                (final, kept, body),
            ):
                answer = [f"SIP/2.0 {status} So", *lines, to, contact, "", text]
                self._sip.sendto("\r\n".join(answer).encode(), source)


def test_a_registration_and_a_call_with_media() -> None:
    server = Server()
    with server.up():
        caller = phone.Phone("127.0.0.1", server.port, own_port=0)
        caller.register()
        assert caller.call(media=True) > 0
    assert server.requests == ["REGISTER", "INVITE", "ACK", "BYE"]


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_a_lost_request_is_repeated(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "_T1_SECONDS", 0.05)
    server = Server(lost=method)
    with server.up():
        phone.Phone("127.0.0.1", server.port, own_port=0).call(media=False)
    assert server.requests.count(method) == 2


def test_a_call_that_is_refused_is_a_failure() -> None:
    server = Server(status=486)
    with server.up(), pytest.raises(phone.SipError, match="1 INVITE: 486"):
        phone.Phone("127.0.0.1", server.port, own_port=0).call(media=True)


def test_media_that_do_not_come_back_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "_RTP_PATIENCE_SECONDS", 0.05)
    server = Server(echo=False)
    with server.up(), pytest.raises(phone.SipError, match="RTP to 127"):
        phone.Phone("127.0.0.1", server.port, own_port=0).call(media=True)


def test_the_place_of_the_media_is_read() -> None:
    assert phone.media_endpoint(SDP.format(4000)) == ("127.0.0.1", 4000)


@pytest.mark.parametrize("sdp", ["", "v=0\r\n", "c=IN IP4 127.0.0.1\r\n", "m=audio 1 RTP/AVP 0"])
def test_an_answer_without_media_is_a_sip_error(sdp: str) -> None:
    with pytest.raises(phone.SipError, match="no media"):
        phone.media_endpoint(sdp)


def test_what_is_no_response() -> None:
    assert phone.Response.parse(b"OPTIONS sip:phone@127.0.0.1 SIP/2.0\r\n\r\n") is None
