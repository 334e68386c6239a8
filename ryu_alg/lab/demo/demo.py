"""The demonstration from its first line to its verdict."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ryu_alg.lab import process
from ryu_alg.lab.demo import servers
from ryu_alg.lab.demo.capture import Capture
from ryu_alg.lab.demo.channel import CONTROLLER_PORT, Carried, ControlChannel
from ryu_alg.lab.demo.controller import Controller
from ryu_alg.lab.demo.dialogue import FTP_PORT, ControlLine, Dialogue, Side
from ryu_alg.lab.demo.picture import draw
from ryu_alg.lab.demo.screen import Screen
from ryu_alg.lab.demo.servers import RandomFile
from ryu_alg.lab.demo.timeline import Timeline
from ryu_alg.lab.demo.transfers import TRANSFERS, Transfer
from ryu_alg.lab.errors import LabError
from ryu_alg.lab.lab import Lab
from ryu_alg.lab.topology import GATEWAY
from ryu_alg.rest.client import Item

_TOOLS = {tool: tool for tool in ("curl", "lftp", "vsftpd", "tcpdump")}
"""Tool -> Debian package."""
_DELAY_SECONDS = 0.3
"""Sightings are shown so much later: the slowest witness is asked every 0.1 s."""
_TRANSFER_SECONDS = 120.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOWN_ON_THE_WIRE = "ftp.rewritten"


def run(name: str, size: int) -> None:
    """Show every transfer with a file of `size` bytes, in a lab called `name`.

    A lab of that name which is there is replaced. Whatever happens, nothing is left: no process,
    no namespace, no file. LabError if something was not as it should be.
    """
    process.require_root()
    for tool, package in _TOOLS.items():
        if shutil.which(tool, path=process.search_path()) is None:
            raise LabError(f"{tool} is missing: apt-get install {package}")
    with _signals_unwind(), tempfile.TemporaryDirectory(prefix="ryu-alg-demo-") as folder:
        screen = Screen()
        began = time.monotonic()
        screen.line("Bringing up the lab: a private Open vSwitch, network namespaces as hosts.")
        with Lab.up("nat", name, replace=True) as lab, _undisturbed_end():
            screen.line()
            for line in draw(lab.topology):
                screen.line(f"  {line}")
            _Demonstration(lab, Path(folder), screen, size).run()
        screen.line(f"The lab is removed again. Took {time.monotonic() - began:.0f} s.")


@dataclass(frozen=True, slots=True)
class _Demonstration:
    """All that happens while the lab is up."""

    lab: Lab
    folder: Path
    screen: Screen
    size: int

    def run(self) -> None:
        screen, lab = self.screen, self.lab
        timeline: Timeline[ControlLine | Item] = Timeline()
        channel = ControlChannel()
        gateway = lab.host(GATEWAY)
        watch = Capture(gateway, "lo", f"tcp port {CONTROLLER_PORT}", channel.seen)
        controller = Controller(gateway, self.folder, timeline.add)
        with contextlib.ExitStack() as running:
            running.enter_context(watch)
            running.enter_context(controller)
            file = servers.make_file(self.folder / "served", self.size)
            for host in sorted({transfer.server for transfer in TRANSFERS}):
                server_folder = self.folder / host
                server_folder.mkdir()
                running.enter_context(
                    servers.vsftpd(lab.host(host), file.path.parent, server_folder)
                )
            controller.wait_ready()
            for _ in timeline.take(time.time()):
                pass  # of the start
            screen.line()
            screen.line("  br-alg translates and forwards; ryu_alg is its controller.")
            screen.line("  → to the server, ← to the client; where the gateway rewrites a line,")
            screen.line("  ⇒ and ⇐ are what leaves. * is the gateway's doing. Seconds in front.")
            for number, transfer in enumerate(TRANSFERS, start=1):
                screen.heading(f"{number}. {transfer.title}")
                self._transfer(transfer, file, timeline, controller)
            expected = len(TRANSFERS) * self.size
            status = controller.status(expected)
        self._verdict(status, channel, expected)

    def _transfer(
        self,
        transfer: Transfer,
        file: RandomFile,
        timeline: Timeline[ControlLine | Item],
        controller: Controller,
    ) -> None:
        screen, lab = self.screen, self.lab
        client, server = lab.host(transfer.client), lab.host(transfer.server)
        fetched = self.folder / "fetched"
        fetched.mkdir(exist_ok=True)
        target = fetched / file.path.name
        argv = transfer.argv(file.path.name)
        screen.line(f"{transfer.client}$ {shlex.join(argv)}", "bold")
        dialogue = Dialogue(timeline.add)
        with contextlib.ExitStack() as captures:
            for side, host in ((Side.CLIENT, client), (Side.SERVER, server)):
                capture = Capture(host, "eth0", f"tcp port {FTP_PORT}", dialogue.at(side))
                captures.enter_context(capture)
            began = time.time()
            child = client.popen(
                argv,
                cwd=fetched,
                # Nothing of the user's is read, nothing is left in a home directory.
                env={"HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            try:
                with screen.progress(file.size) as meter:
                    while child.poll() is None:
                        if time.time() > began + _TRANSFER_SECONDS:
                            raise LabError(
                                f"{argv[0]} has no end after {_TRANSFER_SECONDS:.0f} s"
                                f"{controller.log}"
                            )
                        controller.require_running()
                        self._show(timeline, time.time() - _DELAY_SECONDS, began)
                        meter.set(target.stat().st_size if target.exists() else 0)
                        time.sleep(0.05)
                    meter.set(target.stat().st_size if target.exists() else 0)
                seconds = time.time() - began
            finally:
                child.kill()
                complaint = " ".join(child.communicate()[1].split())
        controller.caught_up()
        self._show(timeline, time.time(), began)
        if child.returncode != 0:
            raise LabError(
                f"{argv[0]} has failed with status {child.returncode}: {complaint}{controller.log}"
            )
        if servers.sha256(target) != file.sha256:
            raise LabError(f"{argv[0]} has fetched something else than the server has")
        target.unlink()
        rate = file.size / seconds / 1e6
        screen.line(
            f"          {file.size:,} bytes in {seconds:.1f} s ({rate:.0f} MB/s), SHA-256 equal",
            "green",
        )

    def _show(self, timeline: Timeline[ControlLine | Item], until: float, began: float) -> None:
        for moment, sighting in timeline.take(until):
            if isinstance(sighting, ControlLine):
                self.screen.control_line(moment - began, sighting)
            elif sighting["code"] != _SHOWN_ON_THE_WIRE:
                self.screen.event(moment - began, sighting)

    def _verdict(self, status: Item, channel: ControlChannel, expected: int) -> None:
        screen = self.screen
        up, down = channel.to_controller, channel.to_switch
        screen.heading("What went where")
        screen.line(
            f"  through the switch      {status['data_bytes']:,} bytes of data connections, in "
            f"{status['data_packets']:,} packets (its flow counters)"
        )
        screen.line(
            f"  through the controller  {channel.data_packets} data packets; "
            f"{up[Carried.CONTROL]} control packets in, {down[Carried.CONTROL]} out"
        )
        screen.line(
            f"                          {up[Carried.NOTICE]} notices that a pinhole was used, "
            f"{up[Carried.NEIGHBOUR]} packets of ARP and ND in, {down[Carried.NEIGHBOUR]} out"
        )
        screen.line("                          (as captured between switch and controller)")
        screen.line()
        wrong = []
        if status["data_bytes"] < expected:
            wrong.append(f"the switch has counted less than the {expected:,} bytes of the files")
        if channel.data_packets:
            wrong.append("data packets went through the controller")
        if not up[Carried.CONTROL]:
            wrong.append("no control packet was seen on the OpenFlow connection")
        if any(status["pinholes"].values()):
            wrong.append(f"pinholes are left: {status['pinholes']}")
        if wrong:
            raise LabError("; ".join(wrong))
        screen.line(
            f"OK: {len(TRANSFERS)} of {len(TRANSFERS)} files arrived whole; "
            "no data packet went through the controller; no pinhole is left.",
            "bold green",
        )


@contextlib.contextmanager
def _signals_unwind() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP end the demonstration by an exception; only the first counts."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, unwind) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _undisturbed_end() -> Iterator[None]:
    """From here on, what is removed is removed to its end."""
    try:
        yield
    finally:
        _ignore_signals()


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
