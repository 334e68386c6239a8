"""The Mininet topology says what the lab's topology file says.

Mininet itself is not installed for tests: what its Topo is told is recorded instead.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ryu_alg.lab import topology

SOURCE = Path(__file__).parents[2] / "openvswitch" / "alg_topo.py"


class RecordingTopo:
    """Stands in for mininet.topo.Topo."""

    def __init__(self, **options: Any) -> None:
        self.switches: dict[str, dict[str, Any]] = {}
        self.hosts: dict[str, dict[str, Any]] = {}
        self.links: list[tuple[str, str, dict[str, Any]]] = []
        self.build(**options)

    def build(self, **options: Any) -> None:
        raise NotImplementedError

    def addSwitch(self, name: str, **options: Any) -> None:  # noqa: N802 - Mininet's name
        self.switches[name] = options

    def addHost(self, name: str, **options: Any) -> None:  # noqa: N802 - Mininet's name
        self.hosts[name] = options

    def addLink(self, one: str, other: str, **options: Any) -> None:  # noqa: N802 - Mininet's name
        self.links.append((one, other, options))


@pytest.fixture
def alg_topo(monkeypatch: pytest.MonkeyPatch) -> Any:
    node, topo = ModuleType("mininet.node"), ModuleType("mininet.topo")
    vars(node).update(Host=type("Host", (), {}), OVSSwitch=type("OVSSwitch", (), {}))
    vars(topo).update(Topo=RecordingTopo)
    for name, module in (
        ("mininet", ModuleType("mininet")),
        ("mininet.node", node),
        ("mininet.topo", topo),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("alg_topo", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_same_as_the_lab(alg_topo: Any) -> None:
    built = alg_topo.topos["alg"]()
    wanted = topology.load("nat")
    assert built.switches["br-alg"]["dpid"] == wanted.bridges["br-alg"].datapath_id
    assert {name: (s["failMode"], s["cls"].__name__) for name, s in built.switches.items()} == {
        "br-alg": ("secure", "OVSSwitch"),
        "br-wan": ("standalone", "PlainSwitch"),
    }
    assert list(built.hosts) == list(wanted.hosts)
    for name, host in wanted.hosts.items():
        assert built.hosts[name]["addresses"] == [str(address) for address in host.addresses]
        assert built.hosts[name]["gateways"] == [str(gateway) for gateway in host.gateways]
        assert built.hosts[name]["ip"] == str(host.addresses[0])
        assert (name, host.bridge, {"intfName2": host.port}) in built.links
    assert ("br-alg", "br-wan", {"intfName1": "wan", "intfName2": "alg"}) in built.links


def test_options(alg_topo: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "bridges: {br-a: {}}\nhosts: {six: {bridge: br-a, port: p, addresses: ['2001:db8::1/64']}}"
    )
    built = alg_topo.topos["alg"](topology=str(path), datapath="user")
    assert built.switches["br-a"]["datapath"] == "user"
    assert int(built.switches["br-a"]["dpid"], 16) > 0
    assert built.hosts["six"]["ip"] is None
