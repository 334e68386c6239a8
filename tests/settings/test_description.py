"""A configuration in words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import describe, parse
from tests.settings.test_loading import MINIMAL
from tests.settings.test_mistakes import GOOD


@pytest.mark.parametrize(
    "line",
    [
        "switch 0000000000000001, conntrack zone 4242",
        "connects to 127.0.0.1:6653, plain TCP; fail mode verified",
        "router MAC 02:a1:60:00:00:01, IPv6 link-local fe80::a1:60ff:fe00:1",
        "inside lan port lan 192.168.10.1/24 NAT to 203.0.113.1",
        "inside plain port plain 198.51.100.1/24, 2001:db8:30::1/64 no NAT, firewall only",
        (
            "outside wan port wan 203.0.113.1/24, 2001:db8:1::1/64 "
            "default via 203.0.113.254, routed here: 192.0.2.0/28"
        ),
        "203.0.113.1 in wan hosts of lan and published services",
        "203.0.113.10 in wan spare",
        "control 49152-53247 4096 ports inspected sessions tcp_dst=0xc000/0xf000",
        "tcp 203.0.113.1:21 -> 192.168.10.2:21 in lan inspected as ftp",
        "tcp [2001:db8:30::2]:21 without NAT in plain not inspected",
        "1. deny tcp to ports 25, 100-200 from lan to 192.0.2.0/24",
        "otherwise allow",
        "from inside to ports 21, 2121 of 0.0.0.0/0, ::/0",
        "answers to lan: from outside to a public address, ports 49152-53247",
        "answers to plain without NAT: from ports 21, 2121",
        "to the published 203.0.113.1:21, and answers from 192.168.10.2:21",
        "mode allow",
        "- text: hello; times: 2",
        "session_idle 15m",
        "sessions 1000",
        "http://127.0.0.1:8080/v1.0/alg, no token",
    ],
)
def test_lines(line: str, made_up: Mapping[str, ProtocolSpec]) -> None:
    text = GOOD.replace("mode: allow", "mode: allow\n      greetings: [{text: hello, times: 2}]")

    described = describe(parse(text, "gateway.yaml", made_up))

    assert line in [" ".join(each.split()) for each in described.splitlines()]


def test_without_anything_optional() -> None:
    described = describe(parse(MINIMAL, "gateway.yaml", {}))

    assert "none: nothing is translated" in described
    assert "none: all traffic is ordinary" in described
    assert "no default" in described


def test_several_public_addresses(made_up: Mapping[str, ProtocolSpec]) -> None:
    text = GOOD.replace("nat: [203.0.113.1]", "nat: [203.0.113.1, 203.0.113.10]").replace(
        "addresses: [192.168.10.1/24]", "addresses: [192.168.10.1/24, '2001:db8:10::1/64']"
    )

    described = describe(parse(text, "gateway.yaml", made_up))

    assert "IPv4 NAT to 203.0.113.1, 203.0.113.10 (each host keeps one)" in described
