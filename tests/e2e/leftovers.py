"""What is left in a gateway and its switch when all is over."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.gateway import RunningGateway

_COUNTED = re.compile(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, ?")
_STAY = ("table=5,", "table=15,")
"""Flows there come with the first packet to or from a host, and stay: they let nothing through."""


class Leftovers:
    """Of what came after this was made."""

    def __init__(
        self, gateway: RunningGateway, bridge: str = "br-alg", *, conversations: bool = True
    ) -> None:
        """Without `conversations`, those over UDP are left out: nothing says when they are over."""
        self._gateway = gateway
        self._conversations = conversations
        self._bridge = bridge
        self._flows_at_first = self._flows()

    def found(self) -> dict[str, Any]:
        """{} when all is gone."""
        sessions = self._gateway.sessions()
        bindings = self._gateway.get("bindings")["bindings"]
        if not self._conversations:
            sessions = [it for it in sessions if it["transport"] != "udp"]
            bindings = [it for it in bindings if it["kind"] != "control"]
        found = {
            "sessions": sessions,
            "pinholes": self._gateway.pinholes(),
            "bindings": bindings,
            "flows": sorted(self._flows() ^ self._flows_at_first),
        }
        return {what: there for what, there in found.items() if there}

    def wait_none(self, timeout: float = 60) -> None:
        """Wait until nothing is left; AssertionError says what is."""
        try:
            self._gateway.wait_for(lambda: not self.found(), "nothing to be left", timeout)
        except AssertionError:
            raise AssertionError(f"left behind: {self.found()}") from None

    def _flows(self) -> set[str]:
        dump = self._gateway.lab.ovs_ofctl("dump-flows", self._bridge)
        lines = (_COUNTED.sub("", line).strip() for line in dump.splitlines()[1:])
        return {line for line in lines if not any(table in line for table in _STAY)}
