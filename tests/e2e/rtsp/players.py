"""Programs that play and record: how many frames they decode, or send."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ryu_alg.lab import Host
from ryu_alg.lab.process import end

FRAMES = 20
"""As many as a player decodes before it goes."""
_PATIENCE = 60
_SERVER = Path(__file__).with_name("media_server.py")
Player = Callable[[Host, str, str], int]


def ffmpeg(host: Host, url: str, transport: str) -> int:
    """ffmpeg plays `url`; `transport` is `udp` or `tcp`, which is interleaved."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", transport]
    command += ["-analyzeduration", "0", "-i", url, "-frames:v", str(FRAMES), "-f", "framemd5", "-"]
    lines = _output(host, command).splitlines()
    return sum(line.startswith("0,") for line in lines)


def gstreamer(host: Host, url: str, transport: str) -> int:
    """GStreamer plays `url`."""
    source = ["rtspsrc", f"location={url}", f"protocols={transport}", "latency=100"]
    sink = ["fakesink", f"num-buffers={FRAMES}", "silent=false"]
    command = [*source, "!", "rtpjpegdepay", "!", "jpegdec", "!", *sink]
    return _output(host, ["gst-launch-1.0", "-v", *command]).count("last-message = chain")


def record(host: Host, url: str, transport: str) -> None:
    """ffmpeg records a second of a test picture at `url`."""
    picture = ["-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25", "-t", "1"]
    # As RTP wants its JPEG (RFC 2435).
    codec = ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-huffman", "default"]
    codec += ["-force_duplicated_matrix", "1"]
    target = ["-f", "rtsp", "-rtsp_transport", transport, url]
    _output(host, ["ffmpeg", "-nostdin", "-v", "error", *picture, *codec, *target])


def _output(host: Host, command: list[str]) -> str:
    # A server that hears nothing answers nothing: the time-out is the only end.
    result = host.run(
        command,
        stderr=subprocess.STDOUT,
        capture_output=False,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=False,
    )
    output = str(result.stdout)
    assert result.returncode == 0, output[-2000:]
    return output


class MediaServer:
    """GStreamer's RTSP server on a host."""

    def __init__(self, host: Host, address: str, port: int, log: Path) -> None:
        """Starts it; returns when it listens."""
        self._recorded = 0
        self._change = threading.Condition()
        with log.open("w") as errors:
            self._process = host.popen(
                ["/usr/bin/python3", str(_SERVER), address, str(port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", log.read_text()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed
            for line in self._process.stdout:
                with self._change:
                    self._recorded = int(line.split()[-1])
                    self._change.notify_all()

    def forget(self) -> None:
        """A new recording begins."""
        with self._change:
            self._recorded = 0

    def wait_recorded(self, frames: int) -> None:
        """Wait until a recording has so many frames."""
        with self._change:
            enough = self._change.wait_for(lambda: self._recorded >= frames, 30)
        assert enough, f"{self._recorded} frames of {frames} were recorded"

    def stop(self) -> None:
        """End it."""
        end([self._process.pid])
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def media_server(host: Host, address: str, port: int, directory: Path) -> Iterator[MediaServer]:
    """A server that is ended at the end."""
    server = MediaServer(host, address, port, directory / f"{host.name}.log")
    try:
        yield server
    finally:
        server.stop()
