"""Rules that hold for every protocol, in the configuration of somebody who binds them and says no
more. What a rule asks of one protocol or of the switch alone is tested where that is:
docs/security.md has the list."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from random import Random, SystemRandom

import pytest

from ryu_alg.assembly import engine_config, protocol_specs
from ryu_alg.engine.commands import Pinhole
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.segment import ACK, RST
from ryu_alg.inspection import Transport
from ryu_alg.settings import parse
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    SERVER,
    VICTIM,
    Connection,
    Site,
    at,
    configured,
    default_config,
)

CONTROL, DATA = (49152, 53247), (32768, 49151)
"""Partitions of `CONFIGURATION`."""
GREETING = b"220 Ready.\r\n"


def ftp(site: Site, client: str = CLIENT, port: int = 40000) -> Connection:
    """A session whose user has been let in."""
    connection = site.connect("ftp", client=client, port=port)
    connection.server_sends(GREETING)
    connection.client_sends(b"USER anna\r\n")
    connection.server_sends(b"230 Welcome.\r\n")
    return connection


def active(connection: Connection) -> Pinhole:
    """The pinhole of an active transfer."""
    number = ",".join(str(connection.client_at.address).split("."))
    known = set(connection.site.pinholes)
    connection.client_sends(f"PORT {number},19,136\r\n".encode())
    connection.server_sends(b"200 PORT command successful.\r\n")
    (opened,) = set(connection.site.pinholes) - known
    return connection.site.pinholes[opened]


def hosts(count: int) -> list[str]:
    """Addresses of the first inside network."""
    return [f"192.168.10.{number}" for number in range(2, 2 + count)]


def small(**ranges: str) -> Engine:
    """With other partitions of the public ports."""
    text = CONFIGURATION
    for name, ports in ranges.items():
        text = re.sub(rf"\b{name}: \d+-\d+", f"{name}: {ports}", text)
    return configured(text)


# -- rule 6: public ports -------------------------------------------------------------------------


def test_nobody_can_tell_the_next_port() -> None:
    """RFC 6056: from the operating system's own source of chance, over the whole partition."""
    engine = Engine(default_config())
    assert isinstance(engine.random, SystemRandom)
    assert engine.tables.ports.random is engine.random
    site = Site(engine)
    seen: list[int] = []
    announced: list[int] = []
    for host in hosts(20):
        for number in range(20):
            connection = ftp(site, host, 40000 + number)
            seen.append(connection.server.peer.port)
            announced.append(active(connection).seen.port)
    for ports, (low, high) in ((seen, CONTROL), (announced, DATA)):
        assert low <= min(ports) and max(ports) <= high
        sixteenths = Counter((port - low) * 16 // (high - low + 1) for port in ports)
        assert len(sixteenths) == 16  # chance misses one of them in 10 billion runs
        steps = Counter(b - a for a, b in pairwise(ports))
        assert max(steps.values()) < 10, "each follows from the one before"


def test_first_ports_differ_from_run_to_run() -> None:
    first = {ftp(Site(Engine(default_config()))).server.peer.port for _ in range(8)}
    assert len(first) > 1


@pytest.mark.parametrize("seed", range(8))
def test_a_port_is_one_hosts_own_and_rests_for_two_minutes(seed: int) -> None:
    """Whatever leases come and go: no port is handed out that is in use, or was within 120 s."""
    chance = Random(seed)
    config = small(control="49152-49167", data="32768-32799").config
    ports = PublicPorts(config, Random(seed))
    (address,) = config.public
    now = 0.0
    standing: list[Lease] = []
    resting: dict[tuple[int, str], float] = {}
    handed_out = 0
    for _ in range(2000):
        now += chance.random() * 10
        inside = at(chance.choice(hosts(5)), chance.randrange(1024, 65536))
        transport = chance.choice(tuple(Transport))
        match chance.randrange(6):
            case 0:
                made = [ports.control(address, inside, transport, now)]
            case 1:
                made = [ports.data(address, inside, transport, now)]
            case 2:
                made = [ports.listening(address, inside, now)]
            case 3:
                both = (inside, replace(inside, port=inside.port ^ 1))
                made = list(ports.data_run(address, both, transport, now, even=True))
                assert not made or [m.public.port % 2 for m in made if m] == [0, 1]
            case _:
                made = []
                if standing:
                    over = standing.pop(chance.randrange(len(standing)))
                    over.end(now)
                    resting[over.public.port, ""] = now + 120.0
        for lease in made:
            if lease is None:
                continue
            handed_out += 1
            port = lease.public.port
            assert port not in {other.public.port for other in standing}
            assert resting.get((port, ""), 0.0) <= now
            standing.append(lease)
            for used in lease.transports:
                assert ports.behind(lease.public, used) == lease.inside
    assert handed_out > 100


def test_ports_rest_for_two_minutes_by_default() -> None:
    site = Site(small(control="49152-49152", data="32768-32768"))
    connection = ftp(site)
    pinhole = active(connection)
    site.unused(pinhole.id)  # it is over, and its port rests
    assert connection.client_sends(b"PORT 192,168,10,2,19,137\r\n") == b""
    assert connection.client_side.received.splitlines()[-1].startswith(b"425")
    connection.segment(connection.client_side, flags=RST | ACK)
    ended = site.now
    late = site.connect("ftp", client=VICTIM)
    assert late.reset and site.events[-1] == "session.ports_exhausted"
    site.sleep(149.9)  # timers.time_wait is 30 s
    assert site.connect("ftp", client=VICTIM, port=40001).reset
    site.sleep(ended + 151.0 - site.now)
    assert active(ftp(site, VICTIM, 40002)).seen.port == 32768


def test_syns_over_a_quota_cost_nobody_a_port() -> None:
    """One host's SYNs do not use up the ports of all."""
    text = CONFIGURATION + "quotas: {sessions_per_host: 2}\n"
    site = Site(configured(re.sub(r"control: \d+-\d+", "control: 49152-49159", text)))
    for number in range(2):
        ftp(site, port=40000 + number)
    for number in range(50):
        assert site.connect("ftp", port=41000 + number).reset
        assert site.events[-1] == "session.quota_host"
    assert not ftp(site, VICTIM).reset


def test_a_protocol_leaves_room_for_the_others() -> None:
    text = CONFIGURATION + "quotas: {sessions: 8, sessions_per_host: 8, pinholes_per_host: 8}\n"
    site = Site(configured(text))
    for number in range(6):
        ftp(site, port=40000 + number)
    assert site.connect("ftp", client=VICTIM).reset
    assert site.events[-1] == "session.quota_protocol"
    assert not site.connect("irc", client=VICTIM).reset
    phone, proxy = at(VICTIM, 5060), at(SERVER, 5060)
    assert site.send(phone, proxy, b"\r\n\r\n", "sip")
    site.connections[0].segment(site.connections[0].client_side, flags=RST | ACK)
    site.sleep(31.0)  # timers.time_wait
    assert not site.connect("ftp", client=VICTIM, port=40001).reset


def test_pinholes_of_a_protocol_leave_room_for_those_of_others() -> None:
    quotas = "quotas: {pinholes: 4, pinholes_per_host: 4, pinholes_per_session: 1}\n"
    site = Site(configured(CONFIGURATION + quotas))
    for number in range(3):
        active(ftp(site, port=40000 + number))
    full = ftp(site, port=40003)
    assert full.client_sends(b"PORT 192,168,10,2,19,136\r\n") == b""
    assert full.client_side.received.splitlines()[-1].startswith(b"425")
    site.connections[0].segment(site.connections[0].client_side, flags=RST | ACK)
    active(full)
    client = at(VICTIM, 4000)
    assert site.send(client, at(SERVER, 69), b"\0\1a\0octet\0", "tftp")
    assert len(site.media) == 1


def test_the_only_protocol_may_have_all() -> None:
    def shares(text: str) -> list[tuple[int, int]]:
        read = parse(text)
        quotas = engine_config(read, protocol_specs(read)).quotas
        return [(quotas.sessions_per_protocol, quotas.pinholes_per_protocol)]

    alone = CONFIGURATION[: CONFIGURATION.index("published:")] + "protocols: {ftp: {}}\n"
    assert shares(alone) == [(10_000, 20_000)]
    assert shares(CONFIGURATION) == [(7_500, 15_000)]
    assert shares(CONFIGURATION + "quotas: {protocol_share: 10}\n") == [(1_000, 2_000)]
    many = "quotas: {sessions: 40000, protocol_share: 100}\n"
    assert shares(CONFIGURATION + many) == [(40_000, 20_000)]
