"""Hosts that exchange ordinary UDP fragments: the controller has no need to see them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from ryu_alg.inspection import Realm
from ryu_alg.openflow.cookies import Kind, cookie
from ryu_alg.openflow.datagrams import DESTINATION, FRAGMENTS, SOURCE
from ryu_alg.openflow.render import REALM_NUMBER

LASTS = 300
"""Seconds; then one datagram goes to the controller again."""
MOST = 1000
"""Flows."""

_PRIORITY = 640


@dataclass(slots=True)
class Bypass:
    """The flows that send fragments past the controller. Control datagrams among them are still
    found, in table 3, if conntrack knows no connection for them."""

    _until: dict[tuple[Realm, bytes, bytes], float] = field(default_factory=dict)
    """In the order in which they end, in seconds."""

    def flow(self, realm: Realm, source: bytes, destination: bytes, now: float) -> str | None:
        """The flow for fragments between two addresses, packed; None if there are too many."""
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        pair = (realm, source, destination)
        self._until.pop(pair, None)
        if len(self._until) >= MOST:
            return None
        self._until[pair] = now + LASTS
        sender, receiver = ip_address(source), ip_address(destination)
        version = sender.version
        return (
            f"table=1,cookie={cookie(Kind.FRAGMENT, 1):#x},priority={_PRIORITY},"
            f"hard_timeout={LASTS},reg1={REALM_NUMBER[realm]},{FRAGMENTS[version]},nw_frag=yes,"
            f"{SOURCE[version]}={sender},{DESTINATION[version]}={receiver} actions=goto_table:2"
        )
