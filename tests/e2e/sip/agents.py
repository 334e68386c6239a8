"""Two user agents that do over a bad network what RFC 3261 asks of them, and nothing else.

sipp aborts a call when what it does not expect comes between two of its repetitions.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field

from ryu_alg.lab import Host
from tests.e2e import network

_T1 = 0.5
_T2 = 4.0
_GIVE_UP = 64 * _T1
_BODY = b"v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"
_KEPT = re.compile(rb"^(?:Via|Record-Route|From|Call-ID|CSeq):.*\r\n", re.MULTILINE)
Address = tuple[str, int]


def _header(message: bytes, name: bytes) -> bytes:
    found = re.search(rb"^%s:\s*(.*?)\r\n" % name, message, re.MULTILINE)
    return found[1] if found else b""


def _with_body(head: bytes, host: bytes) -> bytes:
    body = _BODY % (host, host)
    head += b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


@dataclass
class _Repeated:
    """A message that is sent until somebody answers (timers A, E and G)."""

    data: bytes
    to: Address
    interval: float = _T1
    due: float = 0.0
    end: float = field(default_factory=lambda: time.monotonic() + _GIVE_UP)


class _Agent:
    """A socket, and what is sent again."""

    def __init__(self, host: Host, address: str, port: int = 5060) -> None:
        self.address = address
        self._text = b"%s:%d" % (address.encode(), port)
        with network.on(host):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self._repeated: dict[bytes, _Repeated] = {}
        """By Call-ID."""

    def _work(self, seconds: float) -> None:
        """Send what is due, and take what comes within `seconds`."""
        now = time.monotonic()
        for call_id, it in list(self._repeated.items()):
            if now > it.end:
                del self._repeated[call_id]
            elif now >= it.due:
                self._socket.sendto(it.data, it.to)
                it.due, it.interval = now + it.interval, min(_T2, 2 * it.interval)
        if select.select([self._socket], [], [], seconds)[0]:
            data, sender = self._socket.recvfrom(65535)
            self._take(data, sender)

    def _repeat(self, call_id: bytes, data: bytes, to: Address) -> None:
        self._repeated[call_id] = _Repeated(data, to)

    def _take(self, message: bytes, sender: Address) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._socket.close()


class Callee(_Agent):
    """Takes every call, at `contact` as far as others know. It works in a thread of its own."""

    def __init__(self, host: Host, address: str, contact: str) -> None:
        super().__init__(host, address)
        self.ended: set[bytes] = set()
        """Calls that the other end has hung up, by Call-ID."""
        self._contact = contact.encode()
        self._answers: dict[bytes, bytes] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work(0.05)

    def _take(self, message: bytes, sender: Address) -> None:
        call_id = _header(message, b"Call-ID")
        match message.split(b" ", 1)[0]:
            case b"INVITE":
                self._socket.sendto(self._response(b"180 Ringing", message) + b"\r\n", sender)
                if call_id not in self._answers:
                    head = self._response(b"200 OK", message)
                    self._answers[call_id] = _with_body(head, self.address.encode())
                    self._repeat(call_id, self._answers[call_id], sender)
            case b"ACK":
                self._repeated.pop(call_id, None)
            case b"BYE":
                self._repeated.pop(call_id, None)
                self.ended.add(call_id)
                self._socket.sendto(self._response(b"200 OK", message) + b"\r\n", sender)

    def _response(self, status: bytes, request: bytes) -> bytes:
        kept = b"".join(_KEPT.findall(request))
        to = _header(request, b"To")
        if b";tag=" not in to:
            to += b";tag=callee"
        head = b"SIP/2.0 %s\r\n%sTo: %s\r\n" % (status, kept, to)
        return head + b"Contact: <sip:callee@%s>\r\n" % self._contact

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        super().close()


class Caller(_Agent):
    """Makes calls, each of which it hangs up as soon as it is answered."""

    def __init__(self, host: Host, address: str) -> None:
        super().__init__(host, address)
        self.answered: set[bytes] = set()
        self.done: set[bytes] = set()
        """Calls whose BYE was answered."""
        self._target: Address = ("", 0)

    def call(self, target: Address, calls: int, per_second: int = 20) -> None:
        """So many calls; return when all have ended, or been given up."""
        self._target = target
        started, next_call = 0, time.monotonic()
        while started < calls or self._repeated:
            now = time.monotonic()
            if started < calls and now >= next_call:
                started, next_call = started + 1, now + 1 / per_second
                call_id = b"call%d@%s" % (started, self.address.encode())
                self._repeat(call_id, self._invite(call_id), target)
            self._work(0.02)

    def _invite(self, call_id: bytes) -> bytes:
        head = self._request(b"INVITE", b"sip:callee@%s" % self._target[0].encode(), call_id, b"")
        head += b"Contact: <sip:caller@%s>\r\n" % self._text
        return _with_body(head, self.address.encode())

    def _request(self, method: bytes, uri: bytes, call_id: bytes, to_tag: bytes) -> bytes:
        number = 2 if method == b"BYE" else 1
        branch = call_id.partition(b"@")[0] + method
        return (
            b"%s %s SIP/2.0\r\n" % (method, uri)
            + b"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\n" % (self._text, branch)
            + b"Max-Forwards: 70\r\n"
            + b"From: <sip:caller@%s>;tag=caller\r\n" % self._text
            + b"To: <sip:callee@%s>%s\r\n" % (self._target[0].encode(), to_tag)
            + b"Call-ID: %s\r\nCSeq: %d %s\r\n" % (call_id, number, method)
        )

    def _take(self, message: bytes, sender: Address) -> None:
        call_id = _header(message, b"Call-ID")
        status = int(message.split(b" ", 2)[1])
        bye = b"BYE" in _header(message, b"CSeq")
        if bye and status >= 200:
            self._repeated.pop(call_id, None)
            self.done.add(call_id)
        elif not bye and 200 <= status < 300:
            self._hang_up(call_id, message)
        elif not bye and call_id not in self.answered:
            # It rings: the INVITE has come through.
            self._repeated[call_id].due = self._repeated[call_id].end

    def _hang_up(self, call_id: bytes, answer: bytes) -> None:
        found = re.search(rb";tag=[^;\s]+", _header(answer, b"To"))
        uri = re.search(rb"<(.*?)>", _header(answer, b"Contact"))
        assert found and uri, answer
        acknowledgement = self._request(b"ACK", uri[1], call_id, found[0]) + b"\r\n"
        self._socket.sendto(acknowledgement, self._target)
        if call_id not in self.answered:
            self.answered.add(call_id)
            bye = self._request(b"BYE", uri[1], call_id, found[0]) + b"\r\n"
            self._repeat(call_id, bye, self._target)
