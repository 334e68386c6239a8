"""One gateway for RTSP, with a server outside and published ones inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.gateway import PUBLIC, RunningGateway, configuration

PORT = 8554
SCRIPTED_PORT = 8555
SCRIPTED_PUBLIC_PORT = 555

SECTIONS: dict[str, Any] = {
    "protocols": {"rtsp": {"ports": [554, PORT, SCRIPTED_PORT]}},
    "published": [
        {"public": public, "inside": inside, "protocol": "rtsp"}
        for public, inside in (
            (f"{PUBLIC}:554", f"192.168.20.2:{PORT}"),
            (f"{PUBLIC}:{SCRIPTED_PUBLIC_PORT}", f"192.168.20.2:{SCRIPTED_PORT}"),
            (f"[2001:db8:30::2]:{PORT}", f"[2001:db8:30::2]:{PORT}"),
        )
    ],
}


@pytest.fixture(scope="module")
def gateway(start_gateway: Callable[[dict[str, Any]], RunningGateway]) -> RunningGateway:
    """config/lab.yaml, with RTSP alone."""
    return start_gateway(configuration(**SECTIONS))
