"""The two gateways of the lab, and whether anything of a call is left in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ryu_alg.lab import Lab
from tests.e2e.gateway import RunningGateway
from tests.e2e.network import Background
from tests.e2e.sip.sites import EAST, SITES, WEST, Site

_COUNTED = re.compile(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, ?")
_NEIGHBOURS = "table=5,"
"""Flows there come with the first packet to a host, and stay."""


class SipGateway(RunningGateway):
    """The controller of one site."""

    def __init__(self, lab: Lab, directory: Path, site: Site, config: dict[str, Any]) -> None:
        """`start` starts it."""
        directory.mkdir()
        super().__init__(lab, directory, config, site.openflow_port)
        self.site = site
        self._flows_at_first: set[str] = set()

    def start(self) -> None:
        super().start()
        self._flows_at_first = self._flows()

    def leftovers(self) -> dict[str, Any]:
        """All that is there because of calls, now or before: {} when all is gone."""
        found = {
            "sessions": self.sessions(),
            "pinholes": self.pinholes(),
            "bindings": self.get("bindings")["bindings"],
            "connections": self.connections(),
            "flows": sorted(self._flows() ^ self._flows_at_first),
        }
        return {what: there for what, there in found.items() if there}

    def connections(self) -> list[str]:
        """What conntrack knows of this site's UDP and TCP."""
        dump = self.lab.appctl("dpctl/dump-conntrack", f"zone={self.site.zone}")
        return dump.splitlines()

    def wait_empty(self, timeout: float = 60) -> None:
        """Wait until nothing is left; AssertionError says what is.

        The memory of transactions lasts 32 s: 64 times T1 of RFC 3261.
        """
        try:
            self.wait_for(lambda: not self.leftovers(), "nothing to be left", timeout)
        except AssertionError:
            raise AssertionError(f"{self.site.name}: left behind: {self.leftovers()}") from None

    def _flows(self) -> set[str]:
        dump = self.lab.ovs_ofctl("dump-flows", self.site.bridge)
        lines = (_COUNTED.sub("", line).strip() for line in dump.splitlines()[1:])
        return {line for line in lines if _NEIGHBOURS not in line}


class Gateways:
    """Both of them."""

    def __init__(self, lab: Lab, directory: Path, options: dict[str, Any], **more: Any) -> None:
        """Starts them. `options` are those of SIP, `more` replaces sections, in both."""
        self.east, self.west = (
            SipGateway(lab, directory / site.name, site, site.configuration(options, **more))
            for site in SITES
        )
        assert (self.east.site, self.west.site) == (EAST, WEST)
        self._both(SipGateway.start)

    def wait_empty(self) -> None:
        """Wait until nothing of any call is left in either."""
        self._both(SipGateway.wait_empty)

    def stop(self) -> None:
        """End them."""
        self._both(SipGateway.stop)

    def _both(self, action: Callable[[SipGateway], None]) -> None:
        at_work = [Background(lambda it=it: action(it)) for it in (self.east, self.west)]
        for background in at_work:
            background.join(120)
