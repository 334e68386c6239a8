"""Candidates: what is opened, what is written in their place, and until when."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ryu_alg.inspection import Conversation, Party, Transport
from ryu_alg.options import ANYBODY
from ryu_alg.protocols.xmpp.offers import MAX_CANDIDATES, MAX_OFFERS
from tests.protocols.gateway import BEHIND_NAT, IPV6, OUTSIDE, PUBLISHED, WITHIN, endpoint
from tests.protocols.xmpp.session import Session, XmppGateway
from tests.protocols.xmpp.stanzas import PEER, candidate, error, jingle, offer, result, streamhost

OWN, PUBLIC, PROXY = "192.168.10.2", "203.0.113.1", "198.51.100.99"


def test_a_streamhost_is_opened_and_rewritten() -> None:
    session = Session().log_in()
    proxy = streamhost(PROXY, 7777, "proxy.example.net")
    assert session.client(offer(streamhost(OWN, 8010), proxy)) == offer(
        streamhost(PUBLIC, 32769), proxy
    )
    (asked,) = session.gateway.asked
    assert (asked.listener, asked.port, asked.third_party) == (Party.CLIENT, 8010, None)
    assert asked.peers == ANYBODY[:1]
    assert asked.wait is None
    assert session.opened == {1}
    assert session.codes == ["xmpp.rewritten"]


def test_the_rest_of_the_stanza_stays_as_it_came() -> None:
    session = Session().log_in()
    odd = (
        b"<iq id='1' to='" + PEER.encode() + b"'\n type = \"set\" >\r\n<q:query   sid='x>y'"
        b" xmlns:q='http://jabber.org/protocol/bytestreams'>"
        b'<q:streamhost\tport = "8010" jid=\'a@b/c host="192.168.10.9"\' host="%b"  />&lt;'
        b"<![CDATA[<streamhost host='192.168.10.2' port='8010'/>]]></q:query\n></iq >"
    )
    before = odd % b"192.168&#46;10.2"
    after = (odd % b"203.0.113.1").replace(b'"8010"', b'"32769"')
    assert session.client(before) == after


@pytest.mark.parametrize("host", [OWN, PUBLIC])
def test_jingle_candidates(host: str) -> None:
    session = Session(offer_wait=100).log_in()
    proxy = candidate("proxy.example.net", 7625, "c2", "proxy")
    sent = jingle("session-initiate", candidate(host, 5086), proxy, to=PEER)
    expected = jingle("session-initiate", candidate(PUBLIC, 32769), proxy, to=PEER)
    assert session.client(sent) == expected
    assert session.opened == {1}
    assert session.gateway.asked[0].wait == 100


@pytest.mark.parametrize("action", ["session-accept", "transport-info"])
def test_whoever_has_accepted_connects_at_once(action: str) -> None:
    session = Session().log_in()
    session.client(jingle(action, candidate(OWN, 5086), to=PEER))
    assert session.opened == {1}
    assert session.gateway.asked[0].wait is None


def test_without_nat_nothing_changes_but_the_firewall() -> None:
    session = Session(IPV6).log_in()
    sent = offer(streamhost("2001:db8:1::9", 8010))
    assert session.client(sent) == sent
    assert not session.touched
    assert session.opened == {1}
    assert session.gateway.asked[0].peers == ANYBODY[1:]


def test_who_may_connect_can_be_narrowed() -> None:
    session = Session(peers=["198.51.100.0/24", "2001:db8:2::/64"]).log_in()
    session.client(offer(streamhost(OWN, 8010)))
    assert session.gateway.asked[0].peers == (ip_network("198.51.100.0/24"),)


@pytest.mark.parametrize(
    "host", [PROXY, "192.168.10.3", "proxy.example.net", "", "192.168.010.2", "fe80::1%eth0"]
)
def test_other_hosts_are_left_alone_or_removed(host: str) -> None:
    sent = offer(streamhost(host, 8010))
    session = Session().log_in()
    assert session.client(sent) == sent
    strict = Session(other_hosts="remove").log_in()
    assert strict.client(sent) == offer()
    assert strict.codes == ["xmpp.candidate.foreign"]
    assert session.gateway.asked == strict.gateway.asked == []


@pytest.mark.parametrize("port", ["", "0", "65536", "+80", "x", "８０１０"])
def test_a_port_that_is_none(port: str) -> None:
    session = Session().log_in()
    kept = streamhost(PROXY, 1)
    assert session.client(offer(streamhost(OWN, port), kept)) == offer(kept)
    assert session.codes == ["xmpp.candidate.syntax"]
    assert session.gateway.asked == []


def test_what_the_gateway_refuses_is_taken_out() -> None:
    session = Session().log_in()
    sent = offer(streamhost(OWN, 1023), streamhost(OWN, 8010))
    assert session.client(sent) == offer(streamhost(PUBLIC, 32769))
    assert session.codes == ["xmpp.candidate.refused", "xmpp.rewritten"]
    assert session.opened == {1}


def test_bytestreams_over_udp_are_left_alone() -> None:
    session = Session().log_in()
    sent = offer(streamhost(OWN, 8010)).replace(b"sid=", b"mode='udp' sid=")
    sent += jingle("session-initiate", candidate(OWN, 1), to=PEER).replace(b"'tcp'", b"'udp'")
    assert session.client(sent) == sent
    assert session.gateway.asked == []


def test_only_a_request_offers() -> None:
    session = Session().log_in()
    sent = offer(streamhost(OWN, 8010))
    others = [sent.replace(b"'set'", b"'%b'" % kind) for kind in (b"get", b"result", b"error", b"")]
    others.append(b"<message><body>" + sent + b"</body></message>")
    others.append(sent.replace(b"jabber.org/protocol", b"jabber.org/otherwise"))
    assert session.client(b"".join(others)) == b"".join(others)
    assert session.gateway.asked == []


# -- whose address it is ------------------------------------------------------------------------


def test_link_local_each_end_is_a_user() -> None:
    session = Session().link_local()
    assert b"203.0.113.1" in session.client(offer(streamhost(OWN, 8010)))
    sent = offer(streamhost("198.51.100.7", 8010))
    assert session.server(sent) == sent
    client, server = session.gateway.asked
    assert (client.listener, client.peers) == (Party.CLIENT, ())
    assert (server.listener, server.peers) == (Party.SERVER, ())
    assert session.opened == {1, 2}


def test_link_local_into_a_published_host() -> None:
    session = Session(PUBLISHED).link_local()
    got = session.server(offer(streamhost("192.168.20.2", 8010)))
    assert got == offer(streamhost(PUBLIC, 32769))


@pytest.mark.parametrize("between", [PUBLISHED, WITHIN, OUTSIDE])
def test_a_server_speaks_for_others(between: Conversation) -> None:
    session = Session(between, other_hosts="remove").log_in()
    sent = offer(streamhost("192.168.20.2", 8010), streamhost("192.168.20.3", 8010))
    assert session.server(sent) == sent
    assert session.gateway.asked == []


@pytest.mark.parametrize("between", [PUBLISHED, WITHIN, OUTSIDE])
def test_nobody_inside_listens_or_all_are(between: Conversation) -> None:
    session = Session(between).log_in()
    sent = offer(streamhost(str(between.client.address), 8010))
    assert session.client(sent) == sent
    assert session.gateway.asked == []


@pytest.mark.parametrize("host", ["192.168.20.2", "192.168.20.3"])
def test_a_server_inside_may_be_trusted_to_pass_on(host: str) -> None:
    session = Session(PUBLISHED, relayed_hosts="192.168.20.0/29").log_in()
    outside = streamhost("198.51.100.1", 8010)
    got = session.server(offer(streamhost(host, 8010), outside))
    assert got == offer(streamhost(PUBLIC, 32769), outside)
    (asked,) = session.gateway.asked
    assert (asked.listener, asked.peers) == (Party.SERVER, ())
    assert asked.third_party == (None if host.endswith(".2") else ip_address(host))


def test_a_server_outside_is_not_trusted_at_all() -> None:
    session = Session(relayed_hosts=["0.0.0.0/0"]).log_in()
    sent = offer(streamhost("198.51.100.7", 8010), streamhost("192.168.20.3", 8010))
    assert session.server(sent) == sent
    outside = Session(PUBLISHED, relayed_hosts=["0.0.0.0/0"]).log_in()
    assert outside.server(offer(streamhost("198.51.100.1", 8010)))
    assert session.gateway.asked == outside.gateway.asked == []


def test_two_users_inside_meet_there() -> None:
    gateway = XmppGateway(BEHIND_NAT)
    gateway.others[endpoint(PUBLIC, 40001)] = endpoint("192.168.10.3", 8010)
    session = Session(gateway=gateway, other_hosts="remove").log_in()
    got = session.server(offer(streamhost(PUBLIC, 40001), streamhost(PUBLIC, 40002)))
    assert got == offer(streamhost("192.168.10.3", 8010), streamhost(PUBLIC, 40002))
    assert session.opened == set()
    # Nobody outside learns who that is.
    sent = offer(streamhost("203.0.113.10", 40001))
    gateway.others[endpoint("203.0.113.10", 40001)] = endpoint("192.168.10.4", 8010)
    assert Session(gateway=gateway).log_in().client(sent) == sent


# -- until when ---------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [result(), error(), result(sender=PEER.upper())])
def test_an_answer_closes_what_is_left(answer: bytes) -> None:
    session = Session().log_in()
    session.client(offer(streamhost(OWN, 8010), streamhost(OWN, 8011)))
    assert session.open == {1, 2}
    assert session.server(answer) == answer
    assert session.open == set()
    assert session.inspector.dialogue.offers == []


@pytest.mark.parametrize("answer", [result("o2"), error(sender="mallory@example.net")])
def test_other_answers_close_nothing(answer: bytes) -> None:
    session = Session().log_in()
    session.client(offer(streamhost(OWN, 8010)))
    session.server(answer)
    session.client(result(sender="") + error())
    assert session.open == {1}


def used(sid: str = "851ba2", sender: str = PEER) -> bytes:
    return jingle("transport-info", b"<candidate-used cid='c1'/>", sender=sender, iq="9", sid=sid)


@pytest.mark.parametrize(
    ("answer", "stays"),
    [
        (error("j1"), False),
        (result("j1"), True),
        (used(), False),
        (used(sid="other"), True),
        (used(sender="mallory@example.net"), True),
        (jingle("transport-info", b"<candidate-error/>", sender=PEER), False),
        (jingle("session-accept", sender=PEER), True),
        (jingle("session-terminate", sender=PEER), False),
        (jingle("transport-replace", sender=PEER), False),
    ],
)
def test_a_jingle_session_goes_on(answer: bytes, stays: bool) -> None:
    session = Session().log_in()
    session.client(jingle("session-initiate", candidate(OWN, 5086), to=PEER))
    assert session.server(answer) == answer
    assert session.open == ({1} if stays else set())


def test_whoever_offers_can_give_up() -> None:
    session = Session().log_in()
    session.client(jingle("session-initiate", candidate(OWN, 5086), to=PEER))
    answer = jingle("transport-info", b"<candidate-used cid='c1'/>", to=PEER)
    session.client(answer + jingle("session-terminate", to="mallory@example.net"))
    assert session.open == {1}
    session.client(jingle("session-terminate", to=PEER))
    assert session.open == set()


def test_bounds() -> None:
    session = Session().log_in()
    many = [streamhost(OWN, 2000 + number) for number in range(MAX_CANDIDATES + 2)]
    session.client(offer(*many))
    assert len(session.opened) == MAX_CANDIDATES
    assert session.codes.count("xmpp.candidate.too_many") == 2
    for number in range(MAX_OFFERS):
        session.client(offer(streamhost(OWN, 9000), iq=str(number)))
    assert len(session.inspector.dialogue.offers) == MAX_OFFERS
    assert session.codes.count("xmpp.candidate.too_many") == 3
    session.gateway.now = 301
    session.client(offer(streamhost(OWN, 9000), iq="later"))
    assert len(session.inspector.dialogue.offers) == 1


def test_a_quota_of_the_gateway() -> None:
    session = Session(gateway=XmppGateway(BEHIND_NAT, room=1)).log_in()
    got = session.client(offer(streamhost(OWN, 8010), streamhost(OWN, 8011)))
    assert got == offer(streamhost(PUBLIC, 32769))
    assert session.reports[-1].detail.endswith("quota.session: 1 are announced already")
    assert session.gateway.behind(endpoint(PUBLIC, 32769), Transport.TCP)
