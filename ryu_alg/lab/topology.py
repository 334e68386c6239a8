"""The topology file: bridges, the patches between them, and hosts.

Everything is checked here, before anything is built, so that a mistake in the file costs
one line of error and no clean-up.
"""

import re
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ryu_alg import resources
from ryu_alg.lab.errors import LabError

# The namespace of the switch and the controller; no topology may have a host of that name.
GATEWAY = "gateway"

# Linux allows interface names of at most 15 bytes (IFNAMSIZ less the closing NUL).
PortName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,14}$")]
HostName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
DatapathId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
ControllerTarget = Annotated[str, Field(pattern=r"^(tcp|ssl):[0-9A-Fa-f.:\[\]]+:[0-9]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Bridge(_Strict):
    """An OVS bridge with the userspace datapath.

    Without a controller it is a plain learning switch. `protocols` are the OpenFlow versions
    that a controlled bridge speaks. `ct_zone` is the zone of its gateway's configuration, which
    gets the time-outs of a production switch.
    """

    datapath_id: DatapathId | None = None
    controller: ControllerTarget | None = None
    fail_mode: Literal["secure", "standalone"] | None = None
    protocols: list[str] = ["OpenFlow13", "OpenFlow15"]
    ct_zone: Annotated[int, Field(ge=1, le=65535)] | None = None

    @property
    def effective_fail_mode(self) -> Literal["secure", "standalone"]:
        """As the file says, or else secure exactly where a controller is to decide."""
        return self.fail_mode or ("secure" if self.controller else "standalone")


class Patch(_Strict):
    """A cable between two bridges: `port` on `from`, `peer` on `to`.

    Of kind `patch`, what goes through it stays within Open vSwitch. That loses a packet-out
    which connection tracking of the other bridge takes up; with `veth`, the bridges are as if on
    two machines.
    """

    from_: str = Field(alias="from")
    port: PortName
    to: str
    peer: PortName
    kind: Literal["patch", "veth"] = "patch"


class HostSpec(_Strict):
    """A network namespace with one interface, `eth0`, plugged into `port` of `bridge`."""

    bridge: str
    port: PortName
    addresses: list[IPv4Interface | IPv6Interface] = Field(min_length=1)
    gateways: list[IPv4Address | IPv6Address] = []

    @model_validator(mode="after")
    def _gateways_are_neighbours(self) -> "HostSpec":
        for gateway in self.gateways:
            if not any(gateway in address.network for address in self.addresses):
                raise ValueError(f"gateway {gateway} is in none of the host's own networks")
        return self


class Topology(_Strict):
    """A whole lab, as one YAML file describes it."""

    bridges: dict[PortName, Bridge] = Field(min_length=1)
    patches: list[Patch] = []
    hosts: dict[HostName, HostSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit_together(self) -> "Topology":
        # Bridges, ports and patch ends share one name space: OVS's interface table.
        taken = set(self.bridges)
        ends = [(f"host {name}", host.bridge, host.port) for name, host in self.hosts.items()]
        for patch in self.patches:
            ends.append((f"patch {patch.port}", patch.from_, patch.port))
            ends.append((f"patch {patch.port}", patch.to, patch.peer))
        for owner, bridge, port in ends:
            if bridge not in self.bridges:
                raise ValueError(f"{owner}: no bridge {bridge}")
            if port in taken:
                raise ValueError(f"{owner}: the port name {port} is taken already")
            taken.add(port)
        if GATEWAY in self.hosts:
            raise ValueError(f"{GATEWAY} is the name of the switch's own namespace, not a host's")
        ids = [bridge.datapath_id for bridge in self.bridges.values() if bridge.datapath_id]
        if len(ids) != len(set(ids)):
            raise ValueError("two bridges have the same datapath_id")
        return self

    @property
    def has_ipv6(self) -> bool:
        """Whether any host has an IPv6 address."""
        return any(a.version == 6 for host in self.hosts.values() for a in host.addresses)

    def with_controller(self, target: str) -> "Topology":
        """The same topology, its controlled bridges connecting to `target` instead."""
        if not re.fullmatch(r"(tcp|ssl):[0-9A-Fa-f.:\[\]]+:[0-9]+", target):
            raise LabError(f"controller {target!r}: expected something like tcp:127.0.0.1:6653")
        bridges = {
            name: bridge.model_copy(update={"controller": target}) if bridge.controller else bridge
            for name, bridge in self.bridges.items()
        }
        return self.model_copy(update={"bridges": bridges})


def load(name: str | Path) -> Topology:
    """A topology that ships with ryu_alg, by its bare name (`nat`), or any file, by its path.

    Raises LabError naming file and key.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        shipped = resources.folder("topologies")
        path = shipped / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in shipped.glob("*.yaml"))) or "none"
            raise LabError(f"no topology {name}; there are: {known}, or give a .yaml file")
    try:
        return Topology.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise LabError(f"{path}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise LabError(f"{path}: {_first_line(error)}") from None


def _first_line(error: ValidationError) -> str:
    first, more = error.errors()[0], error.error_count() - 1
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return (f"{where}: " if where else "") + what + (f" (and {more} more)" if more else "")
