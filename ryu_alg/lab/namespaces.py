"""Network namespaces as hosts, by way of iproute2's `ip netns`."""

import contextlib
import ctypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ryu_alg.lab import process
from ryu_alg.lab.errors import LabError

_NAMED = Path("/run/netns")
_ROUNDS = 5
_CLONE_NEWNET = 0x40000000

# A new namespace may inherit the machine's own settings (net.core.devconf_inherit_init_net):
# a lab on a router would forward behind the switch's back. Duplicate address detection would
# keep every IPv6 address unusable for its first second.
_SETTINGS = {
    "ipv4/ip_forward": "0",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/all/disable_ipv6": "0",
}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A named network namespace; its name is that of its file in /run/netns."""

    name: str

    @property
    def exists(self) -> bool:
        """Whether it is there now."""
        return (_NAMED / self.name).exists()

    def create(self, *, ipv6: bool) -> None:
        """Make it, with the loopback interface up.

        `ipv6` is whether interfaces yet to come get IPv6: the switch's must not, or the
        kernel would speak on the switch's ports.
        """
        process.run(["ip", "netns", "add", self.name])
        settings = {**_SETTINGS, "ipv6/conf/default/disable_ipv6": "0" if ipv6 else "1"}
        lines = [
            f"[ ! -e /proc/sys/net/{key} ] || echo {value} > /proc/sys/net/{key}"
            for key, value in settings.items()
        ]
        self.run(["sh", "-ec", "\n".join([*lines, "ip link set lo up"])])

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` in here; `ip` gives way to it, same pid."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, command: Sequence[str], *, env: dict[str, str] | None = None) -> str:
        """Run one of the lab's own tools in here; LabError if it fails."""
        return process.run(self.argv(command), env=env)

    def ip(self, *lines: str) -> None:
        """Have `ip` carry out a batch of commands in here; LabError at the first that fails."""
        process.run(["ip", "-n", self.name, "-batch", "-"], stdin="\n".join(lines) + "\n")

    def enter(self) -> None:
        """Move the calling thread into it, for good: sockets that it opens are in here then."""
        # os.setns comes with Python 3.12 only.
        libc = ctypes.CDLL(None, use_errno=True)
        with open(_NAMED / self.name, "rb") as file:
            if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise LabError(f"entering {self.name}: {os.strerror(ctypes.get_errno())}")

    def pids(self) -> list[int]:
        """The processes that are in here now."""
        try:
            return [int(pid) for pid in process.run(["ip", "netns", "pids", self.name]).split()]
        except LabError:
            # A file with no namespace mounted on it, as a crash in `ip netns add` leaves it.
            return []


def delete(doomed: Iterable[Namespace]) -> None:
    """End every process in these namespaces and remove them."""
    doomed = [namespace for namespace in doomed if namespace.exists]
    # A process may start another while its name is being read: a few rounds find them all.
    for _ in range(_ROUNDS):
        pids = [pid for namespace in doomed for pid in namespace.pids()]
        if not pids:
            break
        process.end(pids)
    for namespace in doomed:
        process.run(["ip", "netns", "delete", namespace.name])


def with_prefix(prefix: str) -> list[Namespace]:
    """The namespaces whose names begin with `prefix`."""
    if not _NAMED.is_dir():
        return []
    return [Namespace(file.name) for file in sorted(_NAMED.glob(f"{prefix}*"))]


def current() -> Namespace | None:
    """The named namespace that we run in, if any."""
    ours = os.stat("/proc/self/ns/net")
    for namespace in with_prefix(""):
        with contextlib.suppress(OSError):
            theirs = os.stat(_NAMED / namespace.name)
            if (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino):
                return namespace
    return None


def connect(switch: Namespace, port: str, host: Namespace, mac: str) -> None:
    """Join `eth0` of `host` to `port` of `switch` by a veth pair, up at both ends."""
    switch.ip(
        f"link add name {port} type veth peer name eth0 address {mac} netns {host.name}",
        f"link set {port} up",
    )
    _offloads_off(switch, port)
    _offloads_off(host, "eth0")
    host.ip("link set eth0 up")


def join(switch: Namespace, port: str, peer: str) -> None:
    """Join two ports of `switch` by a veth pair, up at both ends."""
    switch.ip(
        f"link add name {port} type veth peer name {peer}",
        f"link set {port} up",
        f"link set {peer} up",
    )
    for end in (port, peer):
        _offloads_off(switch, end)


def _offloads_off(namespace: Namespace, interface: str) -> None:
    """What is sent must have its real checksum and real segments: the userspace datapath passes
    frames on as they are."""
    off = [word for name in ("tx", "sg", "tso", "gso", "gro") for word in (name, "off")]
    namespace.run(["ethtool", "-K", interface, *off])
