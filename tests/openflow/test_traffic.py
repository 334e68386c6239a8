"""Ordinary traffic through the rendered pipeline, in a real switch without a controller."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.openflow.plan import OutboundRule, PipelinePlan
from tests.openflow.bench import PATIENCE, Bench, Host, run, wait_until
from tests.openflow.conftest import install
from tests.openflow.frames import ip_frame, with_checksum

pytestmark = pytest.mark.lab


@pytest.fixture
def lan(gateway: Bench) -> Host:
    return gateway.hosts["lan"]


@pytest.fixture
def dmz(gateway: Bench) -> Host:
    return gateway.hosts["dmz"]


@pytest.fixture
def plain(gateway: Bench) -> Host:
    return gateway.hosts["plain"]


@pytest.fixture
def wan(gateway: Bench) -> Host:
    return gateway.hosts["wan"]


def exchange(
    client: Host, server: Host, address: str, port: int, *, source: str = "", listen_at: str = ""
) -> tuple[str, int]:
    """Both ways over TCP; returns the client's endpoint as the server sees it.

    `listen_at`, as ADDRESS or ADDRESS PORT, is for a server that is really elsewhere.
    """
    where, _, real_port = (listen_at or address).partition(" ")
    with closing(server.listen(where, int(real_port or port))) as listener:
        connection = client.connect(address, port, (source, 0) if source else None)
        accepted, peer = listener.accept()
        with closing(connection), closing(accepted):
            accepted.settimeout(PATIENCE)
            connection.sendall(b"question")
            assert accepted.recv(100) == b"question"
            accepted.sendall(b"answer" * 10_000)
            received = b""
            while len(received) < 60_000:
                received += connection.recv(65_536)
        return peer[0], peer[1]


def is_refused(client: Host, address: str, port: int, **options: object) -> bool:
    try:
        client.connect(address, port, timeout=1, **options).close()  # type: ignore[arg-type]
    except TimeoutError:
        return True
    return False


def test_a_connection_to_outside_is_translated_into_the_napt_ports(
    lan: Host, wan: Host, plan: PipelinePlan
) -> None:
    address, port = exchange(lan, wan, "192.0.2.1", 7000)

    assert ip_address(address) in plan.public
    assert plan.napt.low <= port <= plan.napt.high


def test_each_host_keeps_its_public_address(lan: Host, wan: Host, dmz: Host) -> None:
    for _ in range(2):
        assert exchange(lan, wan, "192.0.2.1", 7000, source="192.168.10.2")[0] == "203.0.113.1"
        assert exchange(lan, wan, "192.0.2.1", 7000, source="192.168.10.3")[0] == "203.0.113.2"
        assert exchange(dmz, wan, "192.0.2.1", 7000)[0] == "203.0.113.1"


def test_udp_is_translated(lan: Host, wan: Host, plan: PipelinePlan) -> None:
    with (
        closing(wan.listen("192.0.2.1", 7000, socket.SOCK_DGRAM)) as server,
        closing(lan.listen("192.168.10.2", 5000, socket.SOCK_DGRAM)) as client,
    ):
        client.sendto(b"question", ("192.0.2.1", 7000))
        data, peer = server.recvfrom(100)
        assert data == b"question"
        assert peer[0] == "203.0.113.1"
        assert plan.napt.low <= peer[1] <= plan.napt.high
        server.sendto(b"answer", peer)
        assert client.recv(100) == b"answer"


def test_echo_passes(lan: Host, plain: Host) -> None:
    assert lan.ping("192.0.2.1")
    assert lan.ping("192.0.2.1", "-s", "3000")
    assert plain.ping("192.0.2.1")
    assert plain.ping("2001:db8:ffff::1")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("lan", "192.168.10.1"),
        ("lan", "192.168.20.1"),
        ("lan", "203.0.113.1"),
        ("lan", "203.0.113.2"),
        ("plain", "198.51.100.1"),
        ("plain", "2001:db8:30::1"),
        ("plain", "fe80::a1:60ff:fe00:1%eth0"),
        ("wan", "203.0.113.1"),
        ("wan", "203.0.113.2"),
        ("wan", "198.51.100.1"),
        ("wan", "2001:db8:1::1"),
        ("wan", "2001:db8:30::1"),
        ("wan", "fe80::a1:60ff:fe00:1%eth0"),
    ],
)
def test_the_gateway_answers_echo_requests(gateway: Bench, name: str, address: str) -> None:
    host = gateway.hosts[name]
    host.sh("ip", "neigh", "flush", "all")
    assert host.ping(address)


def test_outside_hosts_do_not_reach_router_addresses_behind_nat(wan: Host) -> None:
    wan.sh("ip", "route", "add", "192.168.10.0/24", "via", "203.0.113.1")
    try:
        assert not wan.ping("192.168.10.1", timeout=1)
    finally:
        wan.sh("ip", "route", "delete", "192.168.10.0/24")


def test_the_gateway_answers_arp_and_neighbour_discovery(gateway: Bench, plain: Host) -> None:
    plain.sh("ip", "neigh", "flush", "all")
    plain.ping("198.51.100.1")
    plain.ping("2001:db8:30::1")
    neighbours = plain.sh("ip", "neigh", "show")
    assert re.search(r"^198\.51\.100\.1 .* lladdr 02:a1:60:00:00:01", neighbours, re.M)
    found = re.search(r"^2001:db8:30::1 .* lladdr 02:a1:60:00:00:01 (.*)", neighbours, re.M)
    assert found
    assert "router" in found[1]


def test_public_addresses_have_the_routers_mac(gateway: Bench, wan: Host) -> None:
    wan.sh("ip", "neigh", "flush", "all")
    wan.ping("203.0.113.2")
    assert "203.0.113.2 dev eth0 lladdr 02:a1:60:00:00:01" in wan.sh("ip", "neigh", "show")


def test_duplicate_address_detection_finds_the_router(plain: Host) -> None:
    plain.sh("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1", "net.ipv6.conf.all.accept_dad=1")
    try:
        plain.sh("ip", "address", "add", "2001:db8:30::1/64", "dev", "eth0")
        show = ("ip", "-6", "address", "show", "to", "2001:db8:30::1")
        wait_until(lambda: "tentative" not in (state := plain.sh(*show)) or "dadfailed" in state)
        assert "dadfailed" in plain.sh(*show)
    finally:
        plain.sh("ip", "address", "delete", "2001:db8:30::1/64", "dev", "eth0")
        plain.sh(
            "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0", "net.ipv6.conf.all.accept_dad=0"
        )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("lan", "192.168.20.77"),
        ("lan", "10.9.9.9"),
        ("lan", "192.168.10.1"),
        ("plain", "192.168.10.2"),
        ("plain", "2001:db8:1::77"),
        ("wan", "192.168.10.77"),
        ("wan", "198.51.100.77"),
        ("wan", "203.0.113.2"),
        ("wan", "127.0.0.9"),
        ("wan", "2001:db8:30::77"),
    ],
)
def test_a_source_that_does_not_belong_there_is_dropped(
    gateway: Bench, name: str, source: str
) -> None:
    host = gateway.hosts[name]
    six = ":" in source
    target = {"lan": "192.0.2.1", "plain": "2001:db8:ffff::1" if six else "192.0.2.1"}.get(
        name, "2001:db8:30::1" if six else "203.0.113.1"
    )
    raw = host.raw()
    with closing(raw):
        before = gateway.packets("table=1")
        raw.send(udp_frame(host, source, target))
        assert gateway.packets("table=1") == before


def udp_frame(host: Host, source: str, target: str) -> bytes:
    return ip_frame(host, source, target, 17, b"\x13\x88\x13\x88\x00\x0c\x00\x00ping")


def echo_frame(host: Host, source: str, target: str) -> bytes:
    return ip_frame(host, source, target, 1, with_checksum(b"\x08\0\0\0\0\1\0\1", 2))


def test_a_good_source_is_not_dropped(gateway: Bench, lan: Host) -> None:
    """What the frames above would do if nothing were wrong with them."""
    with closing(lan.raw()) as raw:
        before = gateway.packets("table=1")
        raw.send(udp_frame(lan, "192.168.10.2", "192.0.2.1"))
        assert gateway.packets("table=1") > before


def test_new_connections_from_outside_are_dropped(
    gateway: Bench, wan: Host, plain: Host, lan: Host
) -> None:
    wan.sh("ip", "route", "add", "192.168.10.0/24", "via", "203.0.113.1")
    try:
        with closing(plain.listen("198.51.100.2", 7000)), closing(lan.listen("0.0.0.0", 7000)):
            assert is_refused(wan, "198.51.100.2", 7000)
            assert is_refused(wan, "203.0.113.1", 7000)
            assert is_refused(wan, "192.168.10.2", 7000)
        with closing(plain.listen("2001:db8:30::2", 7000)):
            assert is_refused(wan, "2001:db8:30::2", 7000)
        assert not wan.ping("198.51.100.2", timeout=1)
        assert not wan.ping("2001:db8:30::2", timeout=1)
    finally:
        wan.sh("ip", "route", "delete", "192.168.10.0/24")


def test_published_services_are_reached(wan: Host, dmz: Host, plain: Host) -> None:
    peer = exchange(wan, dmz, "203.0.113.1", 80, listen_at="192.168.20.2 8080")
    assert peer[0] == "203.0.113.254"
    exchange(wan, plain, "2001:db8:30::2", 80)


def test_networks_without_nat_are_forwarded_as_they_are(plain: Host, wan: Host) -> None:
    assert exchange(plain, wan, "192.0.2.1", 7000)[0] == "198.51.100.2"
    assert exchange(plain, wan, "2001:db8:ffff::1", 7000)[0] == "2001:db8:30::2"
    assert exchange(plain, wan, "2001:db8:1::fe", 7000)[0] == "2001:db8:30::2"


def test_inside_networks_reach_each_other_untranslated(lan: Host, dmz: Host, plain: Host) -> None:
    assert exchange(lan, dmz, "192.168.20.2", 7000)[0] == "192.168.10.2"
    assert exchange(dmz, plain, "198.51.100.2", 7000)[0] == "192.168.20.2"


def test_the_first_outbound_rule_that_fits_decides(
    lan: Host, dmz: Host, wan: Host, plain: Host
) -> None:
    with closing(wan.listen("0.0.0.0", 25)), closing(wan.listen("0.0.0.0", 6005)):
        assert is_refused(lan, "192.0.2.1", 25)
        assert is_refused(lan, "192.0.2.1", 6005)
    exchange(lan, wan, "192.0.2.9", 6005)
    exchange(dmz, wan, "192.0.2.1", 25)
    exchange(lan, wan, "192.0.2.1", 26)
    with closing(wan.listen("2001:db8:ffff::1", 25)):
        assert is_refused(plain, "2001:db8:ffff::1", 25)


def test_a_repeated_first_packet_passes(bench: Bench, plan: PipelinePlan) -> None:
    """Although it comes out of conntrack translated, and no rule is about that any more."""
    only_lan = OutboundRule(allow=True, sources=(ip_network("192.168.10.0/24"),))
    install(bench, replace(plan, outbound=(only_lan,), outbound_default=False))
    lan, dmz, wan = (bench.hosts[name] for name in ("lan", "dmz", "wan"))
    with (
        closing(wan.listen("192.0.2.1", 7000)) as outside,
        closing(dmz.listen("192.168.20.2", 8080)) as published,
    ):
        with wan.deaf(7000) as first, dmz.deaf(8080) as second:
            begun = (
                lan.begin("192.0.2.1", 7000, "192.168.10.2"),
                wan.begin("203.0.113.1", 80, "203.0.113.50"),
            )
            first()
            second()
        with closing(begun[0]), closing(begun[1]):
            for listener in (outside, published):
                listener.accept()[0].close()
    assert is_refused(dmz, "192.0.2.1", 7000)


def test_a_packet_whose_time_is_up_goes_no_further(lan: Host) -> None:
    assert not lan.ping("192.0.2.1", "-t", "1", timeout=1)
    assert lan.ping("192.0.2.1", "-t", "2")


@pytest.fixture
def narrow(wan: Host) -> Iterator[None]:
    """A hop behind `wan` with an MTU of 1280 to 192.0.2.100."""
    far = f"{wan.namespace}-far"
    run("ip", "netns", "add", far)
    try:
        wan.sh("ip", "link", "add", "far", "type", "veth", "peer", "name", "eth0", "netns", far)
        for command in (
            ("ip", "address", "add", "10.255.0.1/30", "dev", "far"),
            ("ip", "link", "set", "far", "mtu", "1280", "up"),
            ("sysctl", "-qw", "net.ipv4.ip_forward=1"),
            ("ip", "route", "add", "192.0.2.100/32", "via", "10.255.0.2"),
        ):
            wan.sh(*command)
        host = Host(far, "")
        host.sh("ip", "address", "add", "10.255.0.2/30", "dev", "eth0")
        host.sh("ip", "address", "add", "192.0.2.100/32", "dev", "lo")
        host.sh("ip", "link", "set", "lo", "up")
        host.sh("ip", "link", "set", "eth0", "mtu", "1280", "up")
        host.sh("ip", "route", "add", "default", "via", "10.255.0.1")
        yield
    finally:
        run("ip", "netns", "delete", far)
        wan.sh("ip", "link", "delete", "far", check=False)


@pytest.mark.usefixtures("narrow")
def test_path_mtu_discovery_works_through_nat(lan: Host, wan: Host) -> None:
    lan.sh("ip", "route", "flush", "cache")
    out = lan.sh("ping", "-n", "-c2", "-W3", "-M", "do", "-s", "1400", "192.0.2.100", check=False)
    assert re.search(r"mtu[ =]+1280", out), out
    far = Host(f"{wan.namespace}-far", "")
    with closing(far.listen("192.0.2.100", 7000)) as listener:
        connection = lan.connect("192.0.2.100", 7000)
        accepted, _ = listener.accept()
        with closing(connection), closing(accepted):
            accepted.settimeout(PATIENCE)
            connection.sendall(b"x" * 50_000)
            received = 0
            while received < 50_000:
                received += len(accepted.recv(65_536))


def test_what_cannot_be_translated_does_not_leave(
    gateway: Bench, lan: Host, dmz: Host, wan: Host
) -> None:
    """Two hosts ping with the same identifier, and conntrack has one for both."""
    with closing(wan.raw()) as arriving:
        for host, source in ((lan, "192.168.10.2"), (dmz, "192.168.20.2")):
            with closing(host.raw()) as raw:
                raw.send(echo_frame(host, source, "192.0.2.1"))
        senders = set()
        arriving.settimeout(PATIENCE)
        with contextlib.suppress(TimeoutError):
            while True:
                frame = arriving.recv(2000)
                if frame[12:14] == b"\x08\x00" and frame[:6].hex(":") == wan.mac:
                    senders.add(str(ip_address(frame[26:30])))
                    arriving.settimeout(0.7)
    assert senders == {"203.0.113.1"}


def test_unreachable_ports_are_reported_through_nat(lan: Host, wan: Host) -> None:
    with closing(lan.listen("192.168.10.2", 5001, socket.SOCK_DGRAM)) as client:
        client.connect(("192.0.2.1", 7001))
        client.send(b"is anyone there")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
