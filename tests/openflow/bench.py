"""A private Open vSwitch with hosts around it, and an OpenFlow client of a few lines.

Everything is in network namespaces of its own, and goes when the bench is closed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds to wait for what will happen, however slow the machine is."""

_CLONE_NEWNET = 0x4000_0000
_PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 17, 0x4206, 0x4207
_WALL = 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)
BRIDGE = "gw"


def run(
    *command: str, text: str = "", check: bool = True, env: Mapping[str, str] | None = None
) -> str:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        timeout=60,
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _trace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None):
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def wait_until(happened: Callable[[], object]) -> None:
    """Return as soon as it has; AssertionError if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.02)


class Host:
    """A network namespace with one interface, `eth0`, to the switch."""

    def __init__(self, namespace: str, mac: str) -> None:
        self.namespace = namespace
        self.mac = mac

    def sh(self, *command: str, check: bool = True) -> str:
        return run("ip", "netns", "exec", self.namespace, *command, check=check)

    def inside(self, what: Callable[[], T]) -> T:
        """Call in this namespace; sockets made there stay there."""
        result: list[T] = []
        problem: list[BaseException] = []

        def work() -> None:
            try:
                with open(f"/run/netns/{self.namespace}") as file:
                    if _libc.setns(file.fileno(), _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(what())
            except BaseException as caught:
                problem.append(caught)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if problem:
            raise problem[0]
        return result[0]

    def ping(self, address: str, *options: str, timeout: float = PATIENCE) -> bool:
        """Whether one echo request is answered; where none should be, a short time will do."""
        command = ("ping", "-n", "-c1", f"-W{timeout:g}", *options, address)
        return " 0% packet loss" in self.sh(*command, check=False)

    def listen(
        self, address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM
    ) -> socket.socket:
        def make() -> socket.socket:
            made = socket.socket(_family(address), kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            if kind is socket.SOCK_STREAM:
                made.listen()
            made.settimeout(PATIENCE)
            return made

        return self.inside(make)

    def connect(
        self,
        address: str,
        port: int,
        source: tuple[str, int] | None = None,
        timeout: float = PATIENCE,
    ) -> socket.socket:
        """OSError (TimeoutError) when the connection does not come about."""
        return self.inside(
            lambda: socket.create_connection((address, port), timeout, source_address=source)
        )

    @contextlib.contextmanager
    def deaf(self, port: int) -> Iterator[Callable[[], None]]:
        """Nothing that comes to a TCP port is heard; what is given waits until something came."""
        self.sh("nft", "add table ip deaf")
        try:
            self.sh("nft", "add chain ip deaf in { type filter hook input priority 0; }")
            self.sh("nft", f"add rule ip deaf in tcp dport {port} counter drop")
            yield lambda: wait_until(
                lambda: "packets 0 " not in self.sh("nft", "list table ip deaf")
            )
        finally:
            self.sh("nft", "delete table ip deaf")

    def begin(self, address: str, port: int, source: str) -> socket.socket:
        """A connection that is on its way, and is not waited for."""

        def make() -> socket.socket:
            made = socket.socket(_family(address))
            made.setblocking(False)
            made.bind((source, 0))
            made.connect_ex((address, port))
            return made

        return self.inside(make)

    def raw(self) -> socket.socket:
        """Whole Ethernet frames in and out."""

        def make() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
            made.bind(("eth0", 0))
            made.settimeout(1)
            return made

        return self.inside(make)


class OpenFlowClient:
    """An OpenFlow 1.3 connection to the bridge, for raw messages."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(struct.pack("!BBHI", 4, 0, 8, 0))
        self._backlog: list[bytes] = []
        assert self._receive()[1] == 0

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def settle(self) -> None:
        """Wait until the switch has done all that was sent; AssertionError if it refused any."""
        self.send(struct.pack("!BBHI", 4, 20, 8, 0xBA44))
        while True:
            message = self._receive()
            if message[1] == 21 and message[4:8] == b"\0\0\xba\x44":
                return
            assert message[1] != 1, message.hex()
            self._backlog.append(message)

    def next(
        self,
        kind: int,
        timeout: float = PATIENCE,
        where: Callable[[bytes], bool] = lambda message: True,
    ) -> bytes | None:
        """The next message of a type that fits; None when none comes in time."""
        deadline = time.monotonic() + timeout
        while True:
            while self._backlog:
                message = self._backlog.pop(0)
                if message[1] == kind and where(message):
                    return message
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self._backlog.append(self._receive())
            except TimeoutError:
                return None
            finally:
                self.socket.settimeout(PATIENCE)

    def close(self) -> None:
        self.socket.close()

    def _receive(self) -> bytes:
        """The next message that is not about the connection itself."""
        while True:
            header = self._exactly(8)
            message = header + self._exactly(int.from_bytes(header[2:4], "big") - 8)
            if message[1] != 2:
                return message
            self.send(message[:1] + b"\x03" + message[2:])

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.socket.recv(size - len(data)) or b""
        return data


class Bench:
    """The switch, its hosts by the names of their ports, and tools for both."""

    def __init__(self, directory: Path, ports: Sequence[str]) -> None:
        self.directory = directory
        self.ports = {name: number for number, name in enumerate(ports, start=1)}
        self.environment = {"OVS_RUNDIR": str(directory), "OVS_LOGDIR": str(directory)}
        prefix = f"alg-pl-{os.getpid()}"
        self._switch = f"{prefix}-switch"
        self.hosts = {
            name: Host(f"{prefix}-{name}", f"02:00:00:00:00:{number:02x}")
            for name, number in self.ports.items()
        }

    def open(self) -> None:
        d = self.directory
        common = ["--detach", "--pidfile", "--log-file", "-vconsole:off", "-vsyslog:off"]
        database = f"unix:{d}/db.sock"
        run("ip", "netns", "add", self._switch)
        schema = "/usr/share/openvswitch/vswitch.ovsschema"
        run("ovsdb-tool", "create", f"{d}/conf.db", schema, env=self.environment)
        self._daemon("ovsdb-server", f"{d}/conf.db", f"--remote=p{database}", *common)
        self.vsctl("--no-wait", "init")
        # In a namespace of its own: every userspace datapath makes a device of the same name.
        self._daemon("ovs-vswitchd", database, "--disable-system", *common)
        self.vsctl(
            *("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev"),
            *("fail_mode=secure", "protocols=OpenFlow13"),
        )
        for name, number in self.ports.items():
            self._attach(name, number)

    def close(self) -> None:
        for daemon in ("ovs-vswitchd", "ovsdb-server"):
            pidfile = self.directory / f"{daemon}.pid"
            if pidfile.exists():
                pid = int(pidfile.read_text())
                os.kill(pid, signal.SIGTERM)
                self._gone(pid)
        for namespace in (self._switch, *(host.namespace for host in self.hosts.values())):
            run("ip", "netns", "delete", namespace, check=False)

    def vsctl(self, *arguments: str) -> str:
        return run(
            "ovs-vsctl", f"--db=unix:{self.directory}/db.sock", *arguments, env=self.environment
        )

    def ofctl(self, *arguments: str, text: str = "") -> str:
        return run("ovs-ofctl", "-O", "OpenFlow13", *arguments, text=text, env=self.environment)

    def appctl(self, *arguments: str) -> str:
        return run("ovs-appctl", *arguments, env=self.environment)

    def load(self, flows: Sequence[str]) -> None:
        """Add flows with ovs-ofctl."""
        self.ofctl("add-flows", BRIDGE, "-", text="\n".join(flows))

    def dump(self, *what: str) -> list[str]:
        """The flows, without counters, sorted."""
        lines = self.ofctl("--no-stats", "dump-flows", BRIDGE, *what).splitlines()
        return sorted(line.strip() for line in lines if "actions=" in line)

    def packets(self, match: str) -> int:
        """How many packets the flows of a match have had."""
        self.revalidate()
        total = 0
        for line in self.ofctl("dump-flows", BRIDGE, match).splitlines():
            if "n_packets=" in line:
                total += int(line.split("n_packets=")[1].split(",")[0])
        return total

    def conntrack(self) -> list[str]:
        return self.appctl("dpctl/dump-conntrack", "-m").splitlines()

    def revalidate(self) -> None:
        """Wait until the datapath goes by the flows as they are now, and they count what it has
        had; a barrier does not wait for that."""
        self.appctl("revalidator/wait")

    @contextlib.contextmanager
    def stale_datapath(self) -> Iterator[None]:
        """The datapath goes on with the flows that it has, whatever happens to OpenFlow's: the
        thread that would revalidate them is stopped. Packets without such a flow see the new."""
        self.revalidate()
        process = int((self.directory / "ovs-vswitchd.pid").read_text())
        tasks = [
            task
            for task in Path(f"/proc/{process}/task").iterdir()
            if (task / "comm").read_text().startswith("revalidator")
        ]
        # Asleep, they hold no lock.
        wait_until(lambda: all(") S " in (task / "stat").read_text() for task in tasks))
        stopped = []
        try:
            for thread in (int(task.name) for task in tasks):
                _trace(_PTRACE_SEIZE, thread)
                stopped.append(thread)
                _trace(_PTRACE_INTERRUPT, thread)
                os.waitpid(thread, _WALL)
            yield
        finally:
            for thread in stopped:
                _trace(_PTRACE_DETACH, thread)

    def tcp_drops(self) -> int:
        """How many TCP packets the datapath's own flows have dropped."""
        return sum(
            int(line.split("packets:")[1].split(",")[0])
            for line in self.appctl("dpctl/dump-flows").splitlines()
            if "proto=6" in line and line.endswith("actions:drop")
        )

    def client(self) -> OpenFlowClient:
        return OpenFlowClient(self.directory / f"{BRIDGE}.mgmt")

    def _daemon(self, *command: str) -> None:
        run("ip", "netns", "exec", self._switch, *command, env=self.environment)

    def _attach(self, name: str, number: int) -> None:
        host = self.hosts[name]
        run("ip", "netns", "add", host.namespace)
        run(
            *("ip", "link", "add", name, "netns", self._switch, "type", "veth"),
            *("peer", "name", "eth0", "address", host.mac, "netns", host.namespace),
        )
        run("ip", "-n", self._switch, "link", "set", name, "up")
        host.sh(
            "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"
        )
        host.sh("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0", "net.ipv4.icmp_ratelimit=0")
        host.sh("ethtool", "-K", "eth0", "tx", "off")
        host.sh("ip", "link", "set", "lo", "up")
        host.sh("ip", "link", "set", "eth0", "up")
        self.vsctl(
            *("add-port", BRIDGE, name, "--", "set", "interface", name, f"ofport_request={number}")
        )

    @staticmethod
    def _gone(pid: int) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
