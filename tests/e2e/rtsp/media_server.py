"""GStreamer's RTSP server, with a test picture to play and a place to record to.

`/usr/bin/python3 media_server.py ADDRESS PORT`; Debian's interpreter, for its bindings. It says
`ready`, and `recorded N` whenever it has decoded so many frames of a recording.
"""

from __future__ import annotations

import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # Debian has it, .venv has not

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found]  # noqa: E402  # after the versions
    GLib,
    Gst,
    GstRtspServer,
)

PICTURE = (
    "( videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=25/1"
    " ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)
RECORDER = (
    "( rtpjpegdepay name=depay0 ! jpegdec ! fakesink name=end sync=false signal-handoffs=true )"
)


def count(_: Any, media: Any) -> None:
    """Say how many frames a recording has."""
    frames = 0

    def handoff(*_: Any) -> None:
        nonlocal frames
        frames += 1
        print(f"recorded {frames}", flush=True)

    media.get_element().get_by_name("end").connect("handoff", handoff)


def main(address: str, port: str) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(address)
    server.set_service(port)
    mounts = server.get_mount_points()
    picture = GstRtspServer.RTSPMediaFactory()
    picture.set_launch(PICTURE)
    picture.set_shared(True)
    mounts.add_factory("/picture", picture)
    recorder = GstRtspServer.RTSPMediaFactory()
    recorder.set_launch(RECORDER)
    recorder.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    recorder.connect("media-configure", count)
    mounts.add_factory("/record", recorder)
    assert server.attach(None) > 0, "the port is taken"
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
