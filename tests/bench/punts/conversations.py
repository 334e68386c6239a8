"""What hosts say through the switch, and what of it has to come back.

Each conversation keeps what it punted and what came of it, and looks at both afterwards (`check`):
what is wrong then is no answer, however quick it was.
"""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address

from ryu_alg import packets
from ryu_alg.engine.segment import ACK, PSH, SYN
from ryu_alg.openflow.cookies import Kind, cookie
from tests.bench.errors import BenchError
from tests.bench.punts.switch import packet_in

FTP, SIP = 0, 1
"""By their place in gateway.yaml."""
_INSIDE, _OUTSIDE = 1, 2
"""Realm, network and port of each."""
_CLIENTS, _SERVERS = int(IPv4Address("10.64.1.0")), int(IPv4Address("198.18.0.0"))
_MACS = {_INSIDE: bytes((2, 0, 0, 0, 1, 1)), _OUTSIDE: bytes((2, 0, 0, 0, 1, 2))}
_SOURCE = slice(26, 30)
"""Of a frame."""
_WINDOW = 0xFFFF
_EMPTY = 54
"""Bytes of a frame without payload and options."""
_MSS = bytes((2, 4, 5, 180))
_NOTHING = ("Content-Length: 0", "", "")
"""The end of a SIP message without a body."""
_TAGGED = b"\r\nTo: <sip:bob@there>;tag=t\r\n"
_ALICE = "<sip:alice@here>"
_MEDIA = 4000
"""Port of either telephone's audio."""


class Talk:
    """Two hosts of their own, by number."""

    protocol = FTP

    def __init__(self, number: int) -> None:
        self.client = (_CLIENTS + number).to_bytes(4, "big")
        self.server = (_SERVERS + number).to_bytes(4, "big")
        self.public = self.client
        """What stands for the client outside, once known."""
        self.port = self.public_port = 30000
        self._sent: list[bytes] = []
        self._back: list[bytes] = []

    @property
    def kind(self) -> str:
        """See `switch.Conversation`."""
        return "command" if self._sent[-1][_SOURCE] == self.client else "reply"

    @property
    def opened(self) -> int:
        """How often the switch must have been told to open something."""
        return 0

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        self._back.append(frame)
        return True

    def check(self) -> None:
        """Whether all that was punted came back as it shall. BenchError. Forgets it."""
        if len(self._sent) != len(self._back):
            raise BenchError(f"of {len(self._sent)} packets, {len(self._back)} came back")
        for sent, back in zip(self._sent, self._back, strict=True):
            before, after = packets.decode(sent), packets.decode(back)
            if isinstance(before, packets.Malformed) or isinstance(after, packets.Malformed):
                raise BenchError(f"no packet came back: {back.hex()}")
            if not packets.checksums_ok(after):
                raise BenchError(f"a checksum is wrong: {back.hex()}")
            if before.src == self.client:
                expected = (self.public, self.public_port, self.server, before.dport)
            else:
                expected = (self.server, before.sport, self.client, self.port)
            if (after.src, after.sport, after.dst, after.dport) != expected:
                raise BenchError(f"came back from or to somewhere else: {back.hex()}")
            self._compare(before, after)
        self._sent.clear()
        self._back.clear()

    def _compare(self, before: packets.Packet, after: packets.Packet) -> None:
        if (after.payload, after.seq, after.ack) != (before.payload, before.seq, before.ack):
            raise BenchError(f"{before.payload!r} came back as {after.payload!r}")

    def _punt(self, frame: bytes, side: int) -> bytes:
        self._sent.append(frame)
        return _punted(frame, side, self.protocol)


def _punted(frame: bytes, side: int, protocol: int) -> bytes:
    return packet_in(frame, cookie(Kind.PUNT, protocol), side, {1: side, 2: side})


class Noops(Talk):
    """An FTP session in which a client asks whether the server is there, and it is."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._client_seq, self._server_seq = 1000, 2000
        self._ready: deque[tuple[bytes, bytes]] = deque()
        self._said = [
            (_INSIDE, b"", SYN),
            (_OUTSIDE, b"", SYN | ACK),
            (_INSIDE, b"", ACK),
            (_OUTSIDE, b"220 ready\r\n", ACK | PSH),
            (_INSIDE, b"USER u\r\n", ACK | PSH),
            (_OUTSIDE, b"331 password\r\n", ACK | PSH),
            (_INSIDE, b"PASS p\r\n", ACK | PSH),
            (_OUTSIDE, b"230 in\r\n", ACK | PSH),
        ]

    @property
    def beginning(self) -> bool:
        """It is not yet what it is measured for."""
        return bool(self._said)

    @property
    def resting(self) -> bool:
        """See `switch.Conversation`."""
        return not len(self._ready) % 2

    def prepare(self, rounds: int) -> None:
        """Have so many rounds' packets ready before they are wanted."""
        while len(self._ready) < 2 * rounds and not self._said:
            self._ready += (self._made(*line) for line in self._round())

    def next(self) -> bytes:
        """See `switch.Conversation`."""
        if self._said:
            frame, message = self._made(*self._said.pop(0))
        else:
            if not self._ready:
                self._ready += (self._made(*line) for line in self._round())
            frame, message = self._ready.popleft()
        self._sent.append(frame)
        return message

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        self._back.append(frame)
        if self.public is self.client and frame[30:34] == self.server:
            self.public = frame[26:30]
            self.public_port = int.from_bytes(frame[34:36], "big")
        return True

    def _round(self) -> list[tuple[int, bytes, int]]:
        return [(_INSIDE, b"NOOP\r\n", ACK | PSH), (_OUTSIDE, b"200 here\r\n", ACK | PSH)]

    def _made(self, side: int, payload: bytes, flags: int) -> tuple[bytes, bytes]:
        inside = side == _INSIDE
        seq, ack = self._client_seq, self._server_seq
        size = len(payload) + bool(flags & SYN)
        if inside:
            self._client_seq += size
        else:
            seq, ack = ack, seq
            self._server_seq += size
        frame = packets.build_tcp(
            eth_src=_MACS[side],
            eth_dst=_MACS[_OUTSIDE if inside else _INSIDE],
            src=self.client if inside else self.server,
            dst=self.server if inside else self.public,
            sport=self.port if inside else 21,
            dport=21 if inside else self.public_port,
            seq=seq,
            ack=ack if flags & ACK else 0,
            flags=flags,
            window=_WINDOW,
            payload=payload,
            options=_MSS if flags & SYN else b"",
        )
        return frame, _punted(frame, side, FTP)


class Echoed(Noops):
    """The same for controllers that do not look at numbers, and send back what they get: packets
    like any others, two of them over and over."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._said.clear()
        self._ready += (self._made(*line) for line in self._round())

    @property
    def resting(self) -> bool:
        """See `switch.Conversation`."""
        return self._sent[-1][_SOURCE] == self.server

    def prepare(self, rounds: int) -> None:
        """Nothing: they are there."""

    def next(self) -> bytes:
        """See `switch.Conversation`."""
        frame, message = self._ready[0]
        self._ready.rotate()
        self._sent.append(frame)
        return message

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        self._back.append(frame)
        return True

    def check(self) -> None:
        """See `Talk`."""
        if self._sent != self._back:
            raise BenchError(
                f"of {len(self._sent)} packets, {len(self._back)} came back, or others"
            )
        self._sent.clear()
        self._back.clear()


class Ports(Noops):
    """An FTP session that announces one data connection after the other, each of which takes a
    pinhole; what it says has another length outside, so every number is shifted from then on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._shift = self._asked = 0
        self._clients_turn = True
        self._latest: dict[bytes, bytes] = {}
        """Sequence numbers of what came last, by destination."""

    @property
    def resting(self) -> bool:
        """See `switch.Conversation`."""
        return self._clients_turn

    def prepare(self, rounds: int) -> None:
        """Nothing: what the server says depends on what has come to it."""

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        if len(frame) == _EMPTY < len(self._sent[-1]):
            return False  # while something waits for the switch's barrier, acknowledgements go on
        seq = frame[38:42]
        if len(frame) > _EMPTY:
            if self._latest.get(frame[30:34]) == seq:
                return False  # repeated, since nothing was acknowledged between two runs
            if frame[30:34] != self._goes_to():
                raise BenchError(f"{frame[54:]!r} instead of {self._sent[-1][54:]!r}")
            self._latest[frame[30:34]] = seq
        super().came(frame)
        if frame[30:34] == self.server and len(self._back) > 1:  # the SYN's options are another's
            self._shift += len(frame) - len(self._sent[-1])
        return True

    @property
    def opened(self) -> int:
        """See `Talk`."""
        return self._asked

    def _round(self) -> list[tuple[int, bytes, int]]:
        self._asked += 1
        port = 20000 + self._asked % 20000
        host = ",".join(str(byte) for byte in self.client)
        asked = f"PORT {host},{port >> 8},{port & 255}\r\n".encode()
        return [(_INSIDE, asked, ACK | PSH), (_OUTSIDE, b"200 at it\r\n", ACK | PSH)]

    def _goes_to(self) -> bytes:
        return self.server if self._sent[-1][26:30] == self.client else self.client

    def next(self) -> bytes:
        """See `switch.Conversation`."""
        if self._said:
            return super().next()
        if self._clients_turn:
            self._lines = self._round()
        side, payload, flags = self._lines[0 if self._clients_turn else 1]
        self._clients_turn = not self._clients_turn
        self._client_seq += 0 if side == _INSIDE else self._shift
        frame, message = self._made(side, payload, flags)
        self._client_seq -= 0 if side == _INSIDE else self._shift
        self._sent.append(frame)
        return message

    def _compare(self, before: packets.Packet, after: packets.Packet) -> None:
        if not before.payload.startswith(b"PORT"):
            if after.payload != before.payload:
                raise BenchError(f"{before.payload!r} came back as {after.payload!r}")
            return
        host = ",".join(str(byte) for byte in self.public)
        if not after.payload.startswith(f"PORT {host},".encode()):
            raise BenchError(f"{before.payload!r} came back as {after.payload!r}")


class Telephones(Talk):
    """Over SIP, a telephone asks something of another one, or of a registrar, again and again. Each
    message is rewritten."""

    protocol = SIP
    steps: tuple[tuple[str, int], ...]
    """What is said, and on which side; over and over."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.port = self.public_port = 5060
        self._asked = 0
        self._step = 0
        self._heard = b""
        """The latest request, as it came to the server."""
        self._kind = ""
        self._contact = f"Contact: <sip:alice@{IPv4Address(self.client)}:5060>"

    @property
    def beginning(self) -> bool:
        """It is not yet what it is measured for."""
        return self.public is self.client

    @property
    def resting(self) -> bool:
        """See `switch.Conversation`."""
        return self._step == 0

    @property
    def kind(self) -> str:
        """See `switch.Conversation`."""
        return self._kind

    def prepare(self, rounds: int) -> None:
        """Nothing: an answer repeats what has come."""

    def next(self) -> bytes:
        """See `switch.Conversation`."""
        self._kind, side = self.steps[self._step]
        self._asked += self._step == 0
        self._step = (self._step + 1) % len(self.steps)
        return self._punt(self._made(side, self._message(self._kind)), side)

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        self._back.append(frame)
        if frame[30:34] == self.server:
            self.public = frame[26:30]
            self.public_port = int.from_bytes(frame[34:36], "big")
            self._heard = frame[42:]
        return True

    def _message(self, kind: str) -> bytes:
        raise NotImplementedError

    def _request(self, method: str, *more: str, to: str = "<sip:bob@there>") -> bytes:
        """Of the client; `more` is header fields, and a body behind an empty one."""
        here, there = IPv4Address(self.client), IPv4Address(self.server)
        head = (
            f"{method} sip:bob@{there} SIP/2.0",
            f"Via: SIP/2.0/UDP {here}:5060;branch=z9hG4bK{self._asked:08x}{method}",
            "From: <sip:alice@here>;tag=f",
            f"To: {to}",
            f"Call-ID: {self._asked:08x}@here",
            f"CSeq: {self._asked + (method == 'BYE')} {method}",
            "Max-Forwards: 70",
        )
        return "\r\n".join([*head, *(more or _NOTHING)]).encode()

    def _answer(self, status: str, *more: str) -> bytes:
        """Of the server, to the latest request."""
        _, _, heard = self._heard.partition(b"\r\n")
        repeated, _, _ = heard.partition(b"\r\nMax-Forwards")
        repeated = repeated.replace(b"\r\nTo: <sip:bob@there>\r\n", _TAGGED, 1)
        rest = "\r\n".join(more or _NOTHING).encode()
        return b"SIP/2.0 %s\r\n%s\r\n%s" % (status.encode(), repeated, rest)

    def _made(self, side: int, payload: bytes) -> bytes:
        inside = side == _INSIDE
        return packets.build_udp(
            eth_src=_MACS[side],
            eth_dst=_MACS[_OUTSIDE if inside else _INSIDE],
            src=self.client if inside else self.server,
            dst=self.server if inside else self.public,
            sport=self.port if inside else 5060,
            dport=5060 if inside else self.public_port,
            payload=payload,
        )

    def _compare(self, before: packets.Packet, after: packets.Packet) -> None:
        inside = before.src == self.client
        hidden, shown = (self.client, self.public) if inside else (self.public, self.client)
        if f" {IPv4Address(shown)}".encode() not in after.payload:
            raise BenchError(f"Via is not rewritten: {after.payload!r}")
        if str(IPv4Address(hidden)).encode() in after.payload:
            raise BenchError(f"an address is left: {after.payload!r}")


class Options(Telephones):
    """A telephone asks what another one can do, and is told."""

    steps = (("OPTIONS", _INSIDE), ("its 200", _OUTSIDE))

    def _message(self, kind: str) -> bytes:
        if kind == "OPTIONS":
            return self._request(kind, self._contact, *_NOTHING)
        return self._answer("200 OK")


class Registrations(Telephones):
    """A telephone says where it is, and is told that this is known now."""

    steps = (("REGISTER", _INSIDE), ("its 200", _OUTSIDE))

    def _message(self, kind: str) -> bytes:
        if kind == "REGISTER":
            return self._request(kind, f"{self._contact};expires=3600", *_NOTHING, to=_ALICE)
        contact = self._heard.partition(b"\r\nContact: ")[2].partition(b"\r\n")[0].decode()
        return self._answer("200 OK", f"Contact: {contact}", *_NOTHING)


class Calls(Telephones):
    """A telephone calls another one, which rings and answers, and hangs up at once. Media get
    pinholes on the way, and lose them."""

    steps = (
        ("INVITE", _INSIDE),
        ("180", _OUTSIDE),
        ("200 to INVITE", _OUTSIDE),
        ("ACK", _INSIDE),
        ("BYE", _INSIDE),
        ("200 to BYE", _OUTSIDE),
    )

    @property
    def opened(self) -> int:
        """See `Talk`."""
        return self._asked

    def _message(self, kind: str) -> bytes:
        match kind:
            case "INVITE":
                described = _described(self.client, _MEDIA)
                return self._request(kind, self._contact, *described)
            case "180":
                return self._answer("180 Ringing", *_NOTHING)
            case "200 to INVITE":
                there = f"Contact: <sip:bob@{IPv4Address(self.server)}>"
                return self._answer("200 OK", there, *_described(self.server, _MEDIA))
            case "ACK" | "BYE":
                return self._request(kind, to="<sip:bob@there>;tag=t")
            case _:
                return self._answer("200 OK")

    def _compare(self, before: packets.Packet, after: packets.Packet) -> None:
        super()._compare(before, after)
        if b"\r\nm=audio" not in before.payload:
            return
        if before.src == self.server:
            if _body(before) != _body(after):
                raise BenchError(f"the answer has changed: {after.payload!r}")
            return
        port = int(after.payload.partition(b"\r\nm=audio ")[2].partition(b" ")[0])
        if port == _MEDIA or port % 2:
            raise BenchError(f"no ports for media: {after.payload!r}")


def _body(packet: packets.Packet) -> bytes:
    return packet.payload.partition(b"\r\n\r\n")[2]


def _described(address: bytes, port: int) -> tuple[str, ...]:
    """The rest of a message, with a description of one audio stream."""
    host = IPv4Address(address)
    body = (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\n"
    )
    return "Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body
