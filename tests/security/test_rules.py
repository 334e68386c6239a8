"""Rules that hold for every protocol, in the configuration of somebody who binds them and says no
more. What a rule asks of one protocol or of the switch alone is tested where that is:
docs/security.md has the list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random, SystemRandom

import pytest

from ryu_alg.assembly import engine_config, protocol_specs
from ryu_alg.engine.commands import (
    Barrier,
    Command,
    CountData,
    CutData,
    DestinationNat,
    Pinhole,
    Publish,
)
from ryu_alg.engine.engine import Engine
from ryu_alg.engine.events import BarrierDone, DataCounted, SessionUnwanted
from ryu_alg.engine.public_ports import Lease, PublicPorts
from ryu_alg.engine.segment import ACK, RST
from ryu_alg.engine.snapshot import pinholes, sessions
from ryu_alg.inspection import Transport
from ryu_alg.openflow.pinholes import pinhole_flows
from ryu_alg.openflow.render import SYN
from ryu_alg.settings import parse
from tests.protocols.bittorrent.http_messages import ACCEPTED, announce, answer
from tests.protocols.rtsp.connection import accept, setup
from tests.protocols.session import TO_SERVER
from tests.protocols.sip.messages import request
from tests.protocols.sip.ua import invite, respond, sdp
from tests.protocols.xmpp.session import LOGIN
from tests.protocols.xmpp.stanzas import candidate, jingle, offer, result, streamhost
from tests.security.site import (
    CLIENT,
    CONFIGURATION,
    PUBLIC,
    SERVER,
    STRANGER,
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
    return configured(text + "quotas: {port_share: 100}\n")


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
                made = [ports.control(address, inside, transport, now, session=1)]
            case 1:
                made = [ports.data(address, inside, transport, now, session=1)]
            case 2:
                made = [ports.listening(address, inside, now, session=1, listener=1)]
            case 3:
                both = (inside, replace(inside, port=inside.port ^ 1))
                run = ports.data_run(address, both, transport, now, even=True, session=1)
                made = list(run)
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


def test_a_port_stays_one_hosts_own_when_partitions_change() -> None:
    """A configuration that is read again draws other lines between the partitions."""
    site = Site(small(control="49152-49159", data="32768-32775"))
    standing = [ftp(site, port=40000 + number) for number in range(8)]
    seen = {connection.server.peer.port for connection in standing}
    announced = {active(connection).seen.port for connection in standing[1:]}
    standing[0].segment(standing[0].client_side, flags=RST | ACK)
    site.sleep(31.0)  # it rests
    site.engine.reconfigure(small(control="32768-32783", data="49152-49167").config)
    later = [ftp(site, VICTIM, 40000 + number) for number in range(9)]
    assert not any(connection.reset for connection in later)
    assert not {connection.server.peer.port for connection in later} & announced
    assert not {active(connection).seen.port for connection in later[:8]} & seen
    assert site.connect("ftp", client=VICTIM, port=41000).reset, "nine are free of sixteen"


def test_another_time_to_rest_counts_for_what_is_given_back_later() -> None:
    site = Site(small(control="49152-49152"))
    brief = replace(site.engine.config.timers, port_quarantine=1.0, time_wait=1.0)
    site.engine.reconfigure(replace(site.engine.config, timers=brief))
    first = ftp(site)
    first.segment(first.client_side, flags=RST | ACK)
    site.sleep(3.0)
    assert not ftp(site, VICTIM).reset


def test_syns_over_a_quota_cost_nobody_a_port() -> None:
    """One host's SYNs do not use up the ports of all."""
    text = CONFIGURATION + "quotas: {sessions_per_host: 2, port_share: 100}\n"
    site = Site(configured(re.sub(r"control: \d+-\d+", "control: 49152-49159", text)))
    for number in range(2):
        ftp(site, port=40000 + number)
    for number in range(50):
        assert site.connect("ftp", port=41000 + number).reset
        assert site.events[-1] == "session.quota_host"
    assert not ftp(site, VICTIM).reset


def test_no_host_uses_up_the_ports_of_all() -> None:
    """Not by and by either: ports that rest are still those of the host that had them."""
    text = re.sub(r"control: \d+-\d+", "control: 49152-49167", CONFIGURATION)
    site = Site(configured(re.sub(r"data: \d+-\d+", "data: 32768-32783", text)))
    for number in range(8):
        client = ftp(site, port=40000 + number)
        active(client)
        client.segment(client.client_side, flags=RST | ACK)
    site.sleep(31.0)  # timers.time_wait
    assert site.connect("ftp", port=41000).reset
    assert site.events[-1] == "session.ports_exhausted"
    for number in range(8):
        active(ftp(site, VICTIM, 40000 + number))
    site.sleep(120.0)
    active(ftp(site, port=42000))


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


# -- rules 2, 5 and 7: for every protocol ---------------------------------------------------------

PHONE, PROXY = at(CLIENT, 5060), at(SERVER, 5060)
BOOT, BOOT_SERVER = at(CLIENT, 4000), at(SERVER, 69)
RRQ = b"\0\1a\0octet\0"
STREAM = "RTP/AVP;unicast;client_port=4588-4589"
PEERS = CONFIGURATION.replace("bittorrent: {}", "bittorrent: {options: {hosts: 192.168.10.0/24}}")
"""With hosts that peers may connect to; by default there are none."""


@dataclass
class Unconfirmed(Site):
    """Its switch takes its time."""

    engine: Engine = field(default_factory=lambda: configured(PEERS))
    waiting: list[int] = field(default_factory=list)

    def confirm(self) -> None:
        """It has done all that it was told."""
        while self.waiting:
            self.handle(BarrierDone(self.waiting.pop(0)))

    def _carry_out(self, command: Command) -> list[int]:
        if isinstance(command, Barrier):
            self.waiting.append(command.token)
            return []
        return super()._carry_out(command)


def irc(site: Site) -> Connection:
    """A session of amy's."""
    connection = site.connect("irc")
    connection.client_sends(b"NICK amy\r\nUSER amy 0 * :Amy\r\n")
    connection.server_sends(b":irc.example.net 001 amy :Welcome\r\n")
    return connection


def dcc(address: str, port: int = 5000) -> bytes:
    """An offer."""
    number = int(at(address, 1).address)
    return f"PRIVMSG bob :\1DCC CHAT chat {number} {port}\1\r\n".encode()


def xmpp(site: Site) -> Connection:
    """A session of alice's."""
    connection = site.connect("xmpp")
    for direction, data in LOGIN:
        if direction is TO_SERVER:
            connection.client_sends(data)
        else:
            connection.server_sends(data)
    return connection


def test_active_ftp_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    client = ftp(site)
    before = client.server.received
    client.client_sends(b"PORT 192,168,10,2,19,136\r\nRETR a\r\nQUIT\r\n")
    assert site.pinholes and client.server.received == before
    site.confirm()
    assert client.server.received[len(before) :].startswith(b"PORT ")
    assert b"RETR" not in client.server.received
    client.server_sends(b"200 Fine.\r\n")
    assert b"RETR a\r\n" in client.server.received


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"PASV\r\n", b"227 Entering Passive Mode (198,51,100,7,78,52).\r\n"),
        (b"EPSV\r\n", b"229 Entering Extended Passive Mode (|||20020|)\r\n"),
    ],
)
def test_passive_ftp_leaves_when_the_switch_has_opened(command: bytes, reply: bytes) -> None:
    site = Unconfirmed()
    client = ftp(site)
    assert client.client_sends(command + b"RETR a\r\n") == command
    assert site.shut
    assert client.server_sends(reply) == b""
    assert len(site.pinholes) == 1 and b"RETR" not in client.server.received
    site.confirm()
    assert client.client_side.received.endswith(reply)
    assert client.server.received.endswith(b"RETR a\r\n")


def test_rtsp_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    client = site.connect("rtsp")
    play = b"PLAY rtsp://h/a RTSP/1.0\r\nCSeq: 2\r\nSession: 1\r\n\r\n"
    asked = client.client_sends(setup(1, STREAM) + play)
    assert b"SETUP" in asked and b"PLAY" not in asked
    assert site.shut
    ports = asked.split(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
    answered = accept(1, f"RTP/AVP;unicast;client_port={ports};server_port=6256-6257")
    assert client.server_sends(answered) == b""
    assert site.media and b"PLAY" not in client.server.received
    site.confirm()
    assert b"RTSP/1.0 200" in client.client_side.received
    assert b"PLAY" in client.server.received


def test_sip_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    ((public, _, asked),) = site.send(PHONE, PROXY, invite(body=sdp(CLIENT, 4000)), "sip")
    assert site.shut
    described = sdp("198.51.100.9", 7000)
    accepted = respond(asked, 200, "Contact: <sip:b@198.51.100.9>", body=described)
    assert site.send(PROXY, public, accepted, "sip") == []
    assert site.media
    site.confirm()
    ((_, target, told),) = site.left
    assert target == PHONE and told.startswith(b"SIP/2.0 200 ")


def test_tftp_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    assert site.send(BOOT, BOOT_SERVER, RRQ, "tftp") == []
    assert site.media
    site.confirm()
    ((_, target, asked),) = site.left
    assert (target, asked) == (BOOT_SERVER, RRQ)


def test_irc_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    client = irc(site)
    assert client.client_sends(dcc(CLIENT)) == b""
    assert site.pinholes
    site.confirm()
    assert b"DCC CHAT" in client.server.received


def test_xmpp_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    client = xmpp(site)
    assert b"streamhost" not in client.client_sends(offer(streamhost(CLIENT, 5000)))
    assert site.pinholes
    site.confirm()
    assert b"streamhost" in client.server.received


def test_bittorrent_leaves_when_the_switch_has_opened() -> None:
    site = Unconfirmed()
    client = site.connect("bittorrent")
    assert client.client_sends(announce(port=6881))
    assert site.shut
    assert client.server_sends(answer(ACCEPTED)) == b""
    assert not site.shut
    site.confirm()
    assert client.client_side.received == answer(ACCEPTED)


SETUP_200 = accept(1, f"{STREAM};server_port=6256-6257")
FORGED: dict[str, tuple[Callable[[Site], Connection], list[bytes]]] = {
    "ftp": (
        ftp,
        [
            b"227 Entering Passive Mode (198,51,100,7,78,52).\r\n",
            b"229 Entering Extended Passive Mode (|||20020|)\r\n",
            b"200 PORT command successful.\r\n",
            b"150 Here it comes (227 Entering Passive Mode (198,51,100,7,78,52)).\r\n",
        ],
    ),
    "rtsp": (lambda site: site.connect("rtsp"), [SETUP_200, SETUP_200.replace(b"1.0", b"2.0")]),
    "irc": (
        irc,
        [
            b":bob!b@198.51.100.9 PRIVMSG amy :\1DCC CHAT chat 3325256711 5000\1\r\n",
            b":amy!a@192.168.10.2 PRIVMSG bob :\1DCC CHAT chat 3232238082 5000\1\r\n",
            b":bob!b@198.51.100.9 PRIVMSG amy :\1DCC ACCEPT a 5000 0\1\r\n",
        ],
    ),
    "xmpp": (
        xmpp,
        [
            result(),
            offer(streamhost(CLIENT, 5000)),
            offer(streamhost("198.51.100.9", 5000)),
            jingle("session-accept", candidate(CLIENT, 5000)),
        ],
    ),
    "bittorrent": (
        lambda site: site.connect("bittorrent"),
        [answer(ACCEPTED), b"\x13BitTorrent protocol" + bytes(48)],
    ),
}
"""What a server says that nobody has asked."""


@pytest.mark.parametrize(
    ("protocol", "number"),
    [(name, n) for name, (_, said) in FORGED.items() for n in range(len(said))],
)
def test_an_answer_to_nothing_opens_nothing(protocol: str, number: int) -> None:
    begun, said = FORGED[protocol]
    site = Site(configured(PEERS))
    connection = begun(site)
    connection.server_sends(said[number])
    connection.client_sends(b"\r\n")
    assert site.shut


@pytest.mark.parametrize(
    ("protocol", "public", "payload"),
    [
        ("sip", 5060, respond(invite(body=sdp(CLIENT, 4000)), 200, body=sdp("198.51.100.9", 7000))),
        ("sip", 5060, respond(request("REGISTER", "sip:a.example"), 200, "Expires: 60")),
        ("tftp", 69, b"\0\3\0\1" + b"x" * 512),
        ("tftp", 69, b"\0\6blksize\0512\0"),
        ("bittorrent", 6969, b"\0\0\0\1" + bytes(16)),
    ],
)
def test_a_datagram_that_answers_nothing_goes_nowhere(
    protocol: str, public: int, payload: bytes
) -> None:
    site = Site(configured(PEERS))
    for port in (public, *range(CONTROL[0], CONTROL[0] + 64), DATA[0]):
        assert site.send(at(SERVER, public), at(PUBLIC, port), payload, protocol) == []
    assert site.shut


ELSEWHERE = (VICTIM, "192.168.20.2", STRANGER, "127.0.0.1", "224.0.0.1", "0.0.0.0", PUBLIC)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_address_of_somebody_else_opens_nothing(address: str) -> None:
    """By any protocol whose payload has one. (The public address is what a host may know itself
    as: where it opens something, then for the host that said it.)"""
    site = Site(configured(PEERS))
    numbers = address.replace(".", ",")
    client = ftp(site)
    client.client_sends(f"PORT {numbers},19,136\r\n".encode())
    client.client_sends(f"EPRT |1|{address}|5000|\r\n".encode())
    irc(site).client_sends(dcc(address))
    chat = xmpp(site)
    chat.client_sends(offer(streamhost(address, 5000)))
    chat.client_sends(jingle("session-initiate", candidate(address, 5000), to="bob@a.example"))
    rtsp = site.connect("rtsp")
    rtsp.client_sends(setup(1, f"RTP/AVP;unicast;destination={address};client_port=4588-4589"))
    rtsp.server_sends(SETUP_200)
    left = site.send(PHONE, PROXY, invite(body=sdp(address, 4000)), "sip")
    for public, _, asked in left:
        said = respond(asked, 200, "Contact: <sip:b@h>", body=sdp("198.51.100.9", 7000))
        site.send(PROXY, public, said, "sip")
    tracker = site.connect("bittorrent")
    tracker.client_sends(announce(port=6881, more=f"&ip={address}"))
    tracker.server_sends(answer(ACCEPTED))
    translations = [pinhole.translate for pinhole in site.pinholes.values()]
    inside = {str(to.endpoint.address) for to in translations if isinstance(to, DestinationNat)}
    assert all(isinstance(to, DestinationNat) for to in translations)
    inside |= {str(path.inside.address) for paths in site.media.values() for path in paths}
    inside |= {str(listener.inside.address) for listener in site.listeners.values()}
    assert inside <= ({CLIENT} if address == PUBLIC else set())
    assert address == PUBLIC or site.shut


@pytest.mark.parametrize(
    ("opens", "wait"), [("ftp", (30, 60)), ("xmpp", (30, 60)), ("irc", (300, 300))]
)
def test_a_tcp_pinhole_is_narrow_and_short(opens: str, wait: tuple[int, int]) -> None:
    """One destination, one host where the protocol names it, one connection; gone in 30 seconds if
    nobody comes, or in the time that a person has to accept an offer."""
    site = Site()
    if opens == "ftp":
        active(ftp(site))
    elif opens == "irc":
        irc(site).client_sends(dcc(CLIENT))
    else:
        xmpp(site).client_sends(offer(streamhost(CLIENT, 5000)))
    (pinhole,) = site.pinholes.values()
    assert (pinhole.idle, pinhole.hard) == wait
    assert pinhole.last_port is None
    assert str(pinhole.seen.address) == PUBLIC and DATA[0] <= pinhole.seen.port <= DATA[1]
    assert str(pinhole.peers[0]) == f"{SERVER}/32"
    assert opens != "ftp" or len(pinhole.peers) == 1
    for flow in pinhole_flows(pinhole, 4242):
        assert f"hard_timeout={pinhole.hard}" in flow
        assert f"idle_timeout={pinhole.idle}" in flow or "reg6=" in flow
        assert f"nw_dst={PUBLIC}" in flow and f"tp_dst={pinhole.seen.port}" in flow
        assert "reg1=2" in flow and "+new" in flow
        assert f"tcp_flags={SYN}" in flow or "reg6=" in flow


def nothing_left(site: Site) -> bool:
    """Of sessions, what they opened, and what counts for quotas."""
    tables = site.engine.tables
    return not (
        site.pinholes
        or site.media
        or any(listener.admits for listener in site.listeners.values())
        or site.engine.sessions
        or list(pinholes(site.engine, site.now))
        or tables.expectations.live
        or tables.bindings.live
        or tables.limits.total
        or +tables.limits.per_protocol
        or +tables.quotas.by_protocol
        or tables.quotas.total
        or tables.quotas.per_host
    )


@pytest.mark.parametrize("state", ["announced", "open", "used"])
@pytest.mark.parametrize("how", ["reset", "removed"])
def test_nothing_outlives_an_ftp_session_but_established_transfers(state: str, how: str) -> None:
    site = Told()
    client = ftp(site)
    if state == "announced":
        client.client_sends(b"PASV\r\n")
    else:
        pinhole = active(client)
        if state == "used":
            site.used(pinhole.id)
    if how == "reset":
        client.segment(client.client_side, flags=RST | ACK)
    else:
        site.handle(SessionUnwanted(next(iter(site.engine.sessions))))
    assert not site.pinholes
    cut = [command for command in site.commands if isinstance(command, CutData)]
    assert bool(cut) == (state != "announced" and how == "removed"), (
        "a transfer goes on, unless told"
    )
    site.sleep(31.0)  # timers.time_wait
    for command in site.commands:
        if isinstance(command, CountData) and state == "used":
            site.handle(DataCounted(command.mark, 9, 9000, idle=True))
    assert nothing_left(site)


@pytest.mark.parametrize("protocol", ["irc", "xmpp", "rtsp"])
def test_nothing_outlives_a_session(protocol: str) -> None:
    site = Told()
    if protocol == "rtsp":
        client = site.connect("rtsp")
        asked = client.client_sends(setup(1, STREAM))
        ports = asked.split(b"client_port=", 1)[1].split(b"\r\n")[0].decode()
        said = accept(1, f"RTP/AVP;unicast;client_port={ports};server_port=6256-6257")
        client.server_sends(said)
        assert site.media
    else:
        client = irc(site) if protocol == "irc" else xmpp(site)
        said = dcc(CLIENT) if protocol == "irc" else offer(streamhost(CLIENT, 5000))
        client.client_sends(said)
        assert site.pinholes
    client.segment(client.client_side, flags=RST | ACK)
    assert not site.pinholes
    site.sleep(31.0)
    # Media go on as long as they move.
    for command in list(site.commands):
        if isinstance(command, CountData):
            site.handle(DataCounted(command.mark, 9, 9000, idle=True))
    assert nothing_left(site)


# -- secrets --------------------------------------------------------------------------------------


@dataclass
class Told(Site):
    """Remembers all that it was told."""

    commands: list[Command] = field(default_factory=list)

    def _carry_out(self, command: Command) -> list[int]:
        self.commands.append(command)
        return super()._carry_out(command)

    @property
    def shown(self) -> str:
        """What logs, events and the REST endpoint can show."""
        told = [command.detail for command in self.commands if isinstance(command, Publish)]
        views = [repr(view) for view in sessions(self.engine, self.now)]
        return "\n".join([*told, *views, *map(repr, pinholes(self.engine, self.now))])


SECRET = "s3cr3t-w0rd"


def test_secrets_are_shown_nowhere() -> None:
    site = Told()
    client = ftp(site)
    for line in (
        f"PASS {SECRET}\r\n",
        f"pass\t{SECRET}\r\n",
        f"PASS {SECRET}\0\r\n",
        f"PASS {SECRET}{'x' * 600}\r\n",
        f"ACCT {SECRET}\r\n",
        f"SITE PSWD {SECRET} {SECRET}\r\n",
    ):
        client = ftp(site, port=40000 + len(site.connections))
        client.client_sends(line.encode())
        client.server_sends(b"530 No.\r\n")
    digest = f'Authorization: Digest username="a", response="{SECRET}"'
    site.send(PHONE, PROXY, request("REGISTER", "sip:a.example", digest), "sip")
    site.send(PHONE, PROXY, invite(digest, body=sdp(VICTIM, 4000)), "sip")
    site.send(PHONE, PROXY, request("REGISTER", "sip:a.example", digest, digest), "sip")
    talk = site.connect("irc", port=41000)
    talk.client_sends(f"PASS {SECRET}\r\nNICK amy\r\nOPER amy {SECRET}\r\n".encode())
    talk = site.connect("irc", port=41001)
    talk.client_sends(f"PASS :{SECRET}{'x' * 9000}\r\n".encode())
    talk = site.connect("rtsp", port=41002)
    basic = f"Authorization: Basic {SECRET}\r\n"
    refused = setup(1, f"RTP/AVP;unicast;destination={VICTIM};client_port=4588-4589")
    talk.client_sends(refused.replace(b"\r\n\r\n", f"\r\n{basic}\r\n".encode()))
    talk = site.connect("xmpp", port=41003)
    talk.client_sends(LOGIN[0][1])
    talk.server_sends(LOGIN[1][1])
    talk.client_sends(f"<auth mechanism='PLAIN'>{SECRET}</auth><!-- -->".encode())
    tracker = site.connect("bittorrent", port=41004)
    tracker.client_sends(announce(port=22, path=f"/{SECRET}/announce"))
    assert len(site.commands) > 50
    assert SECRET not in site.shown
