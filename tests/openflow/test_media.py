"""UDP data of bindings, through a real switch whose controller is this test."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_address

import pytest

from ryu_alg.engine.commands import CloseMedia, CountData, MediaPath, OpenMedia
from ryu_alg.inspection import Endpoint, Transport
from ryu_alg.openflow import pinholes
from ryu_alg.openflow.bundle import installation
from ryu_alg.openflow.cookies import Kind, cookie, parse
from ryu_alg.openflow.ct_flush import is_forget
from ryu_alg.openflow.flowtext import flow_mod
from ryu_alg.openflow.media import Media
from ryu_alg.openflow.messages import MessageType
from ryu_alg.openflow.plan import PipelinePlan
from ryu_alg.openflow.render import render
from tests.openflow.bench import PATIENCE, Bench, OpenFlowClient
from tests.openflow.conftest import PORTS, neighbour_flows
from tests.openflow.control import packet_of, put

pytestmark = pytest.mark.lab

BINDING, MARK = 5, 0x1234


def at(address: str, port: int) -> Endpoint:
    return Endpoint(ip_address(address), port)


NAT = MediaPath(at("192.168.10.2", 4000), at("203.0.113.1", 40_000), at("203.0.113.50", 6000))
PLAIN = MediaPath(at("198.51.100.2", 4000), at("198.51.100.2", 4000), at("203.0.113.50", 6000))
IPV6 = MediaPath(at("2001:db8:30::2", 4000), at("2001:db8:30::2", 4000), at("2001:db8:1::fe", 6000))
PATHS = {"nat": NAT, "plain": PLAIN, "ipv6": IPV6}
ELSEWHERE = replace(NAT, remote=at("203.0.113.254", 6002))


@dataclass
class Call:
    """A controller that has media opened and closed, and the hosts that talk."""

    gateway: Bench
    controller: OpenFlowClient
    zone: int
    media: Media

    def open(self, *paths: MediaPath, binding: int = BINDING, mark: int = MARK) -> None:
        put(self.controller, *self.media.open(OpenMedia(binding, mark, paths), self.zone))

    def close(self, *paths: MediaPath, binding: int = BINDING, mark: int = MARK) -> None:
        put(self.controller, *self.media.close(CloseMedia(binding, mark, paths), self.zone))

    def settle(self) -> None:
        """What the application does while there is something to settle."""
        for _ in range(2):
            self.gateway.revalidate()  # the application waits for `media.SETTLING`
            put(self.controller, *self.media.settled())
        assert not self.media.settling

    def inside(self, path: MediaPath) -> socket.socket:
        host = "lan" if path.inside.address == NAT.inside.address else "plain"
        return self.udp(host, path.inside)

    def remote(self, path: MediaPath, port: int | None = None) -> socket.socket:
        return self.udp("wan", path.remote, port)

    def udp(self, host: str, endpoint: Endpoint, port: int | None = None) -> socket.socket:
        return self.gateway.hosts[host].listen(
            str(endpoint.address), endpoint.port if port is None else port, socket.SOCK_DGRAM
        )

    def connections(self) -> list[str]:
        return [line for line in self.gateway.conntrack() if line.startswith("udp")]

    def flows(self) -> list[str]:
        kinds = f"cookie={cookie(Kind.MEDIA):#x}/-1"[:-3]
        return self.gateway.dump(f"{kinds}/0xffffffff00000000")


@pytest.fixture
def call(gateway: Bench, controller: OpenFlowClient, plan: PipelinePlan) -> Call:
    return Call(gateway, controller, plan.ct_zone, Media())


def tell(sender: socket.socket, endpoint: Endpoint, receiver: socket.socket) -> Endpoint:
    """A datagram arrives: who it seems to be from."""
    sender.sendto(b"voice", (str(endpoint.address), endpoint.port))
    data, peer = receiver.recvfrom(100)
    assert data == b"voice"
    return at(peer[0], peer[1])


def tells_soon(sender: socket.socket, endpoint: Endpoint, receiver: socket.socket) -> None:
    """A datagram arrives; not the first one, if the datapath has cached that it may not."""
    with talking((sender, endpoint)):
        assert receiver.recv(100) == b"blah"


def hears(receiver: socket.socket, sender: socket.socket, endpoint: Endpoint) -> bool:
    receiver.settimeout(0.5)
    try:
        tell(sender, endpoint, receiver)
    except TimeoutError:
        return False
    finally:
        receiver.settimeout(PATIENCE)
    return True


@contextlib.contextmanager
def talking(*ways: tuple[socket.socket, Endpoint]) -> Iterator[None]:
    """Somebody talks all the time, a packet every 5 ms."""
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.005):
            for sender, endpoint in ways:
                sender.sendto(b"blah", (str(endpoint.address), endpoint.port))

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def drained(receiver: socket.socket) -> None:
    """What has arrived so far is gone."""
    receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            receiver.recv(100)
    receiver.settimeout(PATIENCE)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("inside_first", [True, False])
def test_media_pass_both_ways_whoever_begins(call: Call, name: str, inside_first: bool) -> None:
    path = PATHS[name]
    with closing(call.inside(path)) as inside, closing(call.remote(path)) as remote:
        call.open(path)
        for _ in range(2):
            if inside_first:
                assert tell(inside, path.remote, remote) == path.public
                assert tell(remote, path.public, inside) == path.remote
            else:
                assert tell(remote, path.public, inside) == path.remote
                assert tell(inside, path.remote, remote) == path.public
        assert len(call.connections()) == 1
        assert f"mark={MARK}" in call.connections()[0]


@pytest.mark.parametrize("name", PATHS)
def test_who_was_refused_is_let_in_then(call: Call, name: str) -> None:
    path = PATHS[name]
    with closing(call.inside(path)) as inside, closing(call.remote(path)) as remote:
        assert not hears(inside, remote, path.public)
        call.open(path)
        tells_soon(remote, path.public, inside)


@pytest.mark.parametrize("name", PATHS)
def test_nobody_else_is_let_in(call: Call, name: str) -> None:
    path = PATHS[name]
    outsider = at("203.0.113.254" if path is not IPV6 else "fe80::fe%eth0", 6000)
    if path is IPV6:
        call.gateway.hosts["wan"].sh("ip", "address", "replace", "2001:db8:1::99/64", "dev", "eth0")
        outsider = at("2001:db8:1::99", 6000)
    call.open(path)
    with (
        closing(call.inside(path)) as inside,
        closing(call.udp("wan", outsider)) as other,
        closing(call.remote(path)) as remote,
    ):
        assert not hears(inside, other, path.public)
        assert not hears(inside, remote, replace(path.public, port=path.public.port + 1))
        assert tell(remote, path.public, inside) == path.remote
        assert not hears(inside, other, path.public)


def test_the_inside_endpoint_sends_elsewhere_as_ever(call: Call, plan: PipelinePlan) -> None:
    call.open(NAT)
    with (
        closing(call.inside(NAT)) as inside,
        closing(call.remote(ELSEWHERE)) as other,
        closing(call.remote(NAT, 6001)) as another_port,
    ):
        for receiver, endpoint in (
            (other, ELSEWHERE.remote),
            (another_port, replace(NAT.remote, port=6001)),
        ):
            seen = tell(inside, endpoint, receiver)
            assert plan.napt.low <= seen.port <= plan.napt.high


@pytest.mark.parametrize("answered", [True, False])
def test_what_was_sent_before_does_not_matter(
    call: Call, plan: PipelinePlan, answered: bool
) -> None:
    """The inside one sends as soon as it has the answer, or before."""
    with closing(call.inside(NAT)) as inside, closing(call.remote(NAT)) as remote:
        before = tell(inside, NAT.remote, remote)
        assert plan.napt.low <= before.port <= plan.napt.high
        if answered:
            assert tell(remote, before, inside) == NAT.remote
        with talking((inside, NAT.remote)):
            call.open(NAT)
            call.settle()
            drained(remote)
        drained(remote)
        assert tell(inside, NAT.remote, remote) == NAT.public
        assert tell(remote, NAT.public, inside) == NAT.remote
        assert len(call.connections()) == 1


def test_what_goes_to_another_port_does_not_matter(call: Call) -> None:
    """The datapath has cached what to do with that."""
    with (
        closing(call.inside(NAT)) as inside,
        closing(call.remote(NAT)) as remote,
        closing(call.remote(NAT, 6001)) as another_port,
    ):
        for _ in range(5):
            tell(inside, replace(NAT.remote, port=6001), another_port)
        call.open(NAT)
        assert tell(inside, NAT.remote, remote) == NAT.public


@pytest.mark.parametrize("name", PATHS)
def test_a_first_packet_does_not_meet_the_drop_of_another_port(call: Call, name: str) -> None:
    path = PATHS[name]
    with closing(call.inside(path)) as inside, closing(call.remote(path)) as remote:
        assert not hears(inside, remote, replace(path.public, port=path.public.port + 1))
        with call.gateway.stale_datapath():
            call.open(path)
            assert tell(remote, path.public, inside) == path.remote


@pytest.mark.parametrize("name", PATHS)
def test_the_end_cuts_what_moves_and_leaves_nothing(call: Call, name: str) -> None:
    """Without NAT, an inside host that goes on talking has answers let in, as with any host."""
    path = PATHS[name]
    put(
        call.controller,
        flow_mod(
            pinholes.counter_flow(CountData(MARK, 60, path.inside.address.version, Transport.UDP))
        ),
    )
    call.open(path)
    with closing(call.inside(path)) as inside, closing(call.remote(path)) as remote:
        assert tell(inside, path.remote, remote) == path.public
        ways = ((inside, path.remote), (remote, path.public))
        with talking(*(ways if path is NAT else ways[1:])):
            assert inside.recv(100) == b"blah"
            call.close(path)
            call.settle()
            drained(inside)
            inside.settimeout(0.3)
            with pytest.raises(TimeoutError):
                inside.recv(100)
            inside.settimeout(PATIENCE)
        marked = [line for line in call.connections() if f"mark={MARK}" in line]
        assert marked == []
        assert call.flows() == []
        assert not call.gateway.dump(f"cookie={cookie(Kind.DATA, MARK):#x}/-1")


def test_another_call_between_the_same_endpoints(call: Call) -> None:
    """The next call's public port is another one."""
    second = replace(NAT, public=at("203.0.113.1", 40_002))
    with closing(call.inside(NAT)) as inside, closing(call.remote(NAT)) as remote:
        call.open(NAT)
        assert tell(inside, NAT.remote, remote) == NAT.public
        call.close(NAT)
        call.open(second, binding=BINDING + 1, mark=MARK + 1)
        call.settle()
        assert tell(inside, NAT.remote, remote) == second.public
        assert tell(remote, second.public, inside) == NAT.remote
        assert not hears(inside, remote, NAT.public)


def test_other_remotes_replace_the_ones_before(call: Call) -> None:
    with (
        closing(call.inside(NAT)) as inside,
        closing(call.remote(NAT)) as remote,
        closing(call.remote(ELSEWHERE)) as other,
    ):
        call.open(NAT)
        assert tell(remote, NAT.public, inside) == NAT.remote
        call.open(NAT, ELSEWHERE)
        assert tell(remote, NAT.public, inside) == NAT.remote
        assert tell(other, NAT.public, inside) == ELSEWHERE.remote
        with talking((remote, NAT.public)):
            call.open(ELSEWHERE)
            assert len(call.flows()) == 3
            call.settle()
            drained(inside)
            assert not any(f"src={NAT.remote.address}" in line for line in call.connections())
        assert tell(other, NAT.public, inside) == ELSEWHERE.remote
        assert tell(inside, ELSEWHERE.remote, other) == NAT.public


def test_remotes_with_one_address(call: Call) -> None:
    """A forked call of which one branch is over: both were with the same media server."""
    branch = replace(NAT, remote=replace(NAT.remote, port=6004))
    call.open(NAT, branch)
    call.open(branch)
    with closing(call.inside(NAT)) as inside, closing(call.remote(NAT, 6010)) as remote:
        assert tell(remote, NAT.public, inside) == replace(NAT.remote, port=6010)


def test_a_remote_that_sends_from_another_port(call: Call) -> None:
    """It is behind NAT itself, say. The answer goes where its packets come from."""
    call.open(NAT)
    actual = replace(NAT.remote, port=6010)
    with (
        closing(call.inside(NAT)) as inside,
        closing(call.remote(NAT, 6010)) as remote,
        closing(call.remote(NAT, 6012)) as again,
    ):
        assert tell(remote, NAT.public, inside) == actual
        assert tell(inside, actual, remote) == NAT.public
        notice = packet_of(call.controller, Kind.MEDIA)
        assert notice is not None and parse(notice.cookie) == (Kind.MEDIA, BINDING)
        put(call.controller, *call.media.other_port(BINDING, call.zone))
        assert call.media.other_port(BINDING, call.zone) == []

        assert tell(again, NAT.public, inside) == replace(NAT.remote, port=6012)
        assert packet_of(call.controller, Kind.MEDIA, timeout=0.5) is None

        call.close(NAT)
        assert call.connections() == []
        call.settle()
        assert not hears(inside, remote, NAT.public)


def test_a_remote_that_keeps_its_port_costs_no_notice(call: Call) -> None:
    call.open(NAT)
    with closing(call.inside(NAT)) as inside, closing(call.remote(NAT)) as remote:
        assert tell(remote, NAT.public, inside) == NAT.remote
    assert packet_of(call.controller, Kind.MEDIA, timeout=0.5) is None


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("answered", [True, False])
def test_media_are_counted_until_they_are_idle(call: Call, name: str, answered: bool) -> None:
    """A connection that nobody answers stays new for conntrack; its packets count."""
    path = PATHS[name]
    counted = CountData(MARK, 2, path.inside.address.version, Transport.UDP)
    put(call.controller, flow_mod(pinholes.counter_flow(counted)))
    call.open(path)
    with closing(call.inside(path)) as inside, closing(call.remote(path)) as remote:
        for _ in range(20):
            tell(inside, path.remote, remote)
            if answered:
                tell(remote, path.public, inside)
        removed = call.controller.next(MessageType.FLOW_REMOVED)
        assert removed is not None
        assert parse(struct.unpack_from("!Q", removed, 8)[0]) == (Kind.DATA, MARK)
        packets, octets = struct.unpack_from("!QQ", removed, 32)
        assert packets >= (38 if answered else 18)
        assert octets >= packets * 33
        # Its time is up, and yet what moves again passes.
        assert tell(inside, path.remote, remote) == path.public


def test_an_older_switch_cuts_what_it_cannot_forget(call: Call) -> None:
    call.open(NAT)
    with closing(call.inside(NAT)) as inside, closing(call.remote(NAT)) as remote:
        assert tell(remote, NAT.public, inside) == NAT.remote
        messages = call.media.close(CloseMedia(BINDING, MARK, (NAT,)), call.zone)
        # It carries out the rest, and answers these with an error.
        put(call.controller, *(m for m in messages if not is_forget(m)))
        put(call.controller, *call.media.cannot_forget())
        assert not call.media.settling
        call.gateway.revalidate()
        assert not hears(inside, remote, NAT.public)

        call.open(NAT, mark=MARK + 1)
        call.close(NAT, mark=MARK + 1)
        cuts = call.gateway.dump(f"cookie={cookie(Kind.CUT):#x}/0xffffffff00000000")
        assert len(cuts) == 2


def test_an_error_says_what_it_is_about(call: Call) -> None:
    """As an older switch would answer: here because the padding is not 0."""
    sent = call.media.open(OpenMedia(BINDING, MARK, (NAT,)), call.zone)[-1]
    assert is_forget(sent)
    broken = sent[:17] + b"\1" + sent[18:]
    call.controller.send(broken)
    error = call.controller.next(MessageType.ERROR)
    assert error is not None
    kind_code_experimenter = 8
    assert is_forget(error[8 + kind_code_experimenter :])
    assert not is_forget(flow_mod("table=0 actions=drop"))


def test_a_new_pipeline_has_what_is_open_and_ends_what_is_not(
    call: Call, plan: PipelinePlan
) -> None:
    gone = replace(NAT, inside=at("192.168.10.2", 4002), public=at("203.0.113.1", 40_002))
    call.open(NAT)
    call.open(gone, binding=6, mark=MARK + 1)
    with (
        closing(call.inside(NAT)) as inside,
        closing(call.inside(gone)) as late,
        closing(call.remote(NAT)) as remote,
    ):
        assert tell(remote, NAT.public, inside) == NAT.remote
        assert tell(remote, gone.public, late) == NAT.remote
        before = call.flows()
        flows, ending = call.media.installed((OpenMedia(BINDING, MARK, (NAT,)),), call.zone)
        rendered = [*render(plan, PORTS), *neighbour_flows(call.gateway), *flows]
        sent = installation(rendered, {}, 9)
        put(call.controller, *sent.bundle, *ending)
        call.settle()
        assert call.flows() == [
            flow for flow in before if f"{cookie(Kind.MEDIA, BINDING):#x}" in flow
        ]
        assert tell(remote, NAT.public, inside) == NAT.remote
        assert not hears(late, remote, gone.public)
