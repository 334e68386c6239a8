"""What opens for a transfer, for whom, and when it is over; with the real engine."""

from __future__ import annotations

from typing import Any

import pytest

from ryu_alg.engine.commands import CloseMedia, CountData, MediaPath, OpenMedia
from ryu_alg.engine.config import OutboundRule, PortRange, Quotas
from ryu_alg.engine.events import DataCounted
from ryu_alg.inspection import Endpoint, Transport
from tests.engine.test_datagram_sessions import nothing_left
from tests.engine.toy_datagrams import PUBLIC, Exchanged, Network, at
from tests.protocols.tftp.site import (
    CLIENT,
    INSIDE_SERVER,
    IPV6_CLIENT,
    IPV6_SERVER,
    OTHER_SERVER,
    OUTSIDE_CLIENT,
    PLAIN_SERVER,
    PUBLISHED,
    SERVER,
    codes,
    error_of,
    inspector,
    request,
    site,
)

READ = request("blksize", "1468")


def asked(net: Network, payload: bytes = READ, client: Endpoint = CLIENT) -> Exchanged:
    """An inside client asks a server outside."""
    return net.send(client, SERVER, payload)


def open_path(step: Exchanged) -> MediaPath:
    (opened,) = step.of(OpenMedia)
    (path,) = opened.paths
    assert isinstance(path, MediaPath)
    return path


def refused(step: Exchanged) -> tuple[str, int, Endpoint, Endpoint]:
    """The event, the code of the ERROR packet, from where and whereto it goes."""
    ((source, target, payload),) = step.left
    (code,) = [code for code in codes(step) if code.startswith("tftp.")]
    assert not step.of(OpenMedia)
    return code, error_of(payload), source, target


# -- an inside client -----------------------------------------------------------------------------


def test_the_request_leaves_unchanged_from_where_its_answer_may_come() -> None:
    net = site()
    step = asked(net)
    path = open_path(step)
    assert (path.inside, path.remote) == (CLIENT, SERVER)
    assert path.public.address == PUBLIC and 32768 <= path.public.port <= 32775
    assert step.left == []
    assert "tftp.request" in codes(step)
    assert net.confirm().left == [(path.public, SERVER, READ)]


@pytest.mark.parametrize(
    ("client", "server"), [(IPV6_CLIENT, IPV6_SERVER), (at("192.0.2.2", 4000), SERVER)]
)
def test_without_nat(client: Endpoint, server: Endpoint) -> None:
    net = site()
    assert open_path(net.send(client, server, READ)) == MediaPath(client, client, server)
    assert net.confirm().left == [(client, server, READ)]


def test_a_request_that_is_sent_again_is_the_same_transfer() -> None:
    net = site()
    path = open_path(asked(net))
    again = asked(net)
    assert not again.of(OpenMedia) and again.left == []
    assert net.confirm().left == [(path.public, SERVER, READ)] * 2
    step = asked(net)
    assert step.left == [(path.public, SERVER, READ)] and codes(step) == []
    assert len(net.engine.tables.bindings.live) == 1


def test_the_next_file_by_the_same_port() -> None:
    net = site()
    path = open_path(asked(net))
    net.confirm()
    step = asked(net, request(name="next"))
    assert step.left == [(path.public, SERVER, request(name="next"))]
    assert codes(step) == ["tftp.request"]


def test_another_server_by_the_same_port_ends_the_transfer() -> None:
    net = site()
    path = open_path(asked(net))
    net.confirm()
    step = net.send(CLIENT, OTHER_SERVER, READ)
    assert len(step.of(CloseMedia)) == 1
    other = open_path(step)
    assert other.remote == OTHER_SERVER and other.public != path.public
    assert len(net.engine.tables.bindings.live) == 1


def test_nothing_of_a_client_is_held_but_its_transfers() -> None:
    net = site()
    for port in range(4000, 4005):
        asked(net, client=Endpoint(CLIENT.address, port))
        net.confirm()
    assert len(net.engine.datagrams.controls) == 0
    for mark in list(net.engine.tables.marks.live):
        net.now += 1.0
        net.handle(DataCounted(mark, 7, 700, idle=True))
    assert nothing_left(net)


@pytest.mark.parametrize(("timeout", "idle"), [(None, 30), (5, 30), (20, 60), (255, 120)])
def test_how_long_silence_may_last(timeout: int | None, idle: int) -> None:
    fields = () if timeout is None else ("timeout", str(timeout))
    (count,) = asked(site(), request(*fields)).of(CountData)
    assert count.idle == idle


@pytest.mark.parametrize(
    ("payload", "options", "code", "error"),
    [
        (b"\0\1name\0", {}, "tftp.malformed", 4),
        (request(mode="mail"), {}, "tftp.mode", 4),
        (request("blksize", "1"), {}, "tftp.option", 8),
        (READ, {"rules": [{"action": "deny"}]}, "tftp.denied", 2),
        (request(write=True), {"upload_limit": 1}, "tftp.size", 3),
    ],
)
def test_what_may_not_pass_is_answered(
    payload: bytes, options: dict[str, Any], code: str, error: int
) -> None:
    net = site(options)
    assert refused(asked(net, payload)) == (code, error, SERVER, CLIENT)
    assert nothing_left(net)


def test_a_privileged_port_is_no_clients() -> None:
    net = site()
    client = Endpoint(CLIENT.address, 69)
    assert refused(asked(net, client=client)) == ("tftp.refused", 0, SERVER, client)


def test_transfers_are_bounded() -> None:
    net = site({"transfers_per_host": 2})
    for port in (4000, 4001):
        asked(net, client=Endpoint(CLIENT.address, port))
    third = Endpoint(CLIENT.address, 4002)
    assert refused(asked(net, client=third)) == ("tftp.quota", 0, SERVER, third)
    assert len(inspector(net).transfers) == 2
    assert not asked(net).of(OpenMedia)  # one that is known


def test_when_ports_or_quotas_run_out() -> None:
    net = site(data=PortRange(40000, 40000))
    asked(net)
    second = Endpoint(CLIENT.address, 4001)
    assert refused(asked(net, client=second)) == ("tftp.refused", 0, SERVER, second)
    net = site(quotas=Quotas(pinholes_per_host=0))
    assert refused(asked(net))[:2] == ("tftp.refused", 0)


def test_outbound_policy_is_kept() -> None:
    nobody = OutboundRule((), (), Transport.UDP, (), allow=False)
    net = site(outbound=(nobody,))
    step = asked(net)
    assert (step.left, codes(step)) == ([], ["session.denied"])


def test_a_published_server_is_asked_by_its_inside_address() -> None:
    net = site()
    step = net.send(CLIENT, PUBLISHED, READ)
    assert refused(step) == ("tftp.hairpin", 0, PUBLISHED, CLIENT)


# -- a published server ---------------------------------------------------------------------------


def test_a_published_server_may_answer_from_whatever_port() -> None:
    net = site()
    step = net.send(OUTSIDE_CLIENT, PUBLISHED, READ)
    path = open_path(step)
    assert path.inside == Endpoint(INSIDE_SERVER.address, 0)
    assert path.remote == OUTSIDE_CLIENT
    assert path.public.address == PUBLIC
    assert step.left == []
    assert net.confirm().left == [(OUTSIDE_CLIENT, INSIDE_SERVER, READ)]


def test_a_published_server_without_nat() -> None:
    net = site()
    path = open_path(net.send(OUTSIDE_CLIENT, PLAIN_SERVER, READ))
    nowhere = Endpoint(PLAIN_SERVER.address, 0)
    assert path == MediaPath(nowhere, nowhere, OUTSIDE_CLIENT)


def test_an_outside_client_that_may_not_reads_so_from_the_public_endpoint() -> None:
    net = site({"rules": [{"action": "deny"}]})
    step = net.send(OUTSIDE_CLIENT, PUBLISHED, READ)
    assert refused(step) == ("tftp.denied", 2, PUBLISHED, OUTSIDE_CLIENT)


def test_a_forged_request_from_another_service_is_not_answered() -> None:
    net = site()
    step = net.send(at("198.51.100.9", 53), PUBLISHED, READ)
    assert (step.left, codes(step)[-1]) == ([], "tftp.port")
    assert not step.of(OpenMedia)


def test_nobody_asks_a_host_that_is_no_server() -> None:
    net = site()
    net.send(IPV6_CLIENT, IPV6_SERVER, READ)
    net.confirm()
    assert net.send(IPV6_CLIENT, IPV6_SERVER, b"\0\4\0\1").left  # from where it may be answered
    step = net.send(IPV6_SERVER, IPV6_CLIENT, READ)
    assert (step.left, codes(step)) == ([], ["tftp.stray"])


# -- the end, and servers that stay at the well-known port ----------------------------------------


def test_silence_ends_a_transfer() -> None:
    net = site()
    asked(net)
    net.confirm()
    (mark,) = net.engine.tables.marks.live
    step = net.handle(DataCounted(mark, 7, 700, idle=True))
    assert step.of(CloseMedia)
    assert nothing_left(net)


def test_what_is_of_no_transfer_is_dropped() -> None:
    net = site()
    for payload in (b"\0\3\0\1data", b"\0\4\0\1", b"\0\5\0\0x\0", b"", b"GET / HTTP/1.1\r\n"):
        step = asked(net, payload)
        assert (step.left, codes(step)[-1]) == ([], "tftp.stray")
    asked(net)
    net.confirm()
    assert net.send(CLIENT, OTHER_SERVER, b"\0\4\0\1").left == []


def test_an_inside_client_of_a_server_that_stays_there() -> None:
    net = site()
    path = open_path(asked(net))
    net.confirm()
    assert asked(net, b"\0\4\0\1").left == [(path.public, SERVER, b"\0\4\0\1")]
    (mark,) = net.engine.tables.marks.live
    net.now = 29.0
    assert not net.handle(DataCounted(mark, 0, 0, idle=True)).of(CloseMedia)
    net.now = 31.0
    assert net.handle(DataCounted(mark, 0, 0, idle=True)).of(CloseMedia)


def test_a_published_server_that_stays_there() -> None:
    net = site()
    net.send(OUTSIDE_CLIENT, PUBLISHED, READ)
    net.confirm()
    left = net.send(INSIDE_SERVER, OUTSIDE_CLIENT, b"\0\3\0\1data").left
    assert left == [(PUBLISHED, OUTSIDE_CLIENT, b"\0\3\0\1data")]
    left = net.send(OUTSIDE_CLIENT, PUBLISHED, b"\0\4\0\1").left
    assert left == [(OUTSIDE_CLIENT, INSIDE_SERVER, b"\0\4\0\1")]


def test_an_error_ends_a_transfer_unless_it_is_about_another() -> None:
    net = site()
    path = open_path(asked(net))
    net.confirm()
    step = asked(net, b"\0\5\0\5who?\0")
    assert step.left and not step.of(CloseMedia)
    step = asked(net, b"\0\5\0\0enough\0")
    assert step.left == [(path.public, SERVER, b"\0\5\0\0enough\0")]
    assert step.of(CloseMedia) and inspector(net).transfers == {}
