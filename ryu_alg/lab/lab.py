"""A lab: built, found again, asked, and taken down.

What there is to know about a lab is in the kernel (namespaces called `alg-<lab>-<host>`) and
in its folder under /run/ryu-alg-lab; no process keeps it. So whatever has crashed, `down`
finds all of it, and the command and the tests share labs.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from ryu_alg.lab import namespaces, process
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.namespaces import Namespace
from ryu_alg.lab.openvswitch import OpenVSwitch
from ryu_alg.lab.topology import GATEWAY, Topology, load

DEFAULT_NAME = "lab"
_RUN = Path("/run/ryu-alg-lab")
# No hyphen: `alg-<lab>-` must not be the beginning of another lab's names too.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a running lab, or its gateway; commands run with its network."""

    name: str
    namespace: Namespace
    environment: dict[str, str]

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` on this host."""
        return self.namespace.argv(command)

    def environ(self, env: dict[str, str] | None = None) -> dict[str, str]:
        """The environment of commands on this host, `env` added last."""
        # Our own scripts too, so that `ryu-alg` is found from a virtual environment that is
        # not activated; last, so that nothing else changes.
        path = [process.search_path(), str(Path(sys.executable).parent)]
        return {**os.environ, "PATH": os.pathsep.join(path), **self.environment, **(env or {})}

    def run(
        self, command: Sequence[str], *, env: dict[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """`subprocess.run` on this host, its output captured as text unless `options` differ."""
        options = {"capture_output": True, "text": True, **options}
        return subprocess.run(self.argv(command), env=self.environ(env), **options)

    def popen(
        self, command: Sequence[str], *, env: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """`subprocess.Popen` on this host, in text mode; the pid is the command's own."""
        options = {"text": True, **options}
        return subprocess.Popen(self.argv(command), env=self.environ(env), **options)


class Lab:
    """A lab that is up. `Lab.up(...)` builds one, `Lab.find(...)` finds one that is there.

    As a context manager it is taken down at the end.
    """

    def __init__(self, name: str, topology: Topology) -> None:
        """Used by `up` and `find`."""
        self.name = name
        self.topology = topology
        self.directory = directory(name)
        self.switch = OpenVSwitch(self.directory / "ovs", _namespace(name, GATEWAY))

    @classmethod
    def up(
        cls,
        topology: str | Path | Topology = "nat",
        name: str = DEFAULT_NAME,
        *,
        controller: str | None = None,
        replace: bool = False,
        when_up: Callable[[], object] = lambda: None,
    ) -> Self:
        """Build a lab from a topology, a shipped one's name, or a file.

        `controller` replaces the OpenFlow target that the topology has. LabError if a lab of
        that name is there (unless `replace`) or if it cannot be built. Whatever is raised, until
        `when_up` has returned, leaves nothing.
        """
        _check_name(name)
        process.require_root()
        process.require_tools()
        if not isinstance(topology, Topology):
            topology = load(topology)
        if controller is not None:
            topology = topology.with_controller(controller)
        if topology.has_ipv6 and not Path("/proc/sys/net/ipv6").is_dir():
            raise LabError("the topology has IPv6 addresses, but this kernel has IPv6 off")
        if _remains(name):
            if not replace:
                raise LabError(
                    f"lab {name} is {'up' if _state(name).exists() else 'half up'} already: "
                    f"ryu-alg lab down{_option(name)}, or ryu-alg lab up --replace{_option(name)}"
                )
            down(name)
        lab = cls(name, topology)
        try:
            lab.directory.mkdir(parents=True)
        except FileExistsError:
            raise LabError(f"lab {name} is being brought up by somebody else") from None
        try:
            lab._build()
            when_up()
        except BaseException:
            down(name)
            raise
        return lab

    @classmethod
    def find(cls, name: str = DEFAULT_NAME) -> Self:
        """The lab of that name; LabError if it is not up."""
        _check_name(name)
        process.require_root()
        try:
            state = json.loads(_state(name).read_text(encoding="utf-8"))
            return cls(name, Topology.model_validate(state["topology"]))
        except FileNotFoundError:
            others = ", ".join(up_now())
            hint = f"these are: {others}" if others else f"ryu-alg lab up{_option(name)}"
            raise LabError(f"lab {name} is not up; {hint}") from None
        except (ValueError, KeyError, ValidationError):
            raise LabError(
                f"lab {name} was made by another version: ryu-alg lab down{_option(name)}"
            ) from None

    def down(self) -> None:
        """Take it down; see the function of that name."""
        down(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def host(self, name: str) -> Host:
        """A host of this lab, or `gateway`; LabError if there is none of that name."""
        if name != GATEWAY and name not in self.topology.hosts:
            known = ", ".join([*self.topology.hosts, GATEWAY])
            raise LabError(f"lab {self.name} has no host {name}; it has: {known}")
        namespace = _namespace(self.name, name)
        if not namespace.exists:
            raise LabError(f"lab {self.name} has lost its host {name}: ryu-alg lab up --replace")
        environment = {"RYU_ALG_LAB": self.name, "RYU_ALG_HOST": name}
        if name == GATEWAY:
            environment |= self.switch.environment
        return Host(name, namespace, environment)

    def ovs_vsctl(self, *arguments: str) -> str:
        """What `ovs-vsctl ARGUMENTS` on the lab's switch prints; LabError if it fails."""
        return self.switch.vsctl(*arguments)

    def ovs_ofctl(self, *arguments: str) -> str:
        """What `ovs-ofctl -O OpenFlow13 ARGUMENTS` prints; LabError if it fails."""
        return self.switch.ofctl(*arguments)

    def appctl(self, *arguments: str) -> str:
        """What `ovs-appctl ARGUMENTS` prints; LabError if it fails."""
        return self.switch.appctl(*arguments)

    def wait_controller(self, timeout: float = 10.0) -> None:
        """Return once each controlled bridge has its controller; LabError after `timeout` s."""
        for name, bridge in self.topology.bridges.items():
            if bridge.controller:
                self.switch.wait_connected(name, bridge.controller, timeout)

    def status(self) -> dict[str, Any]:
        """Hosts and switch as they are now, ready for JSON."""
        running = self.switch.running()
        return {
            "name": self.name,
            "directory": str(self.directory),
            "hosts": [
                {
                    "name": name,
                    "namespace": _namespace(self.name, name).name,
                    "up": _namespace(self.name, name).exists,
                    "bridge": host.bridge,
                    "port": host.port,
                    "addresses": [str(address) for address in host.addresses],
                    "gateways": [str(gateway) for gateway in host.gateways],
                }
                for name, host in self.topology.hosts.items()
            ],
            "switch": {
                "running": running,
                "namespace": self.switch.namespace.name,
                "bridges": self.switch.bridges() if running else [],
            },
        }

    def _build(self) -> None:
        gateway = self.switch.namespace
        gateway.create(ipv6=False)
        for number, (name, host) in enumerate(self.topology.hosts.items(), start=1):
            namespace = _namespace(self.name, name)
            namespace.create(ipv6=True)
            # Readable in a capture, and the same each time.
            mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
            namespaces.connect(gateway, host.port, namespace, mac)
            namespace.ip(
                *(f"address add {a} dev eth0{' nodad' * (a.version == 6)}" for a in host.addresses),
                *(f"route add default via {gateway}" for gateway in host.gateways),
            )
        for patch in self.topology.patches:
            if patch.kind == "veth":
                namespaces.join(gateway, patch.port, patch.peer)
        self.switch.start()
        self.switch.build(self.topology)
        state = {"topology": self.topology.model_dump(mode="json", by_alias=True)}
        # Written last and in one step: it is what says that the lab is up.
        unfinished = self.directory / "lab.json.new"
        unfinished.write_text(json.dumps(state, indent=1), encoding="utf-8")
        unfinished.rename(_state(self.name))


def down(name: str = DEFAULT_NAME) -> bool:
    """Remove everything of a lab: processes, namespaces, files; whether there was anything.

    Needs nothing to be in order: a lab half built or half killed is removed as well.
    """
    _check_name(name)
    process.require_root()
    parts = namespaces.with_prefix(f"alg-{name}-")
    inside = namespaces.current()
    if inside in parts:
        raise LabError(f"this shell is in the lab, as {inside.name}: leave it first")
    found = _remains(name)
    # The state goes first: from here on, nobody finds this lab up.
    _state(name).unlink(missing_ok=True)
    process.end(OpenVSwitch(directory(name) / "ovs", _namespace(name, GATEWAY)).pids())
    namespaces.delete(parts)
    shutil.rmtree(directory(name), ignore_errors=True)
    with contextlib.suppress(OSError):
        _RUN.rmdir()
    return found


def up_now() -> list[str]:
    """The names of the labs that are up."""
    return sorted(file.parent.name for file in _RUN.glob("*/lab.json"))


def directory(name: str) -> Path:
    """Where a lab of that name keeps its files."""
    return _RUN / name


def _state(name: str) -> Path:
    return directory(name) / "lab.json"


def _namespace(lab: str, host: str) -> Namespace:
    return Namespace(f"alg-{lab}-{host}")


def _remains(name: str) -> bool:
    return directory(name).exists() or bool(namespaces.with_prefix(f"alg-{name}-"))


def _option(name: str) -> str:
    return "" if name == DEFAULT_NAME else f" --name {name}"


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise LabError(
            f"lab name {name!r}: a letter, then up to 30 letters, digits or underscores, lower case"
        )
