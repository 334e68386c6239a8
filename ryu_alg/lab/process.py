"""Running the tools that the lab is built with, and ending the processes it has started."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FrameType

from ryu_alg.lab.errors import LabError

# tool -> the Debian package that has it.
_PACKAGES = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "ovs-vsctl": "openvswitch-switch",
    "ovs-vswitchd": "openvswitch-switch",
    "ovsdb-server": "openvswitch-switch",
    "ovsdb-tool": "openvswitch-switch",
    "ovs-ofctl": "openvswitch-switch",
    "ovs-appctl": "openvswitch-switch",
}
# Plain `su` leaves root without the sbin folders, where most of these tools are.
_SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")
_TOOL_SECONDS = 30.0


def search_path() -> str:
    """PATH, with the sbin folders at its end where they are missing."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*path, *(folder for folder in _SBIN if folder not in path)])


def require_root() -> None:
    """LabError unless we are root."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root, for network namespaces: run it with sudo")


def require_tools() -> None:
    """LabError unless every tool is there; it names the package to install."""
    for tool, package in _PACKAGES.items():
        if shutil.which(tool, path=search_path()) is None:
            raise LabError(f"{tool} is missing: apt-get install {package}")
    if not os.path.exists("/dev/net/tun"):
        raise LabError("/dev/net/tun is missing: modprobe tun (a container needs that device too)")


def run(argv: Sequence[str], *, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a tool to its end and give what it printed; LabError with its complaint if it fails."""
    try:
        with _uninterrupted():
            done = subprocess.run(
                argv,
                input=stdin,
                env={**os.environ, "PATH": search_path(), **(env or {})},
                capture_output=True,
                text=True,
                timeout=_TOOL_SECONDS,
            )
    except FileNotFoundError:
        package = _PACKAGES.get(argv[0])
        hint = f": apt-get install {package}" if package else ""
        raise LabError(f"{argv[0]} is missing{hint}") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"no answer in {_TOOL_SECONDS:.0f} s from: {' '.join(argv)}") from None
    if done.returncode != 0:
        complaint = " ".join((done.stderr or done.stdout).split()) or f"status {done.returncode}"
        raise LabError(f"{' '.join(argv[:4])}: {complaint}")
    return done.stdout


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A SIGINT that comes meanwhile is acted upon at the end.

    Otherwise a tool that has just been started would go on by itself, and make what nobody
    removes. One from the keyboard ends the tool as well.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(signal.SIGINT, came[0])


def is_running(pid: int) -> bool:
    """Whether there is such a process, a zombie not counted."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def end(pids: Iterable[int], *, patience: float = 2.0) -> None:
    """Ask the processes to end, wait up to `patience` seconds, and kill those that stay."""
    waiting = set(pids)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in waiting:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while waiting and time.monotonic() < deadline:
            waiting = {pid for pid in waiting if is_running(pid)}
            if waiting:
                time.sleep(0.01)
