"""The two gateways of the lab, and whether anything of a call is left in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ryu_alg.lab import Lab
from tests.e2e.gateway import RunningGateway
from tests.e2e.leftovers import Leftovers
from tests.e2e.network import Background
from tests.e2e.sip.sites import EAST, SITES, WEST, Site


class SipGateway(RunningGateway):
    """The controller of one site."""

    def __init__(self, lab: Lab, directory: Path, site: Site, config: dict[str, Any]) -> None:
        """`start` starts it."""
        directory.mkdir()
        super().__init__(lab, directory, config, site.openflow_port)
        self.site = site
        self._left: Leftovers | None = None

    def start(self) -> None:
        super().start()
        self._left = Leftovers(self, self.site.bridge)

    def leftovers(self) -> dict[str, Any]:
        """All that is there because of calls, now or before: {} when all is gone."""
        assert self._left is not None
        connections = self.connections()
        return self._left.found() | ({"connections": connections} if connections else {})

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

    def audit(self) -> None:
        """Every flow that lets something through is in order, in both."""
        for gateway in (self.east, self.west):
            gateway.audit()

    def stop(self) -> None:
        """End them."""
        self._both(SipGateway.stop)

    def _both(self, action: Callable[[SipGateway], None]) -> None:
        at_work = [Background(lambda it=it: action(it)) for it in (self.east, self.west)]
        for background in at_work:
            background.join(120)
