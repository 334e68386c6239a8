"""From an announced address to an expectation."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.inspection import Conversation, Party, Refusal
from ryu_alg.protocols.ftp import FtpOptions, commands
from ryu_alg.protocols.ftp.commands import Command
from ryu_alg.protocols.ftp.negotiation import Announced, Negotiator, Refused
from tests.protocols.gateway import BEHIND_NAT, IPV6, OUTSIDE, PUBLISHED, MemoryGateway

FXP = FtpOptions.model_validate({"fxp_hosts": ["198.51.100.16/28", "2001:db8:2::/48"]})


def active(line: bytes, gateway: MemoryGateway, options: FtpOptions) -> Announced | Refused:
    command = commands.parse(line + b"\r\n")
    assert isinstance(command, Command)
    return Negotiator(gateway, options).active(command)


def passive(reply: bytes, gateway: MemoryGateway, options: FtpOptions) -> Announced | Refused:
    negotiator = Negotiator(gateway, options)
    return negotiator.passive(reply, [(4, len(reply))], reply.startswith(b"229"))


def code(outcome: Announced | Refused) -> int:
    assert isinstance(outcome, Refused)
    return outcome.code


def test_the_client_listens() -> None:
    gateway = MemoryGateway(BEHIND_NAT)
    outcome = active(b"PORT 192,168,10,2,4,5", gateway, FXP)
    assert outcome == Announced(1, ((5, 21),), b"203,0,113,1,128,1")
    (asked,) = gateway.asked
    assert (asked.listener, asked.port, asked.third_party, asked.peers) == (
        *(Party.CLIENT, 1029, None),
        (),
    )


def test_the_server_listens_and_listed_hosts_may_connect() -> None:
    gateway = MemoryGateway(PUBLISHED)
    outcome = passive(b"227 (192,168,20,2,4,5)\r\n", gateway, FXP)
    assert outcome == Announced(1, ((5, 21),), b"203,0,113,1,128,1")
    (asked,) = gateway.asked
    assert (asked.listener, asked.port, asked.third_party) == (Party.SERVER, 1029, None)
    assert asked.peers == (ip_network("198.51.100.16/28"),)


def test_peers_are_of_the_sessions_family() -> None:
    gateway = MemoryGateway(IPV6)
    passive(b"229 (|||1029|)\r\n", gateway, FXP)
    assert gateway.asked[0].peers == (ip_network("2001:db8:2::/48"),)


def test_a_listed_host_may_be_named() -> None:
    gateway = MemoryGateway(OUTSIDE)
    assert isinstance(active(b"PORT 198,51,100,17,4,5", gateway, FXP), Announced)
    assert isinstance(passive(b"227 (198,51,100,18,4,5)", gateway, FXP), Announced)
    assert [asked.third_party for asked in gateway.asked] == [
        ip_address("198.51.100.17"),
        ip_address("198.51.100.18"),
    ]


def test_a_listed_host_of_the_other_family_may_not() -> None:
    gateway = MemoryGateway(IPV6)
    assert code(active(b"EPRT |1|198.51.100.17|1029|", gateway, FXP)) == 522
    assert code(passive(b"227 (198,51,100,17,4,5)", gateway, FXP)) == 425
    assert gateway.asked == []


def test_the_sessions_own_hosts_are_no_third_parties() -> None:
    options = FtpOptions.model_validate({"fxp_hosts": ["0.0.0.0/0"]})
    gateway = MemoryGateway(PUBLISHED)
    passive(b"227 (192,168,20,2,4,5)", gateway, options)
    passive(b"227 (203,0,113,1,4,5)", gateway, options)
    active(b"PORT 198,51,100,9,4,5", gateway, options)
    assert [asked.third_party for asked in gateway.asked] == [None] * 3


@pytest.mark.parametrize(
    ("refusal", "to_port", "to_pasv"),
    [
        ("port.privileged", 501, 425),
        ("port.denied", 501, 425),
        ("port.partition", 501, 425),
        ("quota.session", 425, 425),
        ("quota.host", 425, 425),
        ("quota.all", 425, 425),
        ("ports.exhausted", 425, 425),
    ],
)
def test_what_the_gateway_refuses(refusal: str, to_port: int, to_pasv: int) -> None:
    gateway = MemoryGateway(OUTSIDE, refusals={1029: Refusal(refusal, "no")})
    outcome = active(b"PORT 198,51,100,9,4,5", gateway, FXP)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.reason, outcome.detail) == (to_port, "refused", f"{refusal}: no")
    assert code(passive(b"227 (198,51,100,7,4,5)", gateway, FXP)) == to_pasv
    assert code(passive(b"229 (|||1029|)", gateway, FXP)) == to_pasv


@pytest.mark.parametrize("port", [0, 1, 20, 21, 1023])
def test_the_gateway_is_not_asked_for_low_ports(port: int) -> None:
    gateway = MemoryGateway(OUTSIDE)
    high, low = divmod(port, 256)
    assert code(active(b"PORT 198,51,100,9,%d,%d" % (high, low), gateway, FXP)) == 501
    assert code(active(b"EPRT |1|198.51.100.9|%d|" % port, gateway, FXP)) == 501
    assert code(passive(b"227 (198,51,100,7,%d,%d)" % (high, low), gateway, FXP)) == 425
    assert code(passive(b"229 (|||%d|)" % port, gateway, FXP)) == 425
    assert gateway.asked == []


def announced_as(address: str, conversation: Conversation) -> MemoryGateway:
    return MemoryGateway(conversation, announce_as=address)


def test_what_cannot_be_written_is_withdrawn() -> None:
    outcome = active(b"PORT 198,51,100,9,4,5", announced_as("2001:db8::1", OUTSIDE), FXP)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.expectation) == (522, 1)
    outcome = passive(b"227 (198,51,100,7,4,5)", announced_as("2001:db8::1", OUTSIDE), FXP)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.expectation) == (425, 1)
    outcome = passive(b"229 (|||1029|)", announced_as("203.0.113.9", OUTSIDE), FXP)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.expectation) == (425, 1)


def test_eprt_says_any_family() -> None:
    outcome = active(b"EPRT |1|198.51.100.9|1029|", announced_as("2001:db8::1", OUTSIDE), FXP)
    assert isinstance(outcome, Announced)
    assert outcome.text == b"|2|2001:db8::1|1029|"
    outcome = active(b"EPRT -1-198.51.100.9-1029-", announced_as("203.0.113.9", OUTSIDE), FXP)
    assert isinstance(outcome, Announced)
    assert outcome.text == b"-1-203.0.113.9-1029-"
    outcome = active(b"EPRT :1:198.51.100.9:1029:", announced_as("2001:db8::1", OUTSIDE), FXP)
    assert isinstance(outcome, Announced)
    assert outcome.text == b"|2|2001:db8::1|1029|"
