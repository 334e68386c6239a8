"""The two sites of the lab `sip`, and the hosts outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONFIGS = Path(__file__).parents[3] / "config"

PROXY = "203.0.113.2"
CAROL = "203.0.113.3"
OUTSIDER = "203.0.113.4"
ALICE = "192.168.10.2"
AMBER = "192.168.11.2"
BOB = "192.168.30.2"
PLAIN = "198.51.100.2"
PLAIN_IPV6 = "2001:db8:30::2"
CAROL_IPV6 = "2001:db8:1::3"

QUOTAS = {"pinholes": 20_000, "pinholes_per_host": 20_000}
"""All of the load is one host's: bounds that are meant for a phone do not fit."""

INSIDE_PORTS = ("lan", "annex", "plain", "home")
"""Where the switch meets inside hosts."""
OUTSIDE_PORTS = ("proxy", "carol", "outsider")

TIMERS = {"datagram_idle": "3s", "data_idle": "10s", "port_quarantine": "120s"}
"""Soon enough for a test that waits until nothing is left."""


@dataclass(frozen=True)
class Site:
    """A gateway: where it is found, and what it is called."""

    name: str
    public: str
    bridge: str
    zone: int
    openflow_port: int

    def configuration(self, options: dict[str, Any], **sections: Any) -> dict[str, Any]:
        """The site's file in config/, with these options of SIP and whole sections replaced."""
        config: dict[str, Any] = yaml.safe_load((CONFIGS / f"sip-{self.name}.yaml").read_text())
        options = {"messages_per_second": 10_000, **options}
        return {
            **config,
            "timers": TIMERS,
            "quotas": QUOTAS,
            "protocols": {"sip": {"options": options}},
            **sections,
        }


EAST = Site("east", "203.0.113.1", "br-east", 4242, 6653)
WEST = Site("west", "203.0.113.101", "br-west", 4243, 6654)
SITES = (EAST, WEST)
