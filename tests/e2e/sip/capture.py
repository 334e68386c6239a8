"""What hosts of the lab are sent, and what an independent parser, tshark, says of it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ryu_alg.lab import GATEWAY, Lab
from ryu_alg.lab.process import end
from tests.e2e import network
from tests.e2e.sip.sites import CAROL

# RTP and RTCP begin with a set bit (version 2). Later fragments of anything are wanted too.
_NOT_MEDIA = (
    "tcp port 5060 or (udp and udp[8] & 0x80 = 0) or ip[6:2] & 0x1fff != 0"
    " or (ip6 and not icmp6 and ip6[48] & 0x80 = 0)"
)
# Warnings and errors, as tshark numbers their severity.
_WRONG = "sip && (_ws.malformed || (_ws.expert.severity >= 6291456 && !tcp))"
_UNKNOWN = r'!sip && udp.payload matches "^(?:SIP/2\\.0 |[A-Z]+ sips?:)"'
# Between whole messages of a stream there is nothing, or a keepalive: had a Content-Length been
# wrong, what follows would not begin as a message does.
_OUT_OF_STEP = r'sip.continuation && !(tcp.payload matches "^[\\r\\n]*$")'


@dataclass(frozen=True)
class Message:
    """A frame with a SIP message, or several, that the switch has sent to a host."""

    frame: int
    port: str
    """The switch's port where the host is."""
    call_ids: tuple[str, ...]
    text: bytes
    """The payload of the datagram or of the segment."""


class Capture:
    """All but media that the switches send to hosts, on either side of the gateways."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        """Starts it."""
        host = lab.host(GATEWAY)
        self._outside = lab.host("outsider")
        self._file = directory / "lab.pcap"
        argv = ["tcpdump", "-i", "any", "-Q", "out", "-y", "LINUX_SLL2", "-n", "-U", "-B", "65536"]
        argv += ["--immediate-mode", "-Z", "root", "-w", str(self._file), _NOT_MEDIA]
        self._process = host.popen(
            argv,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        links = json.loads(host.run(["ip", "-json", "link"], check=True).stdout)
        self._ports = {str(link["ifindex"]): str(link["ifname"]) for link in links}
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump has ended")

    def stop(self) -> None:
        """End it; AssertionError if it has missed anything."""
        if self._process.poll() is not None:
            return
        try:
            self._wait_marker()
        finally:
            end([self._process.pid], patience=10)
        assert self._process.stderr is not None
        words = self._process.stderr.read()
        assert re.search(r"\b0 packets dropped by kernel", words), words

    def _wait_marker(self) -> None:
        """Return when all that has been sent before this is in the file."""
        marker = os.urandom(16).hex().encode()
        with network.on(self._outside):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.sendto(marker, (CAROL, 9))  # the discard service
        deadline = time.monotonic() + 5
        while marker not in self._tail():
            assert time.monotonic() < deadline, "tcpdump does not keep up"
            time.sleep(0.02)

    def _tail(self) -> bytes:
        with self._file.open("rb") as file:
            file.seek(max(0, self._file.stat().st_size - 65536))
            return file.read()

    def messages(self, *ports: str) -> list[Message]:
        """The SIP messages that left these ports of the switch."""
        rows = self._tshark("sip.CSeq", "sip.Call-ID", "udp.payload", "tcp.payload")
        return [
            Message(int(frame), port, tuple(ids.split(",")), bytes.fromhex(udp or tcp))
            for frame, port, ids, udp, tcp in rows
            if port in ports
        ]

    def fragments(self, *ports: str) -> int:
        """How many fragments of IPv4 packets left these ports."""
        rows = self._tshark("ip.flags.mf == 1 || ip.frag_offset > 0")
        return sum(port in ports for _, port in rows)

    def complaints(self) -> list[str]:
        """What is wrong with any SIP message that left a switch."""
        found = [
            f"frame {frame} to {port}: {why} {expert}"
            for why, display in (
                ("malformed:", _WRONG),
                ("not taken for SIP", _UNKNOWN),
                ("between messages", _OUT_OF_STEP),
            )
            for frame, port, expert in self._tshark(display, "_ws.expert.message")
        ]
        for frame, port, length, payload in self._tshark(
            "sip.CSeq && udp", "sip.Content-Length", "udp.payload"
        ):
            body = bytes.fromhex(payload).partition(b"\r\n\r\n")[2]
            if length and int(length) != len(body):
                found.append(f"frame {frame} to {port}: {length} bytes announced, {len(body)} come")
        return found

    def _tshark(self, display: str, *fields: str) -> list[list[str]]:
        """Frame number, the switch's port and these fields of what a display filter takes."""
        argv = ["tshark", "-r", str(self._file), "-n", "-Y", display, "-T", "fields"]
        for name in ("frame.number", "sll.ifindex", *fields):
            argv += ["-e", name]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        rows = (line.split("\t") for line in done.stdout.splitlines())
        return [[frame, self._ports[index], *rest] for frame, index, *rest in rows]
