"""What has to be right around a gateway before it can work, and what to do where it is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ryu_alg.doctor.openvswitch import Bridge, OpenVSwitch, ToolError

OLDEST = (2, 12)
"""The first Open vSwitch with `check_pkt_larger`."""
FORGETTING = (3, 1)
"""The first that forgets connections when it is told to (NXT_CT_FLUSH)."""
OPENFLOW = "OpenFlow13"


class Outcome(Enum):
    """How a check has ended."""

    OK = "ok"
    NOTE = "note"
    """It works, with something missing."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Stable: `fail_mode`."""
    outcome: Outcome
    detail: str
    remedy: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        text = f"{self.outcome.value:<6} {self.name:<14} {self.detail}"
        return f"{text}; {self.remedy}" if self.remedy else text


def version(switch: OpenVSwitch) -> Check:
    """Whether this Open vSwitch knows what the pipeline uses."""
    name = "version"
    try:
        found = switch.version()
    except ToolError as error:
        return Check(name, Outcome.FAILED, str(error))
    shown = f"Open vSwitch {'.'.join(map(str, found))}"
    if found < OLDEST:
        return Check(
            name, Outcome.FAILED, shown, f"{'.'.join(map(str, OLDEST))} is needed: upgrade"
        )
    if found < FORGETTING:
        remedy = "from 3.1 on, the connections of closed media are forgotten; here they are cut"
        return Check(name, Outcome.NOTE, shown, remedy)
    return Check(name, Outcome.OK, shown)


def of_bridge(bridge: Bridge, wanted_ports: tuple[str, ...], *, served: bool) -> Iterator[Check]:
    """What the database says of the gateway's bridge. `served`: the gateway says that it is
    connected, which the database may be seconds late with."""
    yield Check("bridge", Outcome.OK, bridge.name)
    if bridge.fail_mode == "secure":
        yield Check("fail_mode", Outcome.OK, "secure")
    else:
        yield Check(
            "fail_mode",
            Outcome.FAILED,
            f"{bridge.fail_mode}: without its controller it would forward everything",
            f"run `ovs-vsctl set-fail-mode {bridge.name} secure`",
        )
    if not bridge.protocols or OPENFLOW in bridge.protocols:
        yield Check("openflow", Outcome.OK, OPENFLOW)
    else:
        yield Check(
            "openflow",
            Outcome.FAILED,
            f"only {', '.join(bridge.protocols)}",
            f"run `ovs-vsctl set bridge {bridge.name} protocols={OPENFLOW}`",
        )
    yield _controller(bridge, served)
    if bridge.controllers:
        yield _transport(bridge)
    missing = [name for name in wanted_ports if bridge.ports.get(name, -1) < 1]
    if missing:
        yield Check(
            "ports",
            Outcome.FAILED,
            f"{', '.join(missing)} of the configuration missing, or without an interface",
            f"run `ovs-vsctl add-port {bridge.name} {missing[0]}`, or correct `realms`",
        )
    else:
        yield Check("ports", Outcome.OK, ", ".join(dict.fromkeys(wanted_ports)))


def _controller(bridge: Bridge, served: bool) -> Check:
    name, shown = "controller", ", ".join(bridge.controllers)
    if not bridge.controllers:
        remedy = f"run `ovs-vsctl set-controller {bridge.name} tcp:127.0.0.1:6653`"
        return Check(name, Outcome.FAILED, "none", remedy)
    if not (served or any(bridge.controllers.values())):
        remedy = "is `ryu-alg run` running, and does it listen there?"
        return Check(name, Outcome.FAILED, f"{shown} not connected", remedy)
    return Check(name, Outcome.OK, f"{shown} connected")


def _transport(bridge: Bridge) -> Check:
    """Whether somebody else can be the controller, or listen to it."""
    name = "transport"
    exposed = [target for target in bridge.controllers if not _is_safe(target)]
    if exposed:
        return Check(
            name,
            Outcome.NOTE,
            f"{', '.join(exposed)}: whoever is on the way can be the controller",
            f"set `openflow.tls`, then run `ovs-vsctl set-ssl KEY CERTIFICATE CA` and "
            f"`ovs-vsctl set-controller {bridge.name} {_over_tls(exposed[0])}`",
        )
    tls = any(target.startswith("ssl:") for target in bridge.controllers)
    return Check(name, Outcome.OK, "TLS" if tls else "this machine only")


def _is_safe(target: str) -> bool:
    """`ssl:HOST:PORT`, `unix:PATH`, or `tcp:HOST:PORT` with a host that is this one."""
    kind, _, where = target.partition(":")
    if kind in ("ssl", "unix"):
        return True
    address = where if where.endswith("]") else where.rpartition(":")[0] or where
    try:
        return kind == "tcp" and ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _over_tls(target: str) -> str:
    kind, _, where = target.partition(":")
    return f"ssl:{where}" if kind == "tcp" else "ssl:HOST:6653"


def meters(switch: OpenVSwitch, bridge: str) -> Check:
    """Whether floods can be kept from the controller."""
    try:
        found = switch.meters(bridge)
    except ToolError as error:
        return Check("meters", Outcome.FAILED, str(error))
    if not found:
        remedy = "they need the userspace datapath, or a Linux kernel from 4.15 on"
        return Check("meters", Outcome.FAILED, "the datapath has none", remedy)
    return Check("meters", Outcome.OK, f"up to {found}")


def of_gateway(status: dict[str, Any], datapath_id: str, config: Path) -> Iterator[Check]:
    """What the running gateway says of itself. KeyError if it does not."""
    yield Check("gateway", Outcome.OK, f"version {status['version']} answers")
    if status["datapath_id"] != datapath_id:
        yield Check(
            "switch",
            Outcome.FAILED,
            f"the running gateway serves {status['datapath_id']}, the file says {datapath_id}",
            "is this its configuration, or that of another gateway? see --url",
        )
    elif not status["connected"]:
        remedy = "`ryu-alg events` says why: look for switch.*"
        yield Check("switch", Outcome.FAILED, "not served", remedy)
    else:
        yield Check("switch", Outcome.OK, "has the pipeline")
    yield in_force(status, config)


def in_force(status: dict[str, Any], config: Path) -> Check:
    """Whether the running gateway goes by this file as it is now."""
    name = "in_force"
    if same_file(status, config):
        return Check(name, Outcome.OK, str(config))
    remedy = "reload it: `systemctl reload ryu-alg`, or POST /v1.0/alg/config"
    return Check(name, Outcome.FAILED, f"the running gateway has not {config} as it is now", remedy)


def same_file(status: dict[str, Any], config: Path) -> bool:
    """Whether the configuration in force is the content of this file."""
    try:
        digest = hashlib.sha256(config.read_bytes()).hexdigest()
    except OSError:
        return False
    return bool(status["config"]["sha256"] == digest)
