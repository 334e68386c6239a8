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
_WINDOW = 0xFFFF
_EMPTY = 54
"""Bytes of a frame without payload and options."""
_MSS = bytes((2, 4, 5, 180))


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
    """An FTP session in which a client asks whether the server is there, and it is.

    Without a NAT between them (`known`), these are packets like any others.
    """

    def __init__(self, number: int, known: bool = False) -> None:
        super().__init__(number)
        self._client_seq, self._server_seq = 1000, 2000
        self._ready: deque[tuple[bytes, bytes]] = deque()
        self._said: list[tuple[int, bytes, int]] = []
        if known:
            return
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


class Options(Talk):
    """SIP: a telephone asks what another one can do, and is told. Each message is rewritten."""

    protocol = SIP

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.port = self.public_port = 5060
        self._asked = 0
        self._request = b""
        """As it came to the server, while its answer is next."""

    @property
    def beginning(self) -> bool:
        """It is not yet what it is measured for."""
        return self.public is self.client

    @property
    def resting(self) -> bool:
        """See `switch.Conversation`."""
        return not self._request

    def prepare(self, rounds: int) -> None:
        """Nothing: an answer repeats what has come."""

    def next(self) -> bytes:
        """See `switch.Conversation`."""
        if not self._request:
            return self._punt(self._made(_INSIDE, self._question()), _INSIDE)
        _, _, headers = self._request.partition(b"\r\n")
        via, _, rest = headers.partition(b"\r\nMax-Forwards: 70")
        answer = b"SIP/2.0 200 OK\r\n" + via + rest.replace(b"@there>", b"@there>;tag=t", 1)
        self._request = b""
        return self._punt(self._made(_OUTSIDE, answer), _OUTSIDE)

    def came(self, frame: bytes) -> bool:
        """See `switch.Conversation`."""
        self._back.append(frame)
        if frame[30:34] == self.server:
            self.public = frame[26:30]
            self.public_port = int.from_bytes(frame[34:36], "big")
            self._request = frame[42:]
        return True

    def _question(self) -> bytes:
        self._asked += 1
        here, there = IPv4Address(self.client), IPv4Address(self.server)
        return (
            f"OPTIONS sip:bob@{there} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here}:5060;branch=z9hG4bK{self._asked:08x}\r\n"
            "Max-Forwards: 70\r\n"
            "From: <sip:alice@here>;tag=f\r\n"
            "To: <sip:bob@there>\r\n"
            f"Call-ID: {self._asked:08x}@here\r\n"
            f"CSeq: {self._asked} OPTIONS\r\n"
            f"Contact: <sip:alice@{here}:5060>\r\n"
            "Content-Length: 0\r\n\r\n"
        ).encode()

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
