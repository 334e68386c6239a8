"""Asks Open vSwitch: its database, and ovs-ofctl. OVS_RUNDIR says which one is this machine's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import NamedTemporaryFile

from ryu_alg.doctor.flows import Flow, parse_difference, parse_dump
from ryu_alg.openflow.certificates import Certificates
from ryu_alg.openflow.ovsdb import OvsdbError, local_database, members, mode, tables

TIMEOUT = 30
"""Seconds for one question."""
_VERSION = re.compile(r"\(Open vSwitch\) (\d+)\.(\d+)\.(\d+)")
_DIFFERENT = 2
"""Exit status of `ovs-ofctl diff-flows`."""
_TABLES = {
    "Bridge": ("name", "datapath_id", "fail_mode", "protocols", "controller", "ports"),
    "Controller": ("_uuid", "target", "is_connected"),
    "Port": ("_uuid", "name"),
    "Interface": ("name", "ofport"),
}
_REMEDY = "does Open vSwitch run here, and is this root?"


class ToolError(Exception):
    """A question was not answered; says why in one line, and what to do."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """What the database says of a bridge."""

    name: str
    fail_mode: str
    protocols: tuple[str, ...]
    """Of OpenFlow; empty: those that Open vSwitch has by default."""
    controllers: Mapping[str, bool]
    """Whether each is connected."""
    ports: Mapping[str, int]
    """OpenFlow port numbers by name; -1 of one that does not work."""


@dataclass(frozen=True, slots=True)
class OpenVSwitch:
    """One Open vSwitch."""

    database: str | None = None
    """`unix:PATH`, `tcp:HOST:PORT` or `ssl:HOST:PORT`; None: this machine's."""
    certificates: Certificates | None = None
    """For the last of these."""

    def version(self) -> tuple[int, ...]:
        """`(3, 1, 0)`. Raises ToolError, as all of these do."""
        printed = _run("ovs-ofctl", "--version")
        found = _VERSION.search(printed)
        if found is None:
            raise ToolError("ovs-ofctl --version names none: is it Open vSwitch's?")
        return tuple(map(int, found.groups()))

    def bridge(self, datapath_id: str) -> Bridge:
        """The one with this datapath id (16 hexadecimal digits)."""
        database = self.database or local_database()
        if database is None:
            raise ToolError(f"there is no database of Open vSwitch: {_REMEDY}")
        try:
            found = tables(database, _TABLES, self.certificates, patience=TIMEOUT)
        except OvsdbError as error:
            raise ToolError(f"{error}: {_REMEDY}") from error
        row = next((it for it in found["Bridge"] if it["datapath_id"] == datapath_id), None)
        if row is None:
            bridges = (f"{it['name']} {it['datapath_id']}" for it in found["Bridge"])
            known = ", ".join(bridges) or "none"
            raise ToolError(
                f"no bridge has datapath id {datapath_id}; there are: {known}. Run `ovs-vsctl set "
                f"bridge NAME other-config:datapath-id={datapath_id}`"
            )
        controllers = {it["_uuid"]: it for it in found["Controller"]}
        ports = {it["_uuid"]: it for it in found["Port"]}
        numbers = {it["name"]: it["ofport"] for it in found["Interface"]}
        names = [ports[uuid]["name"] for uuid in members(row["ports"])]
        return Bridge(
            row["name"],
            mode(row),
            tuple(members(row["protocols"])),
            {
                controllers[uuid]["target"]: bool(controllers[uuid]["is_connected"])
                for uuid in members(row["controller"])
            },
            {name: numbers[name] if isinstance(numbers.get(name), int) else -1 for name in names},
        )

    def meters(self, bridge: str) -> int:
        """How many a bridge may have."""
        for line in _ofctl("meter-features", bridge).splitlines():
            for word in line.split():
                if word.startswith("max_meter:"):
                    return int(word.removeprefix("max_meter:"), 0)
        return 0

    def flows(self, bridge: str) -> list[Flow]:
        """All of a bridge: its name, or where ovs-ofctl reaches it (`tcp:192.0.2.1:6640`)."""
        return parse_dump(_ofctl("--no-stats", "--no-names", "dump-flows", bridge))

    def difference(self, bridge: str, pipeline: list[str]) -> tuple[list[Flow], list[Flow]]:
        """The flows that only the bridge has, and those that only `pipeline` has."""
        with NamedTemporaryFile("w", prefix="ryu-alg-", suffix=".flows") as file:
            file.write("\n".join(pipeline) + "\n")
            file.flush()
            printed = _ofctl("--no-names", "diff-flows", bridge, file.name, also=_DIFFERENT)
        return parse_difference(printed)


def _ofctl(*arguments: str, also: int = 0) -> str:
    return _run("ovs-ofctl", "-O", "OpenFlow13", *arguments, also=also)


def _run(program: str, *arguments: str, also: int = 0) -> str:
    """What it prints, if its exit status is 0 or `also`."""
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError as error:
        raise ToolError(f"{program} is missing: apt-get install openvswitch-switch") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{program} does not come to an end: does Open vSwitch run?") from error
    if done.returncode not in (0, also):
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise ToolError(f"{said}: {_REMEDY}")
    return done.stdout
