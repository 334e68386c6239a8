"""The configurations that come with ryu_alg."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_interface
from pathlib import Path

import pytest
import yaml

from ryu_alg.inspection import ProtocolSpec
from ryu_alg.settings import describe, load
from tests.settings.conftest import ROOT

EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_valid(example: Path, built_in: Mapping[str, ProtocolSpec]) -> None:
    settings = load(example, built_in)

    assert "ftp" in settings.protocols
    assert settings.gateway.datapath_id in describe(settings)


def test_the_lab_is_what_the_lab_builds(built_in: Mapping[str, ProtocolSpec]) -> None:
    settings = load(ROOT / "config" / "lab.yaml", built_in)
    topology = yaml.safe_load((ROOT / "openvswitch" / "topologies" / "nat.yaml").read_text())

    bridge = topology["bridges"]["br-alg"]
    assert bridge["datapath_id"] == settings.gateway.datapath_id
    by_port = {network.port: network for network in settings.realms.networks}
    patches = {patch["port"]: patch["to"] for patch in topology["patches"]}
    for host in topology["hosts"].values():
        behind = [port for port, far in patches.items() if far == host["bridge"]]
        network = by_port[behind[0] if behind else host["port"]]
        for address in host["addresses"]:
            assert ip_interface(address).network in network.prefixes
        routers = {str(interface.ip) for interface in network.addresses}
        assert set(host["gateways"]) <= routers
