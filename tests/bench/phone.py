"""A phone of a few lines: registers, calls, and measures how long INVITE takes to its 200.

Runs as a process of its own in the client's namespace, by its path:
`python -I phone.py KIND ADDRESS PARAMETERS`, the parameters as a JSON object. Prints one JSON
object. Exit status 1 and one line on standard error when SIP did not work.

sipp, which makes the calls whose rate is measured, tells its times in steps of 4 ms: too coarse
for a single answer. Only the standard library: it starts in a moment.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SIP_PORT = 5060

_T1_SECONDS = 0.5
"""The first retransmission comes after this, the next after twice that (RFC 3261 17.1.1.2)."""
_PATIENCE_SECONDS = 3.0
_RTP_PATIENCE_SECONDS = 1.0
_MOST_FAILURES = 3
_MEDIA_PORTS = range(30000, 32000, 2)
_LONGEST = 65535
_RTP = bytes([0x80, 0, 0, 1, *bytes(8)]) + bytes(range(160))
"""20 ms of PCMU (RFC 3550 section 5.1)."""


class SipError(Exception):
    """The call did not go as it should; says how."""


@dataclass(frozen=True, slots=True)
class Response:
    """What is needed of one."""

    status: int
    call_id: str
    cseq: str
    to: str
    contact: str
    """The URI, empty when there is none."""
    body: str

    @classmethod
    def parse(cls, datagram: bytes) -> Response | None:
        """None when it is not a response."""
        head, _, body = datagram.decode("latin-1").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        if not start.startswith("SIP/2.0 "):
            return None
        fields = {name.strip().lower(): value.strip() for name, _, value in map(_halves, lines)}
        uri = re.search(r"<([^>]*)>", fields.get("contact", ""))
        return cls(
            int(start[8:11]),
            fields.get("call-id", ""),
            fields.get("cseq", ""),
            fields.get("to", ""),
            uri[1] if uri else "",
            body,
        )


def _halves(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def media_endpoint(sdp: str) -> tuple[str, int]:
    """Where a session description (RFC 8866) of one audio stream wants it. SipError."""
    address = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
    port = re.search(r"^m=audio (\d+) ", sdp, re.MULTILINE)
    if not address or not port:
        raise SipError(f"no media in the answer: {sdp!r}")
    return address[1], int(port[1])


class Phone:
    """One socket, one request at a time."""

    def __init__(self, server: str, port: int = SIP_PORT, own_port: int = SIP_PORT) -> None:
        """OSError when the own port is taken."""
        self._server = f"{server}:{port}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Connected, the socket knows which of the host's addresses it has.
        self._socket.bind(("", own_port))
        self._socket.connect((server, port))
        self.address, own_port = self._socket.getsockname()
        self._own = f"{self.address}:{own_port}"
        self._made = 0

    def register(self) -> None:
        """Until further notice, the registrar knows where this phone is. SipError."""
        call_id = self._new_call_id()
        headers = f"Contact: <sip:phone@{self._own}>\r\nExpires: 600\r\n"
        own = f"<sip:phone@{self._server}>"
        request = self._request("REGISTER", f"sip:{self._server}", call_id, 1, own, headers)
        self._transact(request, call_id, "1 REGISTER")

    def call(self, *, media: bool) -> float:
        """One call, at once hung up; seconds from INVITE to its 200. SipError.

        With `media`, RTP goes out and has to come back before that.
        """
        call_id = self._new_call_id()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
            port = _MEDIA_PORTS[self._made % len(_MEDIA_PORTS)]
            rtp.bind((self.address, port))
            offer = (
                f"v=0\r\no=phone 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\n"
                f"t=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
            )
            contact = f"Contact: <sip:phone@{self._own}>\r\n"
            headers = f"{contact}Content-Type: application/sdp\r\n"
            target = f"sip:callee@{self._server}"
            invite = self._request("INVITE", target, call_id, 1, "", headers, offer)
            before = time.perf_counter()
            answer = self._transact(invite, call_id, "1 INVITE")
            took = time.perf_counter() - before
            target = answer.contact or target
            self._socket.send(self._request("ACK", target, call_id, 1, answer.to))
            if media:
                _echoed(rtp, media_endpoint(answer.body))
            bye = self._request("BYE", target, call_id, 2, answer.to)
            self._transact(bye, call_id, "2 BYE")
        return took

    def _new_call_id(self) -> str:
        self._made += 1
        return f"{os.getpid()}-{self._made}-{time.monotonic_ns()}"

    def _request(
        self,
        method: str,
        uri: str,
        call_id: str,
        number: int,
        to: str,
        headers: str = "",
        body: str = "",
    ) -> bytes:
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self._own};rport;branch=z9hG4bK-{call_id}-{method}\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:phone@{self._server}>;tag={self._made}\r\n"
            f"To: {to or f'<sip:callee@{self._server}>'}\r\n"
            f"Call-ID: {call_id}\r\n"
            f"CSeq: {number} {method}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode("ascii")

    def _transact(self, request: bytes, call_id: str, cseq: str) -> Response:
        """The request's final response, which has to be a 200."""
        begin = time.monotonic()
        interval, again = _T1_SECONDS, begin + _T1_SECONDS
        self._socket.send(request)
        provisional = False
        while (now := time.monotonic()) < begin + _PATIENCE_SECONDS:
            if now >= again:
                interval *= 2
                again = now + interval
                # A provisional answer says that the INVITE has come through.
                if not provisional:
                    self._socket.send(request)
            self._socket.settimeout(max(again - now, 0.001))
            try:
                response = Response.parse(self._socket.recv(_LONGEST))
            except TimeoutError:
                continue
            # Others are late, of a call that has ended.
            if response is None or (response.call_id, response.cseq) != (call_id, cseq):
                continue
            if response.status == 200:
                return response
            if response.status > 200:
                raise SipError(f"{cseq}: {response.status}")
            provisional = True
        raise SipError(f"{cseq}: no final answer in {_PATIENCE_SECONDS:.0f} s")


def _echoed(rtp: socket.socket, remote: tuple[str, int]) -> None:
    """Send one packet, the first there is: it comes back. SipError."""
    rtp.settimeout(_RTP_PATIENCE_SECONDS)
    rtp.sendto(_RTP, remote)
    try:
        received = rtp.recv(_LONGEST)
    except OSError as error:
        raise SipError(f"RTP to {remote[0]}:{remote[1]}: {error}") from None
    if received != _RTP:
        raise SipError(f"RTP from {remote[0]}:{remote[1]} has other content")


def invite(address: str, *, rate: float, seconds: float, media_every: int) -> dict[str, Any]:
    """Calls one after the other, `rate` a second, every `media_every`th of them with RTP.

    SipError when most fail.
    """
    phone = Phone(address)
    phone.register()
    durations: list[float] = []
    failures: list[str] = []
    media = 0
    begin = time.monotonic()
    for number in range(max(1, round(rate * seconds))):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        with_media = number % media_every == 0
        try:
            durations.append(phone.call(media=with_media))
            media += with_media
        except (SipError, OSError) as error:
            failures.append(str(error))
            if len(failures) == _MOST_FAILURES:
                break
    if len(failures) > len(durations):
        raise SipError(f"{len(failures)} calls failed, {len(durations)} worked: {failures[0]}")
    return {
        "count": len(durations),
        "per_second": len(durations) / (time.monotonic() - begin),
        "durations": durations,
        "media": media,
        "failures": failures,
    }


def check(address: str, *, seconds: float) -> dict[str, Any]:
    """Wait until a call with media works; `seconds` is the patience."""
    begin = time.monotonic()
    phone = Phone(address)
    while True:
        try:
            phone.register()
            phone.call(media=True)
        except (SipError, OSError):
            if time.monotonic() > begin + seconds:
                raise
            time.sleep(0.1)
        else:
            return {"count": 1}


KINDS: dict[str, Callable[..., dict[str, Any]]] = {"invite": invite, "check": check}


def main(kind: str, address: str, parameters: str) -> None:
    """Run one measurement and print it."""
    try:
        print(json.dumps(KINDS[kind](address, **json.loads(parameters))))
    except (SipError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
