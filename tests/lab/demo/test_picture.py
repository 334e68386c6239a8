"""The drawing of a lab."""

from __future__ import annotations

from typing import Any

from ryu_alg.lab.demo.picture import draw
from ryu_alg.lab.topology import Topology, load


def test_the_shipped_topology() -> None:
    assert draw(load("nat")) == [
        "client    192.168.10.2  lan   ──┐                           ┌─ server    203.0.113.2",
        "inserver  192.168.20.2  dmz   ──┼─ br-alg ── wan ── br-wan ─┴─ outsider  203.0.113.3",
        "plain     198.51.100.2  plain ──┘",
    ]


def test_one_host_on_each_side() -> None:
    def host(bridge: str, address: str) -> dict[str, Any]:
        return {"bridge": bridge, "port": f"p{address[0]}", "addresses": [address]}

    topology = Topology.model_validate(
        {
            "bridges": {"gw": {"controller": "tcp:127.0.0.1:6653"}, "net": {}},
            "patches": [{"from": "net", "port": "a", "to": "gw", "peer": "b"}],
            "hosts": {"in": host("gw", "10.0.0.2/24"), "out": host("net", "20.0.0.2/24")},
        }
    )
    assert draw(topology) == ["in  10.0.0.2  p1 ──── gw ── b ── net ─── out  20.0.0.2"]
