"""Attacks by way of RTSP: media for somebody else, and from somebody else."""

from __future__ import annotations

import pytest

from tests.protocols.rtsp.connection import accept, setup
from tests.security.site import CLIENT, INSIDE_SERVER, PUBLIC, SERVER, STRANGER, VICTIM, Site

PORTS = "client_port=4588-4589"


def works(site: Site, cseq: int, port: int = 40000) -> None:
    """A stream as it should be, in the same connection or another."""
    before = len(site.media)
    rtsp = next((c for c in site.connections if c.client_at.port == port), None)
    rtsp = rtsp or site.connect("rtsp", port=port)
    assert b"SETUP" in rtsp.client_sends(setup(cseq, f"RTP/AVP;unicast;{PORTS}"))
    public = rtsp.server.received.rsplit(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
    answer = f"RTP/AVP;unicast;client_port={public};server_port=6256-6257"
    rtsp.server_sends(accept(cseq, answer))
    assert len(site.media) == before + 1
    paths = list(site.media.values())[-1]
    assert {str(path.remote.address) for path in paths} == {SERVER}
    assert {str(path.inside.address) for path in paths} == {CLIENT}


@pytest.mark.parametrize(
    "transport",
    [
        f"RTP/AVP;unicast;destination={VICTIM};{PORTS}",
        f"RTP/AVP;unicast;destination={STRANGER};{PORTS}",
        f"RTP/AVP;unicast;destination=127.0.0.1;{PORTS}",
        f"RTP/AVP;unicast;destination=a.example;{PORTS}",
        f"RTP/AVP;multicast;destination={STRANGER}",
        f'RTP/AVP;unicast;dest_addr="{VICTIM}:4588"',
        f"RTP/AVP;unicast;{PORTS},RTP/AVP;unicast;destination={VICTIM};{PORTS}",
    ],
)
def test_rtsp_destination(transport: str) -> None:
    """RTSP destination=: the server is to flood a third host, or to reach one inside."""
    site = Site()
    rtsp = site.connect("rtsp")
    assert rtsp.client_sends(setup(1, transport)) == b""
    assert rtsp.client_side.received.startswith(b"RTSP/1.0 403 ")
    assert site.saw("rtsp.setup.foreign_address") or any(e.startswith("rtsp.") for e in site.events)
    rtsp.server_sends(accept(1, "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257"))
    assert site.shut
    works(site, 2)


@pytest.mark.parametrize("destination", [VICTIM, INSIDE_SERVER, "192.0.2.99"])
def test_rtsp_destination_at_a_published_server(destination: str) -> None:
    """An outside client has an inside server send to a third host."""
    site = Site()
    rtsp = site.connect("rtsp", client=STRANGER, server=PUBLIC)
    assert rtsp.client_sends(setup(1, f"RTP/AVP;unicast;destination={destination};{PORTS}")) == b""
    assert rtsp.client_side.received.startswith(b"RTSP/1.0 403 ")
    assert site.shut


@pytest.mark.parametrize(
    "answer",
    [
        f"RTP/AVP;unicast;{{client}};server_port=6256-6257;source={VICTIM}",
        f"RTP/AVP;unicast;{{client}};server_port=6256-6257;source={STRANGER}",
        f"RTP/AVP;unicast;destination={VICTIM};{{client}};server_port=6256-6257",
        "RTP/AVP;unicast;client_port=22-23;server_port=6256-6257",
        "RTP/AVP;unicast;{client};server_port=65616-65617",
    ],
)
def test_a_hostile_server(answer: str) -> None:
    """It names other hosts or ports than those of the two: media go between these or nowhere."""
    site = Site()
    rtsp = site.connect("rtsp")
    asked = rtsp.client_sends(setup(1, f"RTP/AVP;unicast;{PORTS}"))
    client = "client_port=" + asked.split(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
    rtsp.server_sends(accept(1, answer.format(client=client)))
    for paths in site.media.values():
        for path in paths:
            assert str(path.remote.address) == SERVER
            assert (str(path.inside.address), path.inside.port) in ((CLIENT, 4588), (CLIENT, 4589))
    works(site, 2, port=40001)


@pytest.mark.parametrize(
    "ports", ["22-23", "80", "3306-3307", "65535-65536", "65616-65617", "-1-0", "0x15b3-0x15b4"]
)
def test_ports_out_of_range(ports: str) -> None:
    """Refused, never wrapped."""
    site = Site()
    rtsp = site.connect("rtsp")
    assert rtsp.client_sends(setup(1, f"RTP/AVP;unicast;client_port={ports}")) == b""
    assert rtsp.client_side.received.startswith(b"RTSP/1.0 4")
    rtsp.server_sends(accept(1, f"RTP/AVP;unicast;client_port={ports};server_port=6256-6257"))
    assert site.shut
    works(site, 2)


def test_an_answer_to_nothing() -> None:
    """It opens nothing."""
    site = Site()
    rtsp = site.connect("rtsp")
    rtsp.server_sends(accept(1, f"RTP/AVP;unicast;{PORTS};server_port=6256-6257"))
    assert site.shut
