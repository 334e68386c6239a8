"""Peers that are exchanged (BEP 11)."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Endpoint
from ryu_alg.protocols.bittorrent import pex
from ryu_alg.protocols.bittorrent.announcing import Announcing
from tests.protocols.bittorrent.connection import options
from tests.protocols.bittorrent.gateway import NAT, MemoryGateway, endpoint
from tests.protocols.bittorrent.peers import exchange, peers

LISTENING, SILENT = ("192.168.20.9", 6881), ("192.168.20.8", 6881)
PUBLIC = ("203.0.113.1", 40001)
"""What stands for the one that listens."""
AWAY, AWAY_6 = ("198.51.100.9", 51413), ("2001:db8:1::9", 6881)
INSIDE_6 = ("2001:db8:30::9", 6881)


@pytest.fixture
def announcing() -> Announcing:
    gateway = MemoryGateway(ends=NAT)
    assert gateway.site.announce(*LISTENING).public == endpoint(*PUBLIC)
    gateway.site.announce(*INSIDE_6)
    return Announcing(options(), gateway, NAT.client.address)


OUTWARD = [
    ("an inside peer that listens", {"added": peers(LISTENING)}, {"added": peers(PUBLIC)}),
    ("that is dropped", {"dropped": peers(LISTENING)}, {"dropped": peers(PUBLIC)}),
    ("an outside one", {"added": peers(AWAY), "dropped": peers(AWAY)}, None),
    ("over IPv6", {"added6": peers(INSIDE_6, AWAY_6), "added6_f": b"\1\2"}, None),
    (
        "an inside peer that does not listen, with its flags",
        {"added": peers(AWAY, SILENT, LISTENING), "added_f": b"\1\2\4"},
        {"added": peers(AWAY, PUBLIC), "added_f": b"\1\4"},
    ),
    (
        "with fewer flags than peers",
        {"added": peers(SILENT, AWAY, SILENT), "added_f": b"\1"},
        {"added": peers(AWAY), "added_f": b""},
    ),
    (
        "with more of them",
        {"added": peers(SILENT, AWAY), "added_f": b"\1\2\3\4"},
        {"added": peers(AWAY), "added_f": b"\2\3\4"},
    ),
    ("that is dropped as well", {"dropped": peers(SILENT)}, {"dropped": b""}),
    (
        "in all four lists",
        {
            "added": peers(SILENT),
            "added6": peers(AWAY_6),
            "dropped": peers(LISTENING),
            "dropped6": peers(INSIDE_6),
        },
        {
            "added": b"",
            "added6": peers(AWAY_6),
            "dropped": peers(PUBLIC),
            "dropped6": peers(INSIDE_6),
        },
    ),
    ("200 peers", {"added": peers(AWAY) * 200, "added_f": bytes(200)}, None),
    ("nobody", {"added": b"", "added_f": b""}, None),
    ("something else as well", {"added": peers(AWAY), "x": b"1"}, None),
]


@pytest.mark.parametrize(
    ("said", "left"), [case[1:] for case in OUTWARD], ids=[case[0] for case in OUTWARD]
)
def test_towards_outside(
    announcing: Announcing, said: dict[str, bytes], left: dict[str, bytes] | None
) -> None:
    expected = exchange(**(said if left is None else left))
    assert pex.translated(exchange(**said), announcing.seen_outside) == expected


def test_towards_inside(announcing: Announcing) -> None:
    said = exchange(added=peers(PUBLIC, AWAY), added_f=b"\1\2", dropped=peers(PUBLIC))
    left = exchange(added=peers(LISTENING, AWAY), added_f=b"\1\2", dropped=peers(LISTENING))
    assert pex.translated(said, announcing.seen_inside) == left


def test_public_port_of_nobody_stays(announcing: Announcing) -> None:
    said = exchange(added=peers(("203.0.113.1", 40009)))
    assert pex.translated(said, announcing.seen_inside) == said


def test_what_stands_behind_and_keys_out_of_order_stay(announcing: Announcing) -> None:
    said = b"d7:dropped0:5:added6:" + peers(LISTENING) + b"1:xli1eee and more"
    left = said.replace(peers(LISTENING), peers(PUBLIC))
    assert pex.translated(said, announcing.seen_outside) == left


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"d",
        b"i1e",
        b"le",
        exchange(added=bytes(5)),
        exchange(added=bytes(7)),
        exchange(added6=bytes(6)),
        exchange(dropped6=bytes(6)),
        b"d5:addedi6ee",
        b"d5:added6:" + bytes(6) + b"5:added6:" + bytes(6) + b"e",
        b"d5:added99999999999:e",
    ],
)
def test_no_such_message(said: bytes) -> None:
    def nowhere(peer: Endpoint) -> None:
        return None

    assert pex.translated(said, nowhere) is None
