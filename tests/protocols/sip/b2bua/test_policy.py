"""Which calls may be made."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ryu_alg.protocols.sip.b2bua.options import CallRule
from tests.protocols.sip.b2bua.desk import Desk, sdp, text, with_options


def statuses(desk: Desk, method: str = "INVITE", uri: str = "") -> list[int]:
    raw = desk.alice.request(method, uri=uri)
    return [m.status for m in desk.give(desk.alice, raw)]


@pytest.mark.parametrize(
    ("rule", "denied"),
    [
        ({}, True),
        ({"callees": "bob@example.net"}, True),
        ({"callees": "BOB@*"}, True),
        ({"callees": "bob"}, True),
        ({"callees": "carol"}, False),
        ({"callers": "alice@*.example.com"}, True),
        ({"callers": "bob@*"}, False),
        ({"methods": ["MESSAGE"]}, False),
        ({"methods": []}, True),
        ({"sources": "192.168.10.0/24"}, True),
        ({"sources": ["192.168.20.0/24"]}, False),
    ],
)
def test_a_rule_denies_what_fits(rule: dict[str, object], denied: bool) -> None:
    desk = Desk(with_options(rules=[{"action": "deny", **rule}]))
    assert statuses(desk) == ([403] if denied else [100, 0])
    assert ("sip.policy.denied" in desk.codes) == denied


def test_no_spelling_gets_around_a_denial() -> None:
    desk = Desk(with_options(rules=[{"action": "deny", "callees": "bob@*"}]))
    for uri in ("sip:%62ob@example.net", "sip:bob:pw@example.net", "sips:BOB@EXAMPLE.net"):
        assert statuses(desk, uri=uri) == [403]


def test_no_spelling_is_more_than_what_is_allowed() -> None:
    rules = [{"action": "allow", "callees": "bob@*"}, {"action": "deny"}]
    desk = Desk(with_options(rules=rules))
    assert statuses(desk, uri="sip:bob@example.net") == [100, 0]
    assert statuses(desk, uri="sip:eve%40x@example.net") == [403]


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        {"action": "deny", "callees": "bob@*", "status": 603},
        {"action": "allow"},
        {"action": "deny"},
    ]
    desk = Desk(with_options(rules=rules))
    assert statuses(desk) == [603]
    assert statuses(desk, uri="sip:carol@example.net") == [100, 0]


def test_a_rule_may_limit_the_calls_at_once() -> None:
    rules = [{"action": "allow", "callees": "bob@*", "calls": 1}]
    desk = Desk(with_options(rules=rules))
    assert statuses(desk) == [100, 0]
    desk.alice.tag = "other"
    raw = desk.alice.request("INVITE")
    (refused,) = desk.give(desk.alice, raw)
    assert refused.status == 503
    assert text(refused, b"retry-after") == "5"
    assert statuses(desk, uri="sip:carol@example.net") == [100, 0]


def test_all_calls_have_a_limit() -> None:
    desk = Desk(with_options({"calls_per_host": 2}))
    for number, expected in enumerate(([100, 0], [100, 0], [503])):
        desk.alice.tag = f"tag{number}"
        assert statuses(desk) == expected


def test_new_calls_have_a_rate() -> None:
    desk = Desk(with_options(calls_per_second=1))
    found = []
    for number in range(4):
        desk.alice.tag = f"tag{number}"
        found.append(statuses(desk)[0])
    assert found == [100, 100, 503, 503]
    desk.world.now += 1
    desk.alice.tag = "later"
    assert statuses(desk)[0] == 100


def test_a_rule_may_end_calls() -> None:
    rules = [{"action": "allow", "callees": "bob@*", "time_limit": 30}]
    desk = Desk(with_options(rules=rules, time_limit=600))
    desk.call_out()
    assert [m.method for m in desk.wait(31)][:2] == ["BYE", "BYE"]
    desk.rest()


def test_requests_within_a_call_may_be_denied_but_not_its_end() -> None:
    desk = Desk(with_options(rules=[{"action": "deny", "methods": ["REFER", "INFO"]}]))
    desk.call_out()
    refer = desk.alice.request("REFER", headers=["Refer-To: <sip:carol@example.org>"])
    assert [m.status for m in desk.give(desk.alice, refer)] == [403]
    assert [m.status for m in desk.give(desk.alice, desk.alice.request("INFO"))] == [403]
    assert [m.method for m in desk.give(desk.alice, desk.alice.request("BYE"))] == ["BYE"]


def test_the_general_rules_of_sip_hold_too() -> None:
    desk = Desk(with_options({"rules": [{"action": "deny", "methods": ["MESSAGE"]}]}))
    assert statuses(desk, "MESSAGE") == [403]


def test_a_flood_is_dropped_and_counted() -> None:
    desk = Desk(with_options({"messages_per_second": 1}))
    raw = desk.alice.request("OPTIONS")
    assert [len(desk.give(desk.alice, raw)) for _ in range(4)] == [1, 0, 0, 0]
    assert desk.codes.count("sip.rate.dropped") == 2


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "deny", "calls": 1},
        {"action": "deny", "methods": ["BYE"]},
        {"action": "deny", "methods": ["A B"]},
        {"action": "deny", "status": 200},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CallRule.model_validate(rule)


def test_a_call_with_media_that_is_denied_binds_nothing() -> None:
    desk = Desk(with_options(rules=[{"action": "deny"}]))
    desk.give(desk.alice, desk.alice.request("INVITE", sdp("192.168.10.2", 4000)))
    assert desk.world.bound == 0


def test_beyond_the_rate_new_requests_are_told_so_for_a_while() -> None:
    desk = Desk(with_options({"messages_per_second": 1}))
    found = []
    for number in range(6):
        desk.alice.tag = f"tag{number}"
        found.append([m.status for m in desk.give(desk.alice, desk.alice.request("OPTIONS"))])
    assert found == [[0], [0], [503], [503], [], []]
    assert "sip.rate.refused" in desk.codes
