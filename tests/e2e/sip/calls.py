"""Calls between hosts of the lab, played by sipp on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.sip.sipp import PORT, Sipp, fresh_port
from tests.e2e.sip.sites import (
    ALICE,
    AMBER,
    BOB,
    CAROL,
    CAROL_IPV6,
    OUTSIDER,
    PLAIN,
    PLAIN_IPV6,
    PROXY,
)

MakeSipp = Callable[..., Sipp]


@dataclass(frozen=True)
class Route:
    """From whom to whom a call goes, and over what."""

    name: str
    caller: tuple[str, str]
    """Host and address."""
    callee: tuple[str, str]
    over_proxy: bool = False

    @property
    def target(self) -> str:
        """Where the caller sends the call."""
        address = PROXY if self.over_proxy else self.callee[1]
        return f"[{address}]:5060" if ":" in address else f"{address}:5060"


OUT = Route("out", ("alice", ALICE), ("carol", CAROL))
OUT_OVER_PROXY = Route("out-over-proxy", ("alice", ALICE), ("carol", CAROL), True)
IN = Route("in", ("carol", CAROL), ("alice", ALICE), True)
BETWEEN_SITES = Route("between-sites", ("alice", ALICE), ("bob", BOB), True)
BOTH_INSIDE = Route("both-inside", ("alice", ALICE), ("amber", AMBER), True)
WITHOUT_NAT = Route("without-nat", ("plain", PLAIN), ("carol", CAROL))
INTO_WITHOUT_NAT = Route("into-without-nat", ("carol", CAROL), ("plain", PLAIN), True)
IPV6 = Route("ipv6", ("plain", PLAIN_IPV6), ("carol", CAROL_IPV6))
OUTSIDE = Route("outside", ("outsider", OUTSIDER), ("carol", CAROL), True)
"""Through no gateway at all."""

ROUTES = (OUT, OUT_OVER_PROXY, IN, BETWEEN_SITES, BOTH_INSIDE, WITHOUT_NAT, INTO_WITHOUT_NAT, IPV6)


@contextmanager
def registered(sipp: MakeSipp, route: Route, transport: str = "udp") -> Iterator[None]:
    """The callee is registered at the proxy, where the call goes over that."""
    if not route.over_proxy:
        yield
        return

    def register(expires: int) -> None:
        sipp(
            *route.callee,
            "register",
            remote=f"{PROXY}:5060",
            service=route.callee[0],
            keys={"contact": transport, "expires": str(expires)},
        ).run()

    register(300)
    try:
        yield
    finally:
        register(0)


def call(
    sipp: MakeSipp,
    route: Route,
    caller: str = "uac",
    callee: str = "uas",
    *,
    calls: int = 1,
    rate: int = 10,
    transport: str = "u1",
    caller_options: tuple[str, ...] = ("-d", "200"),
    callee_options: tuple[str, ...] = ("-rtp_echo",),
    replace: dict[str, str] | None = None,
    replace_answers: dict[str, str] | None = None,
    **more: Any,
) -> None:
    """Calls that all go as both scenarios have it; AssertionError if one does not.

    `replace` and `replace_answers`: text of the scenarios that is replaced before.
    """
    common = {"calls": calls, "transport": transport, **more}
    with registered(sipp, route, "tcp" if transport.startswith("t") else "udp"):
        waiting = sipp(
            *route.callee,
            callee,
            options=callee_options,
            replace=replace_answers or {},
            **common,
        ).start()
        sipp(
            *route.caller,
            caller,
            remote=route.target,
            service=route.callee[0],
            rate=rate,
            port=fresh_port() if transport.startswith("t") else PORT,
            options=caller_options,
            replace=replace or {},
            **common,
        ).run()
        waiting.wait()
