"""baresip: a phone without a head. It plays a tone, and records what it hears."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ryu_alg.lab import Host
from ryu_alg.lab.process import end
from tests.e2e import network
from tests.e2e.sip import tones

_CONTROL_PORT = 4444
_RATES = re.compile(r"audio=\d+/(\d+)")
_CONFIG = """\
poll_method epoll
sip_listen {address}:5060
audio_source aufile,{tone}
audio_player aubridge,nobody
audio_alert aubridge,alert
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
call_local_timeout 30
rtp_ports 10000-20000
rtp_timeout 0
net_interface eth0
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module account.so
module menu.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {directory}
"""


class Phone:
    """A phone on a host, registered with a proxy, that takes every call at once."""

    def __init__(
        self,
        host: Host,
        directory: Path,
        address: str,
        aor: str,
        *,
        tone: int,
        transport: str = "udp",
    ) -> None:
        """`aor`: `user@proxy`. `tone`: what it says in every call, in Hz."""
        self.aor = aor
        self.tone = tone
        self.directory = directory
        directory.mkdir(parents=True)
        tones.write(directory / "tone.wav", tone, 120)
        (directory / "config").write_text(
            _CONFIG.format(
                address=address,
                tone=directory / "tone.wav",
                control=_CONTROL_PORT,
                directory=directory,
            )
        )
        (directory / "accounts").write_text(
            f"<sip:{aor};transport={transport}>"
            ";auth_pass=password;answermode=auto;regint=20;audio_codecs=PCMU\n"
        )
        (directory / "contacts").touch()
        self._log = directory / "baresip.log"
        with self._log.open("w") as log:
            self._process = host.popen(
                ["baresip", "-4", "-v", "-f", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._socket = self._connect(host)
        threading.Thread(target=self._read, daemon=True).start()
        self._wait_log("200 OK")

    def _connect(self, host: Host) -> Any:
        self._wait_log("ctrl_tcp: TCP socket listening")
        return network.connect(host, "127.0.0.1", _CONTROL_PORT)

    def _wait_log(self, text: str, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while text not in self._log.read_text(errors="replace"):
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, (
                f"{text}?\n{self._log.read_text(errors='replace')[-2000:]}"
            )
            time.sleep(0.02)

    # -- what it is told ------------------------------------------------------------------------

    def dial(self, aor: str) -> None:
        self._command("dial", f"sip:{aor}")

    def hang_up(self) -> None:
        self._command("hangup")

    def hold(self) -> None:
        self._command("hold")

    def resume(self) -> None:
        self._command("resume")

    def _command(self, name: str, parameters: str = "") -> None:
        text = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        self._socket.sendall(b"%d:%s," % (len(text), text))

    # -- what it says ---------------------------------------------------------------------------

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            buffer += data
            while b":" in buffer:
                length, _, rest = buffer.partition(b":")
                if len(rest) <= int(length):
                    break
                self._events.put(json.loads(rest[: int(length)]))
                buffer = rest[int(length) + 1 :]

    def wait_event(self, kind: str, timeout: float = 20) -> dict[str, Any]:
        """The next event of that type (`CALL_ESTABLISHED`); those before it are forgotten."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                event = self._events.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                log = self._log.read_text(errors="replace")[-3000:]
                raise AssertionError(f"{self.aor}: no {kind} in {timeout} s\n{log}") from None
            if event.get("type") == kind:
                return event

    def heard(self) -> array[int]:
        """What it has heard in the last call, up to a hold."""
        recordings = sorted(self.directory.glob("dump-*-dec.wav"))
        return tones.read(recordings[-1]) if recordings else array("h")

    def wait_heard(self, tone: int, seconds: float, timeout: float = 20) -> None:
        """Wait until it has heard `seconds` more of a tone."""
        before = len(self.heard())
        deadline = time.monotonic() + timeout
        while tones.seconds_of(self.heard()[before:], tone) < seconds:
            assert time.monotonic() < deadline, f"{self.aor} does not hear {tone} Hz"
            time.sleep(0.1)

    def receiving(self) -> int:
        """Bits per second of audio that come, as it has them on its display."""
        shown = _RATES.findall(self._log.read_text(errors="replace"))
        return int(shown[-1]) if shown else 0

    def wait_receiving(self, audio: bool, timeout: float = 20) -> None:
        """Wait until audio comes, or until none does.

        For after a hold: this version of it does not go on with its recording then.
        """
        deadline = time.monotonic() + timeout
        while (self.receiving() > 0) is not audio:
            assert time.monotonic() < deadline, f"{self.aor}: {self.receiving()} bit/s"
            time.sleep(0.1)

    def stop(self) -> None:
        """It says goodbye, and ends."""
        end([self._process.pid], patience=5)
        self._process.wait()
        self._socket.close()


@contextmanager
def phone(host: Host, directory: Path, address: str, aor: str, **more: Any) -> Iterator[Phone]:
    """A phone that is switched off at the end."""
    made = Phone(host, directory, address, aor, **more)
    try:
        yield made
    finally:
        made.stop()


def converse(caller: Phone, callee: Phone) -> None:
    """Two calls with all that people do: talk, hold, go on, hang up; each hangs up once."""
    for hangs_up, other in ((caller, callee), (callee, caller)):
        caller.dial(callee.aor)
        for it in (caller, callee):
            it.wait_event("CALL_ESTABLISHED")
        caller.wait_heard(callee.tone, 1)
        callee.wait_heard(caller.tone, 1)
        caller.hold()
        for it in (caller, callee):
            it.wait_receiving(False)
        caller.resume()
        for it in (caller, callee):
            it.wait_receiving(True)
        hangs_up.hang_up()
        other.wait_event("CALL_CLOSED")
