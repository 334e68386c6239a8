"""Asks Open vSwitch by its own tools, which say by OVS_RUNDIR and --db which one is meant."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

from ryu_alg.doctor.flows import Flow, parse_difference, parse_dump
from ryu_alg.openflow.certificates import Certificates

TIMEOUT = 30
"""Seconds for one question."""
_VERSION = re.compile(r"\(Open vSwitch\) (\d+)\.(\d+)\.(\d+)")
_DIFFERENT = 2
"""Exit status of `ovs-ofctl diff-flows`."""


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
        rows = self._rows("Bridge", "name,datapath_id,fail_mode,protocols,controller,ports")
        found = [row for row in rows if row["datapath_id"] == datapath_id]
        if not found:
            known = ", ".join(f"{row['name']} {row['datapath_id']}" for row in rows) or "none"
            raise ToolError(
                f"no bridge has datapath id {datapath_id}; there are: {known}. Run `ovs-vsctl set "
                f"bridge NAME other-config:datapath-id={datapath_id}`"
            )
        row = found[0]
        controllers = {
            it["_uuid"]: it for it in self._rows("Controller", "_uuid,target,is_connected")
        }
        ports = {it["_uuid"]: it for it in self._rows("Port", "_uuid,name")}
        numbers = {it["name"]: it["ofport"] for it in self._rows("Interface", "name,ofport")}
        names = [ports[uuid]["name"] for uuid in _members(row["ports"]) if uuid in ports]
        modes = _members(row["fail_mode"])
        return Bridge(
            row["name"],
            # Nobody has set any.
            str(modes[0]) if modes else "standalone",
            tuple(_members(row["protocols"])),
            {
                controllers[uuid]["target"]: bool(controllers[uuid]["is_connected"])
                for uuid in _members(row["controller"])
                if uuid in controllers
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

    def _rows(self, table: str, columns: str) -> list[dict[str, Any]]:
        database = [] if self.database is None else [f"--db={self.database}"]
        if self.certificates is not None:
            files = self.certificates
            database += [f"--private-key={files.private_key}"]
            database += [f"--certificate={files.certificate}", f"--ca-cert={files.ca}"]
        options = [f"--timeout={TIMEOUT}", "--format=json", f"--columns={columns}"]
        answer = json.loads(_run("ovs-vsctl", *database, *options, "list", table))
        rows = (dict(zip(answer["headings"], row, strict=True)) for row in answer["data"])
        return [{name: _scalar(value) for name, value in row.items()} for row in rows]


def _ofctl(*arguments: str, also: int = 0) -> str:
    return _run("ovs-ofctl", "-O", "OpenFlow13", *arguments, also=also)


def _run(program: str, *arguments: str, also: int = 0) -> str:
    """What it prints, if its exit status is 0 or `also`."""
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=TIMEOUT + 5, check=False
        )
    except FileNotFoundError as error:
        raise ToolError(f"{program} is missing: apt-get install openvswitch-switch") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{program} does not come to an end: does Open vSwitch run?") from error
    if done.returncode not in (0, also):
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise ToolError(f"{said}: does Open vSwitch run here, and is this root?")
    return done.stdout


def _scalar(value: Any) -> Any:
    """OVSDB's notation (RFC 7047 section 5.1) without its uuids' wrapping."""
    match value:
        case ["uuid", text]:
            return text
        case ["set", members]:
            return [_scalar(member) for member in members]
        case _:
            return value


def _members(value: Any) -> list[Any]:
    """A set's members: one alone stands for itself."""
    return value if isinstance(value, list) else [value]
