"""ICE candidates in descriptions: a=candidate and a=remote-candidates (RFC 8839 section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ryu_alg.inspection import Endpoint
from ryu_alg.inspection.addresses import read_address
from ryu_alg.inspection.edits import Span
from ryu_alg.inspection.sdp import Attribute, Description

MAX_CANDIDATES = 64
"""Of one description."""
MAX_REMOTE = 8
"""Of one a=remote-candidates, which has one for each component."""
DISCARD = 9
"""The port that stands for none; with it goes the unspecified address."""
_CANDIDATE = re.compile(
    rb"\S{1,64} +(?P<component>[0-9]{1,5}) +(?P<transport>\S+) +[0-9]{1,10}"
    rb" +(?P<host>\S{1,255}) +(?P<port>[0-9]{1,5}) +typ +(?P<type>\S+)"
    rb"(?: +raddr +(?P<raddr>\S{1,255}) +rport +(?P<rport>[0-9]{1,5}))?(?: .*)?"
)
_REMOTE = re.compile(rb"([0-9]{1,5}) +(\S{1,255}) +([0-9]{1,5})")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint as written: an address and a port, each where it stands."""

    endpoint: Endpoint
    address_span: Span
    port_span: Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """One a=candidate."""

    component: int
    """1: RTP, and RTCP with it where they share a port; 2: RTCP."""
    udp: bool
    place: Place | None
    """None: a host name, as browsers have (mDNS)."""
    related: Place | None
    """For diagnosis only: where a reflexive or relayed candidate comes from."""


def read_candidate(attribute: Attribute) -> Candidate | None:
    """The value of an a=candidate; None if it is none."""
    match = _CANDIDATE.fullmatch(attribute.value.rstrip(b" "))
    if match is None:
        return None
    start = attribute.span[0]
    related = _place(match, "raddr", "rport", start) if match["raddr"] is not None else None
    return Candidate(
        component=int(match["component"]),
        udp=match["transport"].upper() == b"UDP",
        place=_place(match, "host", "port", start),
        related=related,
    )


def remote_places(attribute: Attribute) -> Iterator[Place]:
    """The endpoints of an a=remote-candidates, as far as it can be read."""
    for match in islice(_REMOTE.finditer(attribute.value), MAX_REMOTE):
        place = _place(match, 2, 3, attribute.span[0])
        if place is not None:
            yield place


def count(description: Description) -> int:
    """How many candidates a description has."""
    return sum(attribute.name == b"candidate" for attribute in description.all_attributes())


def _place(match: re.Match[bytes], host: str | int, port: str | int, start: int) -> Place | None:
    address = read_address(match[host])
    number = int(match[port])
    if address is None or number > _MAX_PORT:
        return None
    return Place(
        Endpoint(address, number),
        (start + match.start(host), start + match.end(host)),
        (start + match.start(port), start + match.end(port)),
    )
