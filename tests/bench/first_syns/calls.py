"""Calls whose first RTP packet leaves as soon as it can."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ryu_alg.lab import Lab
from tests.bench import phone
from tests.bench.calls import callee
from tests.bench.errors import BenchError
from tests.bench.peer import SERVER_ADDRESS

OPTIONS = {
    "calls_per_host": 10000,
    "messages_per_second": 100000,
    "transactions_per_host": 200000,
}
"""For as many calls as are wanted."""
RULES = [
    {"transport": "udp", "ports": [phone.SIP_PORT], "action": "allow"},
    {"transport": "udp", "action": "deny"},
]
"""Of outbound policy: media pass by what SIP has opened for them, or not at all."""
_PER_SECOND = 50
_PATIENCE = 60


def first_datagrams(lab: Lab, calls: int, directory: Path) -> list[str]:
    """Make so many calls to outside, each with one RTP packet behind the ACK, which has to come
    back to where the callee was told. What failed. BenchError when most do."""
    parameters: dict[str, Any] = {
        "rate": _PER_SECOND,
        "seconds": calls / _PER_SECOND,
        "media_every": 1,
    }
    command = [sys.executable, "-I", phone.__file__, "invite", SERVER_ADDRESS]
    timeout = parameters["seconds"] + _PATIENCE
    with callee(lab.host("server"), SERVER_ADDRESS, directory, "-set", "at_once", "true"):
        done = lab.host("client").run([*command, json.dumps(parameters)], timeout=timeout)
    if done.returncode:
        raise BenchError(done.stderr.strip())
    failures: list[str] = json.loads(done.stdout)["failures"]
    return failures
