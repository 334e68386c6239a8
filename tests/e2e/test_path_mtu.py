"""A link on the way is narrower than both ends believe: the ICMP error about a control segment
has to find whoever sent the segment (RFC 1191, RFC 8201, RFC 5508 section 4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ryu_alg.lab import Host, Lab, namespaces
from ryu_alg.lab.namespaces import Namespace
from tests.e2e import network
from tests.e2e.conftest import StartGateway
from tests.e2e.dialogue import Client, Endpoint, Server, announcement
from tests.e2e.gateway import (
    PUBLIC,
    SCRIPTED_PORT,
    SCRIPTED_PUBLIC_PORT,
    RunningGateway,
    configuration,
)
from tests.e2e.servers import SMALL

NARROW = 1280
"""Bytes: what IPv6 asks of every link."""
ROUTER = {4: "203.0.113.2", 6: "2001:db8:1::2"}
FAR = {4: "198.18.0.2", 6: "2001:db8:99::2"}
LINE = b"NOOP " + b"x" * 423 + b"\r\n"
"""Three of them are one segment, and too long for the link."""


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> RunningGateway:
    """Its next hop is the host `server`."""
    config = configuration()
    config["realms"]["outside"][0]["next_hop"] = list(ROUTER.values())
    return start_gateway(config)


@pytest.fixture(scope="module")
def far(lab: Lab) -> Iterator[Host]:
    """A host behind the host `server`, which routes, over a link that is narrow in one direction:
    towards `far`."""
    router = lab.host("server").namespace
    # Named as the lab's own, so that it is removed with the lab whatever happens.
    namespace = Namespace(f"alg-{lab.name}-far")
    namespace.create(ipv6=True)
    namespaces.connect(router, "far", namespace, "02:00:00:00:01:00")
    router.ip(
        f"link set far mtu {NARROW}",
        "address add 198.18.0.1/24 dev far",
        "address add 2001:db8:99::1/64 dev far nodad",
    )
    namespace.ip(
        f"address add {FAR[4]}/24 dev eth0",
        f"address add {FAR[6]}/64 dev eth0 nodad",
        "route add default via 198.18.0.1",
        "route add default via 2001:db8:99::1",
    )
    forwarding = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
    router.run(["sysctl", "-q", "-w", *(f"{key}=1" for key in forwarding)])
    yield Host("far", namespace, {})
    router.run(["sysctl", "-q", "-w", *(f"{key}=0" for key in forwarding)])
    namespaces.delete([namespace])


@pytest.fixture
def far_server(
    far: Host, gateway: RunningGateway, request: pytest.FixtureRequest
) -> Iterator[Server]:
    with Server(far, FAR[request.param], SCRIPTED_PORT, SMALL) as server:
        yield server


@pytest.mark.parametrize(
    ("far_server", "host", "version"),
    [(4, "client", 4), (4, "plain", 4), (6, "plain", 6)],
    indirect=["far_server"],
    ids=["nat", "ipv4", "ipv6"],
)
def test_command(
    far_server: Server, host: str, version: int, lab: Lab, gateway: RunningGateway
) -> None:
    """The client learns of the narrow link, and what it said arrives."""
    punts = gateway.status()["punts"].get("icmp", 0)
    with Client(lab.host(host), FAR[version], SCRIPTED_PORT) as client:
        assert network.path_mtu(client.socket) == 1500
        client.write(3 * LINE)
        assert [client.reply().code for _ in range(3)] == [200, 200, 200]
        assert gateway.status()["punts"]["icmp"] > punts
        assert network.path_mtu(client.socket) == NARROW
        # More than a segment: the part of a line at its end is the gateway's to deliver.
        client.write(7 * LINE)
        assert [client.reply().code for _ in range(7)] == 7 * [200]
        assert far_server.heard[-10:] == 10 * [LINE]


def test_reply(far: Host, published_server: Server, gateway: RunningGateway) -> None:
    """The published server learns of it too."""
    reply = b"200 " + b"x" * 1280 + b"\r\n"
    published_server.replies["NOOP"] = reply
    with Client(far, PUBLIC, SCRIPTED_PUBLIC_PORT) as client:
        assert client.ask(b"NOOP\r\n").raw == reply
        assert network.path_mtu(published_server.controls[0]) == NARROW


def test_reply_that_the_gateway_held(
    far: Host, published_server: Server, gateway: RunningGateway
) -> None:
    """It has acknowledged a part of it to the server already: it has to mend this itself."""
    filling = b"".join(b"227-%04d " % number + b"x" * 60 + b"\r\n" for number in range(25))

    def announce(verb: str, endpoint: Endpoint) -> list[bytes]:
        return [filling[:500], filling[500:], *announcement(verb, endpoint)]

    published_server.announce = announce
    with Client(far, PUBLIC, SCRIPTED_PUBLIC_PORT) as client:
        reply = client.ask(b"PASV\r\n")
        assert reply.raw.startswith(filling)
        assert reply.endpoint(client.peer)[0] == PUBLIC
