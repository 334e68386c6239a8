"""The topology file: what it may say, and how a mistake is told."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ryu_alg import resources
from ryu_alg.lab import LabError, topology

GOOD: dict[str, Any] = {
    "bridges": {
        "br-a": {"datapath_id": "0000000000000001", "controller": "tcp:127.0.0.1:6653"},
        "br-b": {},
    },
    "patches": [{"from": "br-a", "port": "up", "to": "br-b", "peer": "down"}],
    "hosts": {
        "one": {
            "bridge": "br-a",
            "port": "p1",
            "addresses": ["10.0.0.2/24", "2001:db8::2/64"],
            "gateways": ["10.0.0.1", "2001:db8::1"],
        },
        "two": {"bridge": "br-b", "port": "p2", "addresses": ["10.1.0.2/24"]},
    },
}


def write(folder: Path, content: object) -> Path:
    path = folder / "t.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_good_file(tmp_path: Path) -> None:
    loaded = topology.load(write(tmp_path, GOOD))
    assert loaded.bridges["br-a"].effective_fail_mode == "secure"
    assert loaded.bridges["br-b"].effective_fail_mode == "standalone"
    assert loaded.has_ipv6


def test_other_controller(tmp_path: Path) -> None:
    loaded = topology.load(write(tmp_path, GOOD)).with_controller("tcp:127.0.0.1:6633")
    assert loaded.bridges["br-a"].controller == "tcp:127.0.0.1:6633"
    assert loaded.bridges["br-b"].controller is None
    with pytest.raises(LabError, match=r"'localhost': expected something like tcp:127"):
        loaded.with_controller("localhost")


@pytest.mark.parametrize(
    "path", sorted(resources.folder("topologies").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_ones_are_good(path: Path) -> None:
    assert topology.load(path.stem) == topology.load(path)


MISTAKES: list[tuple[str, list[str | int], object, str]] = [
    ("no such bridge", ["hosts", "one", "bridge"], "br-x", "host one: no bridge br-x"),
    ("port twice", ["hosts", "two", "port"], "p1", "host two: the port name p1 is taken"),
    ("port named as bridge", ["hosts", "two", "port"], "br-a", "the port name br-a is taken"),
    ("long port", ["hosts", "one", "port"], "p" * 16, "hosts.one.port: String should match"),
    ("patch to nowhere", ["patches", 0, "to"], "br-x", "patch up: no bridge br-x"),
    ("far gateway", ["hosts", "one", "gateways"], ["10.9.0.1"], "gateway 10.9.0.1 is in none"),
    ("no address", ["hosts", "one", "addresses"], [], "hosts.one.addresses: "),
    ("odd address", ["hosts", "one", "addresses"], ["10.0.0.256/24"], "hosts.one.addresses.0"),
    ("short dpid", ["bridges", "br-a", "datapath_id"], "1", "bridges.br-a.datapath_id: "),
    ("same dpid", ["bridges", "br-b", "datapath_id"], "0000000000000001", "the same datapath_id"),
    ("odd controller", ["bridges", "br-a", "controller"], "6653", "bridges.br-a.controller: "),
    ("odd fail mode", ["bridges", "br-a", "fail_mode"], "open", "bridges.br-a.fail_mode: "),
    ("unknown key", ["bridges", "br-a", "colour"], "red", "bridges.br-a.colour: Extra inputs"),
    ("host gateway", ["hosts", "gateway"], GOOD["hosts"]["one"] | {"port": "p3"}, "gateway is the"),
    ("host name", ["hosts", "One"], GOOD["hosts"]["two"] | {"port": "p3"}, "hosts.One.[key]: "),
    ("no hosts", ["hosts"], {}, "hosts: "),
]


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [mistake[1:] for mistake in MISTAKES],
    ids=[mistake[0] for mistake in MISTAKES],
)
def test_mistakes(tmp_path: Path, where: list[str | int], value: object, complaint: str) -> None:
    content: Any = copy.deepcopy(GOOD)
    inner = content
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    path = write(tmp_path, content)
    with pytest.raises(LabError) as caught:
        topology.load(path)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "a: [", "- 1", "\t", "bridges: 3\nhosts: 3"])
def test_no_topology_at_all(tmp_path: Path, content: str) -> None:
    with pytest.raises(LabError) as caught:
        topology.load(write(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_unknown_name_says_what_there_is() -> None:
    with pytest.raises(LabError, match=r"no topology nowhere; there are: .*\bnat\b"):
        topology.load("nowhere")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file"):
        topology.load(tmp_path / "none.yaml")
