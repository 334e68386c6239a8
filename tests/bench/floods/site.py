"""The gateway that is flooded, the servers behind and before it, and each flood.

In the lab `nat`: the users are the inside host `client`, their servers the outside host `server`.
Floods come from the outside host `outsider`, which has the outside port in common with those
servers, and from the inside host `inserver`, which has a port of its own. To the outside,
`inserver` has published FTP and SIP.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ryu_alg.lab import Lab
from tests.bench.errors import BenchError
from tests.bench.floods import attack
from tests.bench.floods.users import Outcome
from tests.bench.phone import SIP_PORT
from tests.e2e import network
from tests.e2e.gateway import CONFIG, PUBLIC, RunningGateway

USER, USER_ADDRESS, SERVER = "client", "192.168.10.2", "203.0.113.2"
FTP_PORT = 21
FILE = "small"
_SILENT = "203.0.113.3"
"""`outsider`: takes what comes to port 5060, and says nothing."""
_OUTSIDE_SOURCES, _INSIDE_SOURCES = "11.0.0.0/8", "192.168.20.0/24"
_PATIENCE_SECONDS = 60.0
_ROOT = Path(__file__).parents[3]
_CONTROL_PORTS = list(range(49152, 53248))
"""As in config/lab.yaml."""


@dataclass(frozen=True, slots=True)
class Flood:
    """One of them."""

    name: str
    title: str
    host: str
    kind: str
    parameters: Mapping[str, Any]


RATE = 20_000
"""Packets per second, several times what the meters let through."""
FLOODS = (
    Flood(
        "syn_outside",
        "SYNs to a published port 21, from outside",
        "outsider",
        "syn",
        {"sources": _OUTSIDE_SOURCES, "target": PUBLIC, "port": 21, "rate": RATE},
    ),
    Flood(
        "syn_inside",
        "SYNs to port 21 outside, from inside",
        "inserver",
        "syn",
        {"sources": _INSIDE_SOURCES, "target": SERVER, "port": 21, "rate": RATE},
    ),
    Flood(
        "octets_outside",
        "1-byte segments to a published port 21",
        "outsider",
        "octets",
        {"target": PUBLIC, "port": 21, "rate": RATE},
    ),
    Flood(
        "octets_inside",
        "1-byte segments to port 21 outside",
        "inserver",
        "octets",
        {"target": SERVER, "port": 21, "rate": RATE},
    ),
    Flood(
        "garbage_control",
        "UDP garbage to the ports of control traffic",
        "outsider",
        "garbage",
        {"sources": _OUTSIDE_SOURCES, "target": PUBLIC, "ports": _CONTROL_PORTS, "rate": RATE},
    ),
    Flood(
        "garbage_published",
        "UDP garbage to a published port 5060",
        "outsider",
        "garbage",
        {"sources": _OUTSIDE_SOURCES, "target": PUBLIC, "ports": [SIP_PORT], "rate": RATE},
    ),
    Flood(
        "garbage_inside",
        "UDP garbage to port 5060 outside, from inside",
        "inserver",
        "garbage",
        {"sources": _INSIDE_SOURCES, "target": _SILENT, "ports": [SIP_PORT], "rate": RATE},
    ),
    Flood(
        "storm_ftp",
        "PASV and PORT without data, 40 connections",
        "inserver",
        "announcements",
        {"target": SERVER, "port": 21, "connections": 40, "rate": 2000},
    ),
    Flood(
        "storm_sip",
        "INVITEs with media that nobody answers",
        "inserver",
        "invitations",
        {"target": _SILENT, "rate": RATE // 4},
    ),
)


def configuration(**sections: Any) -> dict[str, Any]:
    """config/lab.yaml with SIP, which is published too; and with whole sections replaced."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["protocols"] = {"ftp": {"ports": [FTP_PORT]}, "sip": {"ports": [SIP_PORT]}}
    # A published port is in no partition.
    config["public"]["ports"]["napt"] = "6000-32767"
    config["published"].append(
        {
            "public": f"{PUBLIC}:{SIP_PORT}",
            "inside": f"192.168.20.2:{SIP_PORT}",
            "protocol": "sip",
            "transport": "udp",
        }
    )
    return {**config, **sections}


@contextmanager
def silent(lab: Lab) -> Iterator[None]:
    """Where floods of SIP go, there is somebody who says nothing."""
    with ExitStack() as stack:
        for name in ("outsider", "inserver"):
            with network.on(lab.host(name)):
                deaf = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            deaf.bind(("", SIP_PORT))
        yield


def left(gateway: RunningGateway) -> dict[str, int]:
    """How much the gateway has of anything, but for the registration of the user's telephone."""
    own = f"{USER_ADDRESS}:{SIP_PORT}"
    found = {
        "sessions": [it for it in gateway.sessions() if it["client"] != own],
        "pinholes": gateway.pinholes(),
        "bindings": [it for it in gateway.get("bindings")["bindings"] if it["inside"] != own],
    }
    return {what: len(there) for what, there in found.items() if there}


class Users:
    """An FTP user and a telephone, at work."""

    def __init__(
        self, lab: Lab, seconds: float, rates: Mapping[str, float], ftp_port: int = FTP_PORT
    ) -> None:
        """Begins; `rates` are transactions a second, by kind."""
        self._seconds = seconds
        common: dict[str, Any] = {"address": SERVER, "seconds": seconds}
        parameters = {
            "ftp": {**common, "port": ftp_port, "file": FILE, "rate": rates["ftp"]},
            "sip": {**common, "rate": rates["sip"]},
        }
        self._processes = {
            kind: _module(lab, USER, "tests.bench.floods.users", kind, given)
            for kind, given in parameters.items()
        }

    def outcomes(self) -> dict[str, Outcome]:
        """What became of their transactions, when they are done. BenchError."""
        found = {}
        for kind, process in self._processes.items():
            said = _end(process, f"the user of {kind}", self._seconds)
            found[kind] = Outcome(**json.loads(said))
        return found


@dataclass(frozen=True, slots=True)
class Sent:
    """By an attacker."""

    sent: int
    """Packets; of announcements, commands that were answered."""
    seconds: float


class Attack:
    """A flood that goes on. In a `with` statement, it is over at the end at the latest."""

    def __init__(self, lab: Lab, flood: Flood, seconds: float) -> None:
        """Returns when it has begun. BenchError when it does not."""
        self._what, self._seconds = flood.title, seconds
        parameters = {**flood.parameters, "seconds": seconds}
        self._process = _module(lab, flood.host, attack.__name__, flood.kind, parameters)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "begun\n":
            raise BenchError(f"{self._what}: {_end(self._process, self._what, 0)}")

    def __enter__(self) -> Attack:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def over(self) -> Sent:
        """When its time is up. BenchError."""
        return Sent(**json.loads(_end(self._process, self._what, self._seconds)))


def _module(
    lab: Lab, host: str, name: str, kind: str, parameters: Mapping[str, Any]
) -> subprocess.Popen[str]:
    return lab.host(host).popen(
        [sys.executable, "-E", "-m", name, kind, json.dumps(parameters)],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _end(process: subprocess.Popen[str], what: str, seconds: float) -> str:
    """The last line that it prints."""
    try:
        out, errors = process.communicate(timeout=seconds + _PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise BenchError(f"{what}: no end") from None
    if process.returncode:
        complaint = (errors.strip().splitlines() or [f"status {process.returncode}"])[-1]
        raise BenchError(f"{what}: {complaint}")
    return out.strip().splitlines()[-1]
